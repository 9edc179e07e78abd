"""Reads what lies under sql/, from a checkout or from the installed wheel alike. Knows no SQL."""

from pathlib import Path

# Beside this package in both. Not importlib.resources: sql/ holds no Python, and files() cannot read such a package
# through the finder of an editable install.
ROOT = Path(__file__).resolve().parent.parent / "sql"


def read_sql(path: str) -> str:
    """The text of one file under sql/, by its path with forward slashes; raises FileNotFoundError that names it."""
    found = _below(path)
    if not found.is_file():
        raise FileNotFoundError(f"sql/{path}: no such file")
    return found.read_text(encoding="utf-8")


def list_sql(folder: str) -> list[str]:
    """The names of the .sql files directly in a folder under sql/, sorted; raises FileNotFoundError that names it."""
    found = _below(folder)
    if not found.is_dir():
        raise FileNotFoundError(f"sql/{folder}: no such folder")
    return sorted(entry.name for entry in found.iterdir() if entry.name.endswith(".sql"))


def _below(path: str) -> Path:
    if any(part in ("", ".", "..") for part in path.split("/")):
        raise ValueError(f"sql/{path}: a path under sql/ has no empty, '.' or '..' part")
    return ROOT / path

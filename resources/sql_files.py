"""Reading of the files under sql/, in a checkout and in the installed wheel. It knows no SQL."""

from pathlib import Path

# Beside this package in both cases. Not importlib.resources, because files() cannot read a folder without Python
# through the finder of an editable install.
ROOT = Path(__file__).resolve().parent.parent / "sql"


def read_sql(path: str) -> str:
    """The text of one file under sql/, by its path with forward slashes; a FileNotFoundError names a missing file."""
    file = _below(path)
    if not file.is_file():
        raise FileNotFoundError(f"sql/{path}: no such file")
    return file.read_text(encoding="utf-8")


def list_sql(folder: str) -> list[str]:
    """The names of the .sql files directly in a folder under sql/, sorted; FileNotFoundError names a missing folder."""
    directory = _below(folder)
    if not directory.is_dir():
        raise FileNotFoundError(f"sql/{folder}: no such folder")
    return sorted(entry.name for entry in directory.iterdir() if entry.name.endswith(".sql"))


def _below(path: str) -> Path:
    if any(part in ("", ".", "..") for part in path.split("/")):
        raise ValueError(f"sql/{path}: a path under sql/ has no empty, '.' or '..' part")
    return ROOT / path

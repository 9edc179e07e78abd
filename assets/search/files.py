"""The search through files of this machine in which a store of ours keeps its rows: deleted rows lie there until later.

What belongs here: reading files that others write meanwhile. What does not: which files a store has.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from assets.search.look import Look

PIECE = 8 * 2**20
BESIDE = ("", "-wal", "-journal")


def search_file(look: Look, place: str, sqlite: Path) -> None:
    """A SQLite file, and what lies beside it."""
    for ending in BESIDE:
        search_bytes(look, place, sqlite.with_name(sqlite.name + ending), sqlite.name + ending)


def search_bytes(look: Look, place: str, file: Path, name: str) -> None:
    """A file as it is. One that is gone meanwhile holds nothing."""
    with suppress(FileNotFoundError), file.open("rb") as opened, look.file(place, name) as feed:
        while piece := opened.read(PIECE):
            feed(piece)


def below(folder: Path) -> Iterator[Path]:
    """All files below a folder, by name; what goes meanwhile is left out."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path

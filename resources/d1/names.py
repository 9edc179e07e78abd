"""Quoting of identifiers for SQL that this package composes. Values are always bound, never quoted."""

from collections.abc import Iterable

from resources.d1.database import D1Error


def quoted(name: str) -> str:
    """`name` as an SQL identifier; anything SQLite accepts between quotes, but no NUL and not empty."""
    if not name or "\0" in name:
        raise D1Error(7400, f"{name!r} is not a table's or column's name")
    return '"' + name.replace('"', '""') + '"'


def column_list(names: Iterable[str]) -> str:
    """Quoted names, parted by commas."""
    return ", ".join(quoted(name) for name in names)

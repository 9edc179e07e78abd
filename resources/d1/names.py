"""Quoting of identifiers in SQL that is composed here. Values are parameters, never quoted text."""

from collections.abc import Iterable

from resources.d1.database import D1Error


def quoted(name: str) -> str:
    """`name` as an SQL identifier; a D1Error for an empty name or one with a NUL."""
    if not name or "\0" in name:
        raise D1Error(7400, f"{name!r} is not a table's or column's name")
    return '"' + name.replace('"', '""') + '"'


def column_list(names: Iterable[str]) -> str:
    """Quoted names with commas between them."""
    return ", ".join(quoted(name) for name in names)

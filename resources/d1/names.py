"""Identifiers and expressions in SQL that is composed here. Values are parameters, never quoted text."""

from collections.abc import Iterable, Sequence

from resources.d1.database import D1Error


def quoted(name: str) -> str:
    """`name` as an SQL identifier; a D1Error for an empty name or one with a NUL."""
    if not name or "\0" in name:
        raise D1Error(7400, f"{name!r} is not a table's or column's name")
    return '"' + name.replace('"', '""') + '"'


def column_list(names: Iterable[str]) -> str:
    """Quoted names with commas between them."""
    return ", ".join(quoted(name) for name in names)


def balanced(parts: Sequence[str], operator: str) -> str:
    """`and`, `or` or `||` over any number of parts, as a tree: D1 refuses an expression that is deeper than 100."""
    if len(parts) <= 2:
        return f" {operator} ".join(parts)
    middle = len(parts) // 2
    return f"({balanced(parts[:middle], operator)}) {operator} ({balanced(parts[middle:], operator)})"

"""D1's statements, results and errors, in the words both rooms share. What can be done with them is in door.py.

Values: a parameter is None, bool (stored as 0 or 1), int of 64 bits, finite float, str without NUL, or bytes. A read
value is None, int, float, str or bytes. Integers beyond 2^53 and blobs come back exact from both rooms. A float with
a whole value may come back as the equal int, because JSON knows one kind of number.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

Param = None | bool | int | float | str | bytes
Row = dict[str, Any]


class D1Error(Exception):
    """D1 refused or failed; `code` is Cloudflare's number (7500 for an SQL error, 7400 for a broken limit)."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"D1 error {code}: {message}")
        self.code = code
        self.message = message

    def __reduce__(self) -> tuple[type["D1Error"], tuple[int, str]]:
        return D1Error, (self.code, self.message)


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement and its parameters, bound to `?` or `?NNN`; the parameters stay out of the repr."""

    sql: str
    params: Sequence[Param] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Result:
    """What one statement gave: its rows, and how many rows it changed (those changed by its triggers included)."""

    rows: list[Row] = field(repr=False)
    changes: int


def as_rows(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[Row]:
    """Dicts from a statement's columns and rows, refusing names that would overwrite each other."""
    if len(set(columns)) != len(columns):
        doubled = sorted({name for name in columns if columns.count(name) > 1})
        raise D1Error(7400, f"columns of one name in a result: {', '.join(doubled)}; give them aliases")
    return [dict(zip(columns, row, strict=True)) for row in rows]

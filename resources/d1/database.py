"""D1's statements, results and errors, which both rooms share. What a D1 can do is in protocol.py.

A parameter is None, bool (stored as 0 or 1), int of 64 bits, finite float, str without NUL, or bytes. A value that is
read is None, int, float, str or bytes. Both rooms give integers beyond 2^53 and blobs exactly. A float with a whole
value may come back as the equal int, because JSON has one type of number.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

Param = None | bool | int | float | str | bytes
Row = dict[str, Any]


class D1Error(Exception):
    """D1 refused a statement or failed. `code` is Cloudflare's: 7500 for an SQL error, 7400 for a passed limit."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"D1 error {code}: {message}")
        self.code = code
        self.message = message

    def __reduce__(self) -> tuple[type["D1Error"], tuple[int, str]]:
        return D1Error, (self.code, self.message)


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement, and the parameters of its `?` or `?NNN`; the repr does not show the parameters."""

    sql: str
    params: Sequence[Param] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Result:
    """The rows that one statement returned, and how many rows it changed, including the changes of its triggers."""

    rows: list[Row] = field(repr=False)
    changes: int


def as_rows(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[Row]:
    """Rows as dicts; a D1Error for two columns of one name, because one value would overwrite the other."""
    if len(set(columns)) != len(columns):
        doubled = sorted({name for name in columns if columns.count(name) > 1})
        raise D1Error(7400, f"columns of one name in a result: {', '.join(doubled)}; give them aliases")
    return [dict(zip(columns, row, strict=True)) for row in rows]

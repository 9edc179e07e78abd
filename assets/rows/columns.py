"""Columns of rows as lines and frames have them, the same for every store. Pure.

What belongs here: the kinds of values that lines tell apart. What does not: which type of a store has which kind; the
store's own module says that.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import polars as pl


class ColumnKind(StrEnum):
    """What a column holds. VALUE is any value of SQLite with its own type; a frame has its JSON text."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp"
    BLOB = "blob"
    VALUE = "value"


DTYPES: dict[ColumnKind, pl.DataType] = {
    ColumnKind.TEXT: pl.String(),
    ColumnKind.INTEGER: pl.Int64(),
    ColumnKind.NUMBER: pl.Float64(),
    ColumnKind.BOOLEAN: pl.Boolean(),
    ColumnKind.TIMESTAMP: pl.Datetime("us", "UTC"),
    ColumnKind.BLOB: pl.Binary(),
    ColumnKind.VALUE: pl.String(),
}


@dataclass(frozen=True)
class RowColumn:
    """A column of a table. `type` is what its store calls it; writing rows casts to it."""

    name: str
    kind: ColumnKind
    type: str


def schema(columns: Iterable[RowColumn]) -> pl.Schema:
    """The schema of a frame with these columns."""
    return pl.Schema({column.name: DTYPES[column.kind] for column in columns})


def text_of(column: RowColumn) -> pl.Expr:
    """A column's value as plain text, for example to find the bucket of a row."""
    value = pl.col(column.name)
    if column.kind is not ColumnKind.VALUE:
        return value.cast(pl.String)
    # A text of SQLite is a JSON text in the frame, other values are the same in both.
    return pl.when(value.str.starts_with('"')).then(value.str.json_decode(pl.String)).otherwise(value)

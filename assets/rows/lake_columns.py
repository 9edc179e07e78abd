"""The columns of a lake table as lines and frames of rows have them, and values on their way between both.

What belongs here: kinds and casts. What does not: reading and writing (lake.py).
"""

from collections.abc import Sequence

import polars as pl

from assets.rows.columns import ColumnKind, RowColumn, schema
from resources.lake import ColumnType, Layout

_KINDS = {
    ColumnType.STRING: ColumnKind.TEXT,
    ColumnType.INTEGER: ColumnKind.INTEGER,
    ColumnType.NUMBER: ColumnKind.NUMBER,
    ColumnType.BOOLEAN: ColumnKind.BOOLEAN,
    ColumnType.TIMESTAMP: ColumnKind.TIMESTAMP,
}
_KINDS_OF_OTHERS = {
    pl.Boolean(): ColumnKind.BOOLEAN,
    pl.Datetime("us", "UTC"): ColumnKind.TIMESTAMP,
    pl.Binary(): ColumnKind.BLOB,
}


def lake_columns(layout: Layout) -> tuple[RowColumn, ...]:
    """The columns of a lake table as those of lines, also those that other engines added.

    A value without a kind of its own, such as a date, is a text in lines.
    """
    ours = {column.name: column.type for column in layout.spec.columns}
    return tuple(
        RowColumn(c.name, _KINDS[ours[c.name]], ours[c.name].value)
        if c.name in ours
        else RowColumn(c.name, _kind(layout.schema[c.name]), str(c.field.field_type))
        for c in layout.columns
    )


def as_lines(rows: pl.LazyFrame, columns: Sequence[RowColumn]) -> pl.LazyFrame:
    """Rows of the table with the types that lines have."""
    return rows.select(pl.col(name).cast(dtype) for name, dtype in schema(columns).items())


def as_stored(rows: pl.DataFrame, layout: Layout) -> pl.DataFrame:
    """Rows of lines with the types of the table. Columns that they do not have are left out."""
    given = rows.schema
    return rows.select(_stored(name, given[name], dtype) for name, dtype in layout.schema.items() if name in given)


def _kind(dtype: pl.DataType) -> ColumnKind:
    if dtype.is_integer():
        return ColumnKind.INTEGER
    return ColumnKind.NUMBER if dtype.is_float() else _KINDS_OF_OTHERS.get(dtype, ColumnKind.TEXT)


def _stored(name: str, given: pl.DataType, dtype: pl.DataType) -> pl.Expr:
    value = pl.col(name)
    if given == pl.String():
        match dtype:
            case pl.Date():
                return value.str.to_date()
            case pl.Time():
                return value.str.to_time()
            case pl.Datetime():
                return value.str.to_datetime(time_unit=dtype.time_unit, time_zone=dtype.time_zone)
    return value.cast(dtype)

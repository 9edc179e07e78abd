"""Rows of a stream's table as lines that land: the app's data says which column is which field of an event. Pure.

A column that is no field lands under its own name, and is kept as an unknown field is. What does not belong here:
whether a line is an event (validation.py).
"""

import io
from collections.abc import Mapping

import polars as pl
import polars.selectors as cs

from resources.declined import DeclinedError

# Basin Pipelines adds columns of its own, such as __ingest_ts.
OWN = "__"
_MOMENT = "%Y-%m-%dT%H:%M:%S%.6fZ"


def lines(rows: pl.DataFrame, fields: Mapping[str, str]) -> bytes:
    """One JSON object a row, with a line end each.

    fields: columns by the event's field; a dot leads into a struct.

    Raises:
        DeclinedError: the table has no such column.
    """
    given = {field: _value(rows, column) for field, column in fields.items()}
    used = {column.partition(".")[0] for column in fields.values()}
    left = [name for name in rows.columns if name not in used | given.keys() and not name.startswith(OWN)]
    found = rows.select(*left, *(value.alias(field) for field, value in given.items()))
    plain = found.with_columns(
        cs.datetime(time_zone=None).dt.strftime(_MOMENT),
        cs.datetime(time_zone="*").dt.convert_time_zone("UTC").dt.strftime(_MOMENT),
        cs.decimal().cast(pl.Float64),
        cs.binary().bin.encode("base64"),
    )
    text = io.BytesIO()
    plain.write_ndjson(text)
    return text.getvalue()


def _value(rows: pl.DataFrame, column: str) -> pl.Expr:
    first, *path = column.split(".")
    kind: pl.DataType | None = rows.schema.get(first)
    value = pl.col(first)
    for name in path:
        kind = dict(kind.to_schema()).get(name) if isinstance(kind, pl.Struct) else None  # type: ignore[assignment]
        value = value.struct.field(name)
    if kind is None:
        raise DeclinedError(
            f"the table of the stream has no column {column}",
            "correct `stream_fields` of the app's data (assets/apps), or the schema of the stream",
        )
    return value

"""Rows as JSON lines and back, exact to the type, and the checksum of lines. Pure.

A line is an object with every column, in the order of the schema, null where there is no value:

- text, integer, boolean: as in JSON. Integers have 64 bits: a reader that only knows doubles must not use them.
- number: the shortest digits that give the same double, with a point or an exponent; "NaN", "Infinity", "-Infinity"
- timestamp: "2026-01-31T23:59:59.999999Z", always with microseconds
- blob: base64
- value: any value of SQLite, by its own type: null, an integer, a number (with a point or an exponent), a text, or
  {"blob": base64}. In a frame it is the JSON text.

What belongs here: lines. What does not: how lines are packed and stored.
"""

import base64
import hashlib
import io
import json
import math
from collections.abc import Sequence
from typing import Any

import polars as pl
from polars.exceptions import ComputeError

from assets.rows.columns import DTYPES, ColumnKind, RowColumn, schema

CHECKSUM_MODULUS = 2**128
TIME_FORM = "%Y-%m-%dT%H:%M:%S%.6fZ"
TIME_READ = "%Y-%m-%dT%H:%M:%S%.fZ"
NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_READ = {**DTYPES, ColumnKind.TIMESTAMP: pl.String(), ColumnKind.BLOB: pl.String()}


def encode(frame: pl.DataFrame, columns: Sequence[RowColumn]) -> bytes:
    """Rows as lines, each ended by a newline."""
    frame = frame.select(c.name for c in columns)
    if frame.is_empty():
        return b""
    if any(c.kind is ColumnKind.VALUE for c in columns):
        return _join_values(frame)
    numbers = [c.name for c in columns if c.kind is ColumnKind.NUMBER]
    if numbers:
        # polars writes NaN and infinite numbers as null.
        infinite = frame.select(
            pl.any_horizontal((pl.col(n).is_nan() | pl.col(n).is_infinite()).fill_null(value=False) for n in numbers)
        ).to_series()
        if infinite.any():
            return encode(frame.filter(~infinite), columns) + _encode_rows(frame.filter(infinite), columns)
    text = io.BytesIO()
    _with_texts(frame, columns).write_ndjson(text)
    return text.getvalue()


def decode(data: bytes, columns: Sequence[RowColumn]) -> pl.DataFrame:
    """Lines as the rows that were encoded. A column that a line does not have is null.

    Raises:
        ValueError: a line cannot be read.
    """
    complete = schema(columns)
    if not data:
        return pl.DataFrame(schema=complete)
    if any(c.kind is ColumnKind.VALUE for c in columns):
        return _decode_values(data, columns)
    try:
        frame = pl.read_ndjson(io.BytesIO(data), schema={c.name: _READ[c.kind] for c in columns})
    except ComputeError:
        frame = _decode_rows(data, columns)
    times = [c.name for c in columns if c.kind is ColumnKind.TIMESTAMP]
    blobs = [c.name for c in columns if c.kind is ColumnKind.BLOB]
    frame = frame.with_columns(
        *[pl.col(n).str.to_datetime(TIME_READ, time_unit="us", time_zone="UTC") for n in times],
        *[pl.col(n).str.decode("base64") for n in blobs],
    )
    return frame.match_to_schema(complete)


def checksum(lines: bytes) -> int:
    """The row-multiset checksum of lines: the sum modulo 2^128 of the first 16 bytes, as a big-endian number, of the
    SHA-256 of each line without its newline. It does not depend on the order of rows or on how they are cut into parts.
    """
    sha256, number = hashlib.sha256, int.from_bytes
    rows = lines.split(b"\n")
    rows.pop()
    return sum([number(sha256(row).digest()[:16]) for row in rows]) % CHECKSUM_MODULUS


def value_text(value: Any) -> str | None:
    """A value of SQLite as the JSON text of a `value` column.

    Raises:
        ValueError: an infinite number, which D1's API cannot carry.
    """
    if value is None:
        return None
    if isinstance(value, bytes):
        return f'{{"blob": "{base64.b64encode(value).decode()}"}}'
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("an infinite number, which D1's API cannot carry")
    return json.dumps(value, ensure_ascii=False)


def value_of(text: str | None) -> Any:
    """The value of SQLite that the JSON text of a `value` column means."""
    value = None if text is None else json.loads(text)
    return base64.b64decode(value["blob"]) if isinstance(value, dict) else value


def _with_texts(frame: pl.DataFrame, columns: Sequence[RowColumn]) -> pl.DataFrame:
    times = [c.name for c in columns if c.kind is ColumnKind.TIMESTAMP]
    blobs = [c.name for c in columns if c.kind is ColumnKind.BLOB]
    return frame.with_columns(
        *[pl.col(n).dt.to_string(TIME_FORM) for n in times], *[pl.col(n).bin.encode("base64") for n in blobs]
    )


def _join_values(frame: pl.DataFrame) -> bytes:
    parts: list[pl.Expr] = []
    for position, name in enumerate(frame.columns):
        opening = "{" if position == 0 else ","
        parts += [pl.lit(f"{opening}{json.dumps(name, ensure_ascii=False)}:"), pl.col(name).fill_null("null")]
    lines = frame.select(pl.concat_str([*parts, pl.lit("}")]).alias("line")).to_series()
    return "\n".join([*lines, ""]).encode()


def _decode_values(data: bytes, columns: Sequence[RowColumn]) -> pl.DataFrame:
    rows = []
    for line in data.decode().split("\n")[:-1]:
        values = json.loads(line)
        rows.append([_text_again(values.get(c.name)) for c in columns])
    return pl.DataFrame(rows, schema=schema(columns), orient="row")


def _text_again(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)


def _encode_rows(frame: pl.DataFrame, columns: Sequence[RowColumn]) -> bytes:
    rows = _with_texts(frame, columns).iter_rows()
    names = [c.name for c in columns]
    lines = (dict(zip(names, map(_finite, row), strict=True)) for row in rows)
    return b"".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n" for line in lines)


def _finite(value: Any) -> Any:
    if not isinstance(value, float) or math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _decode_rows(data: bytes, columns: Sequence[RowColumn]) -> pl.DataFrame:
    """For NaN and infinite numbers, because polars' own reader refuses them."""
    numbers = {c.name for c in columns if c.kind is ColumnKind.NUMBER}
    rows = []
    for line in data.decode().split("\n")[:-1]:
        values = json.loads(line)
        rows.append(
            [
                NOT_FINITE.get(v, v) if isinstance(v := values.get(c.name), str) and c.name in numbers else v
                for c in columns
            ]
        )
    return pl.DataFrame(rows, schema={c.name: _READ[c.kind] for c in columns}, orient="row")

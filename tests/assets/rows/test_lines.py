"""Rows as lines and back: equal to the byte for every type, and a checksum that knows no order."""

import hashlib
import json
import math
import random
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from assets.rows.columns import ColumnKind, RowColumn, schema
from assets.rows.lines import checksum, decode, encode, value_of, value_text

COLUMNS = tuple(RowColumn(f'{kind.value} ü"', kind, kind.value) for kind in ColumnKind if kind is not ColumnKind.VALUE)
MICROSECONDS = st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999)
OF_KIND: dict[ColumnKind, st.SearchStrategy[Any]] = {
    ColumnKind.TEXT: st.text(st.characters(exclude_categories=["Cs"])),
    ColumnKind.INTEGER: st.integers(-(2**63), 2**63 - 1),
    ColumnKind.NUMBER: st.floats(),
    ColumnKind.BOOLEAN: st.booleans(),
    ColumnKind.TIMESTAMP: MICROSECONDS,
    ColumnKind.BLOB: st.binary(),
}
ROWS = st.lists(st.tuples(*(st.none() | OF_KIND[c.kind] for c in COLUMNS)), max_size=8)
VALUES = (
    st.none()
    | OF_KIND[ColumnKind.TEXT]
    | OF_KIND[ColumnKind.INTEGER]
    | OF_KIND[ColumnKind.BLOB]
    | st.floats(allow_nan=False)
)


def framed(rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    wanted = schema(COLUMNS)
    columns = [
        pl.Series([row[i] for row in rows], dtype=pl.Int64).cast(dtype)
        if dtype == pl.Datetime
        else pl.Series([row[i] for row in rows], dtype=dtype)
        for i, dtype in enumerate(wanted.dtypes())
    ]
    return pl.DataFrame(dict(zip(wanted.names(), columns, strict=True)), schema=wanted)


def exact(frame: pl.DataFrame) -> list[tuple[Any, ...]]:
    """Rows in a fixed order, zeros with their sign, one NaN equal to another."""
    found = frame.with_columns(pl.col(pl.Datetime).cast(pl.Int64)).rows()
    return sorted([tuple(repr(value) for value in row) for row in found])


@settings(max_examples=150)
@given(rows=ROWS)
@example(rows=[("NaN", 2**53 + 1, math.nan, None, None, b""), (None, None, -math.inf, True, 1, None)])
@example(rows=[("\x00\u2028\x85\r\n", -(2**63), -0.0, False, -1, b"\x00\xff"), ("", 0, 5e-324, None, 0, b"\n")])
def test_what_is_decoded_is_what_was_encoded(rows: list[tuple[Any, ...]]) -> None:
    frame = framed(rows)
    lines = encode(frame, COLUMNS)
    assert lines.count(b"\n") == len(rows)
    back = decode(lines, COLUMNS)
    assert back.schema == frame.schema
    assert exact(back) == exact(frame)


@settings(max_examples=150)
@given(rows=st.lists(st.tuples(VALUES, VALUES), max_size=8))
@example(rows=[(1, 1.0), (2**63 - 1, 9007199254740993.0), ("1", b"1"), ('{"blob": "YQ=="}', None), (-0.0, "null")])
def test_a_value_of_sqlite_keeps_its_own_type(rows: list[tuple[Any, Any]]) -> None:
    columns = (RowColumn("a", ColumnKind.VALUE, "TEXT"), RowColumn('b" \\', ColumnKind.VALUE, ""))
    finite = [row for row in rows if not any(isinstance(v, float) and math.isinf(v) for v in row)]
    frame = pl.DataFrame([[value_text(v) for v in row] for row in finite], schema=schema(columns), orient="row")
    lines = encode(frame, columns)
    assert all(isinstance(json.loads(line), dict) for line in lines.splitlines())
    back = decode(lines, columns)
    assert back.equals(frame)
    assert [[repr(value_of(text)) for text in row] for row in back.iter_rows()] == [list(map(repr, r)) for r in finite]


def test_an_infinite_number_of_sqlite_is_refused() -> None:
    with pytest.raises(ValueError, match="an infinite number, which D1's API cannot carry"):
        value_text(math.inf)


@given(lines=st.lists(st.binary().map(lambda b: b.replace(b"\n", b"")), max_size=9), seed=st.integers())
def test_the_checksum_is_of_the_lines_in_any_order_and_cut(lines: list[bytes], seed: int) -> None:
    whole = checksum(b"".join(line + b"\n" for line in lines))
    assert whole == sum(int.from_bytes(hashlib.sha256(line).digest()[:16]) for line in lines) % 2**128
    random.Random(seed).shuffle(lines)
    half = len(lines) // 2
    parts = [b"".join(line + b"\n" for line in some) for some in (lines[:half], lines[half:])]
    assert sum(map(checksum, parts)) % 2**128 == whole


def test_a_line_that_is_none_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"Expecting value"):
        decode(b'{"text": \n', (RowColumn("text", ColumnKind.TEXT, "text"),))


def test_a_column_that_a_line_does_not_have_is_null() -> None:
    columns = (RowColumn("a", ColumnKind.INTEGER, "bigint"), RowColumn("b", ColumnKind.TEXT, "text"))
    assert decode(b'{"a":1}\n', columns).rows() == [(1, None)]

"""COPY: values come back exactly, as rows, polars frames and Arrow tables."""

import csv
import datetime as dt
import io
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import polars as pl
import psycopg
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.postgres import Postgres, copy_in, copy_out
from resources.postgres.copy import SLICE_ROWS

TABLE = """create table typed (id int, t text, n numeric(20, 4), f float8, b bytea, o boolean, d date, z timestamptz,
    j jsonb)"""
SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "id": pl.Int64,
    "t": pl.String,
    "n": pl.Decimal(20, 4),
    "f": pl.Float64,
    "b": pl.Binary,
    "o": pl.Boolean,
    "d": pl.Date,
    "z": pl.Datetime("us", "UTC"),
    "j": pl.String,
}
COLUMNS = list(SCHEMA)

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    ["", "\\N", "\\.", "null", "NULL", '"', '""', "a,b\r\nc", "\\", " ", "\t", "\\x41", "﻿"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)


def nullable(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


VALUES = st.tuples(
    nullable(TEXT),
    nullable(st.decimals(-(10**15), 10**15, places=4, allow_nan=False)),
    nullable(st.floats(allow_nan=False)),
    nullable(st.binary(max_size=10)),
    nullable(st.booleans()),
    nullable(st.dates(dt.date(1, 1, 1), dt.date(9999, 12, 31))),
    nullable(st.timedeltas(dt.timedelta(days=-40_000), dt.timedelta(days=40_000)).map(lambda since: EPOCH + since)),
    JSON.map(json.dumps),
)
ROWS = st.lists(VALUES, max_size=8).map(lambda rows: [(number, *row) for number, row in enumerate(rows)])


def as_rows(rows: list[tuple[Any, ...]]) -> Any:
    return rows


def as_frame(rows: list[tuple[Any, ...]]) -> Any:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def as_arrow(rows: list[tuple[Any, ...]]) -> Any:
    table: pa.Table = as_frame(rows).to_arrow()
    return table


@pytest.mark.parametrize("shape", [as_rows, as_frame, as_arrow])
@settings(max_examples=40)
@given(rows=ROWS)
def test_every_value_comes_back(
    postgres: Postgres, shape: Callable[[list[tuple[Any, ...]]], Any], rows: list[tuple[Any, ...]]
) -> None:
    with postgres.connection() as connection:
        connection.execute(f"drop table if exists typed; {TABLE}")
        assert copy_in(connection, "typed", COLUMNS, shape(rows)) == len(rows)
        found = connection.execute("select * from typed order by id").fetchall()
    assert [tuple(row.values()) for row in found] == [(*row[:-1], json.loads(row[-1])) for row in rows]


def test_json_arrays_and_null_apart(postgres: Postgres) -> None:
    with postgres.connection() as connection:
        connection.execute("create schema s; create table s.t (id int, a text[], j jsonb, i int[])")
        rows = [
            (1, ["x", None, 'q"u,o{t}e', ""], {"k": [1, None, "é"]}, [1, 2]),
            (2, [], [1, "two"], []),
            (3, None, None, None),
            (4, ["\\"], "null", None),
            (5, ["NULL"], 7, None),
        ]
        copy_in(connection, "s.t", ["id", "a", "j", "i"], rows)
        found = connection.execute("select *, j is null as gone from s.t order by id").fetchall()
    assert [(row["a"], row["j"], row["i"]) for row in found] == [
        (["x", None, 'q"u,o{t}e', ""], {"k": [1, None, "é"]}, [1, 2]),
        ([], [1, "two"], []),
        (None, None, None),
        (["\\"], None, None),
        (["NULL"], 7, None),
    ]
    # A JSON null is not SQL's NULL.
    assert [row["gone"] for row in found] == [False, False, True, False, False]


def test_nested_frames(postgres: Postgres) -> None:
    frame = pl.DataFrame({"id": [1, 2], "a": [["x", None], None], "j": [{"k": 1, "l": None}, None]})
    with postgres.connection() as connection:
        connection.execute("create table t (id int, a text[], j jsonb)")
        assert copy_in(connection, "t", ["a", "j", "id"], frame) == 2
        found = connection.execute("select a, j from t order by id").fetchall()
    assert found == [{"a": ["x", None], "j": {"k": 1, "l": None}}, {"a": None, "j": None}]


def test_other_column_types_of_frames(postgres: Postgres) -> None:
    frame = pl.DataFrame(
        {
            "c": pl.Series(["a", None, "b"], dtype=pl.Categorical),
            "e": pl.Series(["x", "x", None], dtype=pl.Enum(["x"])),
            "nothing": [None, None, None],
            "f": [float("nan"), float("inf"), 0.1],
            "t": [dt.time(1, 2, 3, 4), None, dt.time(0)],
            "ns": pl.Series([1, None, 10**18], dtype=pl.Datetime("ns", "UTC")),
            "u": pl.Series([2**64 - 1, 0, None], dtype=pl.UInt64),
        }
    )
    with postgres.connection() as connection:
        connection.execute("create table t (c text, e text, nothing int, f float8, t time, ns timestamptz, u numeric)")
        copy_in(connection, "t", frame.columns, frame)
        found = connection.execute("select *, f::text as ft from t").fetchall()
    assert [row["c"] for row in found] == ["a", None, "b"]
    assert [row["e"] for row in found] == ["x", "x", None]
    assert [row["nothing"] for row in found] == [None] * 3
    assert [row["ft"] for row in found] == ["NaN", "Infinity", "0.1"]
    assert [row["t"] for row in found] == [dt.time(1, 2, 3, 4), None, dt.time(0)]
    assert found[2]["ns"] == dt.datetime(2001, 9, 9, 1, 46, 40, tzinfo=dt.UTC)
    assert [row["u"] for row in found] == [Decimal(2**64 - 1), Decimal(0), None]


def test_more_rows_than_a_slice_and_one_column_of_nulls(way: str) -> None:
    count = SLICE_ROWS * 2 + 1
    with Postgres(way) as client, client.connection() as connection:
        connection.execute("create table t (x text)")
        frame = pl.DataFrame({"x": [None if number % 3 else f"row {number}" for number in range(count)]})
        assert copy_in(connection, "t", ["x"], frame) == count
        assert copy_in(connection, "t", ["x"], (("",) for _ in range(5))) == 5
        found = connection.execute("select count(*) as n, count(x) as x from t").fetchall()
    assert found == [{"n": count + 5, "x": count // 3 + 1 + 5}]


@pytest.mark.parametrize("shape", [as_rows, as_frame])
def test_a_refused_row_leaves_nothing_and_is_not_repeated_in_the_error(
    postgres: Postgres, shape: Callable[[list[tuple[Any, ...]]], Any]
) -> None:
    postgres.execute("create table t (id int primary key, j jsonb)")
    rows = [(1, "{}"), (2, "ann@example.com")]
    data = rows if shape is as_rows else pl.DataFrame(rows, schema=["id", "j"], orient="row")

    def load() -> None:
        with postgres.connection() as connection:
            copy_in(connection, "t", ["id", "j"], data)

    with pytest.raises(psycopg.errors.InvalidTextRepresentation) as raised:
        load()
    assert "ann@" not in str(raised.value)
    assert postgres.fetch("select * from t") == []


def test_a_source_that_fails_leaves_nothing(way: str) -> None:
    def rows() -> Any:
        yield (1,)
        raise ZeroDivisionError

    def load(client: Postgres) -> None:
        with client.connection() as connection:
            copy_in(connection, "t", ["id"], rows())

    with Postgres(way) as client:
        client.execute("create table t (id int)")
        with pytest.raises(ZeroDivisionError):
            load(client)
        assert client.fetch("select * from t") == []


def test_copy_out_is_csv_of_the_query(way: str) -> None:
    with Postgres(way) as client, client.connection() as connection:
        connection.execute("create table t (id int, x text)")
        copy_in(connection, "t", ["id", "x"], [(1, 'a"b,c\n'), (2, ""), (3, None), (4, "é")])
        text = b"".join(copy_out(connection, "select id, x from t where id < %s order by id", (4,))).decode()
        assert text == 'id,x\n1,"a""b,c\n"\n2,""\n3,\n'
        assert [row["x"] for row in csv.DictReader(io.StringIO(text))] == ['a"b,c\n', "", ""]
        # The connection can be used afterwards.
        assert connection.execute("select 1 as a").fetchall() == [{"a": 1}]

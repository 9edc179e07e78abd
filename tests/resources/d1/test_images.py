"""Rows as lines, exact to the type, in each room: what is read is what was written, and can be written again."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.d1 import D1, D1Error, Statement, images, pages
from resources.d1.database import Param
from resources.d1.exact import placed, upsert
from resources.d1.schema import OBJECTS, Schema
from resources.d1.scratch import Scratch

each_room = settings(max_examples=25, derandomize=True)
values = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.sampled_from([0.1 + 0.2, 5e-324, 1.7976931348623157e308, float("inf"), -float("inf"), 1e15, 2.0**53, -0.0]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    st.sampled_from(["a\0b", '[1],null]"', "\udcff\udc80", "tab\tline\n", '{"r": 1}']),
    st.binary(max_size=30),
)


def stored(value: Any) -> Any:
    """SQLite has one zero."""
    return 0.0 if isinstance(value, float) and value == 0 else value


def exact(rows: list[list[Any]]) -> list[list[tuple[type, Any]]]:
    return [[(type(value), stored(value)) for value in row] for row in rows]


def put(d1: D1, rows: list[list[Any]]) -> None:
    d1.batch([Statement("drop table if exists t"), Statement("create table t (i integer primary key, a, b, c)")])
    for row in rows:
        d1.execute(*_insert(row))


def _insert(row: list[Any]) -> tuple[str, list[Any]]:
    expressions, params = placed(row)
    return f"insert into t values ({', '.join(expressions)})", params


def read(d1: D1) -> list[bytes]:
    table = Schema.of(d1.query(OBJECTS)).tables["t"]
    return [line for page in pages.table_pages(d1.query, table) for line in page]


@each_room
@given(rows=st.lists(st.tuples(values, values, values), min_size=1, max_size=8))
def test_values_are_read_exactly_and_written_exactly(d1: D1, rows: list[tuple[Any, Any, Any]]) -> None:
    numbered = [[number, *row] for number, row in enumerate(rows)]
    put(d1, numbered)
    lines = read(d1)
    found = [[value for group in images.values(line) for value in group] for line in lines]
    assert exact(found) == exact(numbered)
    # What every version of SQLite writes has one canonical form, which is an image itself.
    canonical = [images.canonical(line) for line in lines]
    assert [images.written(images.values(line)) for line in canonical] == canonical
    with Scratch(Schema.of(d1.query(OBJECTS))) as scratch:
        table = scratch.schema.tables["t"]
        scratch.put(table, lines)
        again = [images.canonical(line) for page in pages.table_pages(scratch.query, table) for line in page]
    assert again == canonical
    for row in numbered:
        statement = upsert("t", ["i", "a", "b", "c"], [row[0], *row[:0:-1]], ["i"], None, replacing=False)
        d1.execute(statement.sql, statement.params)
    swapped = [[value for group in images.values(line) for value in group] for line in read(d1)]
    assert exact(swapped) == exact([[row[0], *row[:0:-1]] for row in numbered])


def test_pages_that_would_be_too_long_are_cut(d1: D1) -> None:
    d1.execute("drop table if exists t")
    d1.execute("create table t (i integer primary key, a)")
    for number in range(12):
        d1.execute("insert into t values (?, ?)", [number, "x" * 300_000])
    d1.execute("insert into t values (99, ?)", [b"\xff" * 1_000_000])
    table = Schema.of(d1.query(OBJECTS)).tables["t"]
    found = list(pages.table_pages(d1.query, table))
    assert [images.values(line)[0][0] for page in found for line in page] == [*range(12), 99]
    assert images.values(found[-1][-1])[1] == [b"\xff" * 1_000_000]


def test_keys_of_any_kind_are_paged(d1: D1, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "FIRST_ROWS", 2)
    monkeypatch.setattr(pages, "MOST_ROWS", 2)
    d1.execute("drop table if exists t")
    d1.execute("create table t (k not null, l not null, v, primary key (k, l))")
    keys: list[Param] = [
        0,
        1,
        -(2**63),
        2.5,
        float("inf"),
        "",
        "a\0",
        "a\0b",
        "ä",
        "\udcfe",
        b"",
        b"\0",
        2**63 - 1,
        1e300,
    ]
    for number, key in enumerate(keys):
        expressions, params = placed([key, number % 2, number])
        d1.execute(f"insert into t values ({', '.join(expressions)})", params)
    found = read(d1)
    assert len(found) == len(keys)
    assert sorted(images.values(line)[1][0] for line in found) == list(range(len(keys)))


def test_another_error_than_a_long_text_is_not_swallowed(d1: D1) -> None:
    with pytest.raises(D1Error, match="no such table"):
        pages.read_lines(d1.query, "select line from no_such", [], 10)

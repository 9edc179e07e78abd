"""Statements that grow with their columns or parameters stay below D1's limits."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.d1 import EmbeddedD1, bulk
from resources.d1.limits import MAX_COLUMNS, MAX_VALUE_BYTES
from resources.d1.names import balanced


@pytest.mark.parametrize("operator", ["or", "and", "||"])
@pytest.mark.parametrize("parts", [1, 2, 3, 99, 500])
def test_an_expression_of_many_parts_is_not_deep(tmp_path: Path, operator: str, parts: int) -> None:
    database = EmbeddedD1(tmp_path / "d1.sqlite")
    text = balanced([str(number % 2) for number in range(parts)], operator)
    expected = {"or": int(parts > 1), "and": 0, "||": "".join(str(number % 2) for number in range(parts))}[operator]
    assert database.query(f"select {text} as x")[0]["x"] in (expected, 0 if parts == 1 else expected)
    database.close()


def test_a_table_of_the_most_columns_is_upserted_where_it_changed(tmp_path: Path) -> None:
    database = EmbeddedD1(tmp_path / "d1.sqlite")
    columns = [f"c{number}" for number in range(MAX_COLUMNS)]
    database.execute(f"create table wide ({', '.join(columns)}, primary key (c0))")
    row = list(range(MAX_COLUMNS))
    assert database.upsert("wide", columns, [row], ["c0"], only_changed=True) == 1
    assert database.upsert("wide", columns, [row], ["c0"], only_changed=True) == 0
    assert database.upsert("wide", columns, [[*row[:-1], -1]], ["c0"], only_changed=True) == 1
    database.close()


@given(st.lists(st.text(max_size=50) | st.integers(), max_size=60), st.integers(1, 2_000))
def test_arrays_hold_every_value_once_in_order(values: list[str | int], factor: int) -> None:
    long = [value * factor if isinstance(value, str) else value for value in values]
    pages = list(bulk.arrays(long))
    assert [value for _, page in pages for value in page] == long
    assert [value for text, _ in pages for value in json.loads(text)] == long
    assert all(len(text.encode()) <= MAX_VALUE_BYTES for text, _ in pages)


def test_an_array_is_cut_below_the_limit_of_a_parameter(tmp_path: Path) -> None:
    database = EmbeddedD1(tmp_path / "d1.sqlite")
    values = [f"{number:06}-{'ü' * 300}" for number in range(10_000)]
    pages = list(bulk.arrays(values))
    assert len(pages) == 4
    counted = sum(database.query("select count(*) as n from json_each(?1)", [text])[0]["n"] for text, _ in pages)
    assert counted == len(values)
    database.close()

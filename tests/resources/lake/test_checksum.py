"""The row-multiset checksum: independent of order and layout, and of nothing else."""

from datetime import UTC, datetime
from typing import Any

import polars as pl
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from resources.lake.checksum import Tally, row_checksum
from tests.resources.lake.readings import SCHEMA

times = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
rows = st.tuples(
    texts,
    times,
    texts,
    st.none() | st.floats(allow_nan=False),
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.booleans(),
    st.none() | texts,
)
tables = st.lists(rows, max_size=8)
few = settings(max_examples=150)


def frame(of: list[Any]) -> pl.DataFrame:
    return pl.DataFrame(of, schema=SCHEMA, orient="row")


def checksum(of: pl.DataFrame | pl.LazyFrame) -> int:
    found: int = of.lazy().select(row_checksum(pl.Schema(SCHEMA))).collect(engine="streaming").item()
    return found


@few
@given(data=st.data(), found=tables)
def test_order_and_layout_do_not_matter(data: st.DataObject, found: list[Any]) -> None:
    shuffled = data.draw(st.permutations(found))
    cut = data.draw(st.integers(0, len(found)))
    parts = pl.concat([frame(shuffled[:cut]), frame(shuffled[cut:])], rechunk=False)

    assert checksum(parts) == checksum(frame(found)) == checksum(frame(found).rechunk())


@few
@given(data=st.data(), found=tables)
def test_a_tally_of_any_batches_is_the_checksum_of_all(data: st.DataObject, found: list[Any]) -> None:
    cut = data.draw(st.integers(0, len(found)))
    tally = Tally(pl.Schema(SCHEMA))
    for part in (found[cut:], found[:cut]):
        tally.add(frame(part))

    assert (tally.rows, tally.checksum) == (len(found), checksum(frame(found)))


@few
@given(data=st.data(), found=st.lists(rows, min_size=1, max_size=8))
def test_any_changed_value_changes_it(data: st.DataObject, found: list[Any]) -> None:
    row = data.draw(st.integers(0, len(found) - 1))
    column = data.draw(st.integers(0, len(SCHEMA) - 1))
    other = data.draw(rows)[column]
    assume(other != found[row][column])
    changed = list(found)
    changed[row] = (*found[row][:column], other, *found[row][column + 1 :])

    assert checksum(frame(changed)) != checksum(frame(found))


@few
@given(data=st.data(), found=st.lists(rows, min_size=1, max_size=8))
def test_a_row_lost_or_doubled_changes_it(data: st.DataObject, found: list[Any]) -> None:
    row = data.draw(st.integers(0, len(found) - 1))

    assert checksum(frame(found[:row] + found[row + 1 :])) != checksum(frame(found))
    assert checksum(frame([*found, found[row]])) != checksum(frame(found))


@few
@given(one=rows, other=rows, column=st.integers(0, len(SCHEMA) - 1))
def test_a_value_that_moves_to_another_row_changes_it(one: Any, other: Any, column: int) -> None:
    assume(one[column] != other[column])
    swapped = [
        (*one[:column], other[column], *one[column + 1 :]),
        (*other[:column], one[column], *other[column + 1 :]),
    ]
    assume(sorted(map(repr, swapped)) != sorted(map(repr, [one, other])))

    assert checksum(frame(swapped)) != checksum(frame([one, other]))


def test_a_value_that_moves_to_another_column_changes_it() -> None:
    at = datetime(2025, 10, 10, tzinfo=UTC)
    assert checksum(frame([("a", at, "b", None, None, None, None)])) != checksum(
        frame([("b", at, "a", None, None, None, None)])
    )
    assert checksum(frame([("a", at, "b", None, None, None, "")])) != checksum(
        frame([("a", at, "b", None, None, None, None)])
    )


def test_no_rows_have_a_checksum() -> None:
    assert checksum(frame([])) == 0

"""How families are laid out: which months are missing, what is folded next, and views beyond D1's compound limit."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.apps.sesh_series import METRICS, SESSIONS
from assets.series.layout import (
    Partition,
    PartitionRegistry,
    bounds,
    missing,
    month_partition,
    next_fold,
    union,
    year_before,
    year_partition,
)
from assets.windows import Window

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
EMPTY = PartitionRegistry(SESSIONS, 0, ())


def names(*partitions: Partition) -> list[str]:
    return [p.name for p in partitions]


def at(year: int, month: int, day: int = 1) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


def laid_out(since: datetime, now: datetime = NOW) -> PartitionRegistry:
    return PartitionRegistry(SESSIONS, 1, tuple(missing(EMPTY, now, since)))


def test_without_any_there_are_this_month_and_the_next() -> None:
    assert names(*missing(EMPTY, NOW)) == ["sessions_2026_11", "sessions_2026_12"]
    assert names(*missing(PartitionRegistry(METRICS, 0, ()), at(2026, 12, 31))) == [
        "metrics_2026_12",
        "metrics_2027_01",
    ]


def test_months_that_no_run_made_are_made_later_and_history_from_where_it_is_asked_for() -> None:
    found = laid_out(at(2026, 9), at(2026, 9))
    assert names(*missing(found, NOW)) == ["sessions_2026_11", "sessions_2026_12"]
    assert names(*missing(found, at(2026, 9, 30))) == []
    assert names(*missing(found, at(2026, 9, 30), at(2026, 7, 15))) == ["sessions_2026_07", "sessions_2026_08"]


def test_a_month_is_folded_once_it_is_wholly_older_than_a_year() -> None:
    found = laid_out(at(2025, 10))
    assert next_fold(found, datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC)) is None
    fold = next_fold(found, at(2026, 11))
    assert fold is not None
    assert names(fold.month, fold.year, fold.folded) == ["sessions_2025_10", "sessions_2025", "sessions_2025"]
    assert fold.folded.window == Window(at(2025, 10), at(2025, 11))
    assert not fold.year.answers
    assert bounds(fold.year) == Window(at(2025, 1), at(2026, 1))


def test_what_was_begun_is_folded_first_and_then_what_lies_beside_the_year() -> None:
    found = laid_out(at(2025, 3))
    begun = [replace(p, state="folding") if p.name == "sessions_2025_05" else p for p in found.partitions]
    fold = next_fold(PartitionRegistry(SESSIONS, 2, tuple(begun)), NOW)
    assert fold is not None
    assert fold.month.name == "sessions_2025_05"
    year = replace(year_partition(SESSIONS, at(2025, 6)), window=Window(at(2025, 6), at(2025, 7)))
    rest = [p for p in found.partitions if p.name != "sessions_2025_06"]
    fold = next_fold(PartitionRegistry(SESSIONS, 3, (*rest, year)), NOW)
    assert fold is not None
    assert fold.month.name == "sessions_2025_05"
    assert fold.folded.window == Window(at(2025, 5), at(2025, 7))


@given(st.integers(1, 130))
def test_a_union_of_any_length_has_no_compound_beyond_the_limit(count: int) -> None:
    text = union([f"select {n}" for n in range(count)], "*")
    depth, widths = 0, {0: 1}
    for part in text.replace("(", " ( ").replace(")", " ) ").split():
        if part == "(":
            depth += 1
            widths[depth] = 1
        elif part == ")":
            depth -= 1
        elif part == "union":
            widths[depth] += 1
            assert widths[depth] <= 5
    assert sorted(int(word) for word in text.replace(")", "").split() if word.isdigit()) == list(range(count))


@pytest.mark.parametrize(("day", "before"), [(at(2028, 2, 29), at(2027, 2, 28)), (at(2026, 3, 1), at(2025, 3, 1))])
def test_the_year_before(day: datetime, before: datetime) -> None:
    assert year_before(day) == before


def test_months_are_utc_whatever_zone_the_clock_has() -> None:
    late = datetime.fromisoformat("2026-12-01T01:00:00+02:00")
    assert month_partition(SESSIONS, late).name == "sessions_2026_11"

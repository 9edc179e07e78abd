"""As many partitions as a series may have: every statement over them stays below D1's limits."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.apps import APPS, Series
from assets.apps.sesh_series import SERIES, SESSIONS
from assets.series import ahead, audit, registry
from assets.series.ahead import TooManyPartitionsError
from assets.series.fold import Folding
from assets.series.layout import (
    MOST_PARTITIONS,
    Partition,
    PartitionRegistry,
    joined,
    missing,
    month_partition,
    view,
    year_partition,
)
from assets.series.plan import plan_read
from assets.series.read import read
from assets.windows import Window
from resources.d1 import EmbeddedD1
from resources.d1.limits import MAX_SQL_BYTES
from resources.r2 import FolderObjectStore
from tests.assets.points.flushes import Flushes, line
from tests.assets.series.partitioned_d1 import NOW, UNHURRIED, clock, partitioned, record, rows
from tests.sql.sesh.database import put

LONG_AGO = datetime(1995, 1, 15, tzinfo=UTC)


def first_year(answering: int) -> int:
    """The year from which on history has so many partitions: 24 months of 2025 and 2026, and years before them."""
    return 2025 - (answering - 24)


def test_history_of_32_years_is_read_by_every_statement(tmp_path: Path) -> None:
    d1 = partitioned(tmp_path / "sesh.sqlite", LONG_AGO)
    names = [p.name for p in registry.load(d1, SESSIONS).answering]
    assert names[:2] == ["sessions_1995", "sessions_1996"]
    assert len(names) == 30 + 24
    for number, at in enumerate((LONG_AGO, datetime(2003, 7, 1, tzinfo=UTC), NOW)):
        record(d1, f"s{number}", at, rating=number + 1)
    assert [row["id"] for row in read(d1, SESSIONS, LONG_AGO, NOW, order="rating", descending=True)] == ["s1", "s0"]
    assert len(rows(d1, SESSIONS)) == 3
    assert all(audit.faults(d1, series) == [] for series in SERIES)
    d1.close()


def test_points_are_ingested_into_the_most_partitions_there_may_be(tmp_path: Path) -> None:
    d1 = partitioned(tmp_path / "sesh.sqlite", datetime(first_year(MOST_PARTITIONS), 1, 1, tzinfo=UTC))
    assert all(len(registry.load(d1, series).answering) == MOST_PARTITIONS for series in SERIES)
    put(d1, "users", id="u3")
    flushes = Flushes(d1, FolderObjectStore(tmp_path / "r2"))
    flushes.flush(line("s1", 1), line("s1", 1), line("s2", 1, at="1950-03-01T00:00:00Z"))
    done = flushes.ingest()
    assert (done.received, done.stored, done.doubled) == (3, 2, 1)
    flushes.flush(line("s2", 1, at="1950-03-01T00:00:01Z"))
    assert flushes.ingest().doubled == 1
    # A delete of a user reaches every partition by its foreign key.
    assert d1.query("delete from users where id = 'u3' returning id") == [{"id": "u3"}]
    assert d1.query("select count(*) as n from points where userId = 'u1' and seq > 0") == [{"n": 2}]
    assert d1.query("select at from points order by at desc limit 1")[0]["at"] > "2026"
    d1.close()


def test_one_partition_more_is_refused_with_what_to_do(tmp_path: Path) -> None:
    d1 = partitioned(tmp_path / "sesh.sqlite")
    before = registry.load(d1, SESSIONS)
    with pytest.raises(TooManyPartitionsError, match="121 partitions, above 120: ask for a shorter history"):
        ahead.make(d1, SESSIONS, clock, datetime(first_year(MOST_PARTITIONS) - 1, 1, 1, tzinfo=UTC))
    with pytest.raises(TooManyPartitionsError):
        ahead.cover(d1, SESSIONS, datetime(1000, 1, 1, tzinfo=UTC))
    assert registry.load(d1, SESSIONS) == before
    d1.close()


EVERY_SERIES = [series for app in APPS for series in app.series]


@pytest.mark.parametrize("series", EVERY_SERIES, ids=lambda series: series.name)
def test_the_longest_statements_of_a_series_are_below_the_limits(series: Series, tmp_path: Path) -> None:
    d1 = EmbeddedD1(tmp_path / "plain.sqlite")
    start = datetime(first_year(MOST_PARTITIONS), 1, 1, tzinfo=UTC)
    laid_out = PartitionRegistry(series, 1, tuple(missing(PartitionRegistry(series, 0, ()), NOW, start)))
    assert len(laid_out.answering) == MOST_PARTITIONS
    for partition in laid_out.answering:
        d1.execute(f"create table {partition.name} ({', '.join(series.columns)})")
    d1.execute(f"create view {series.name} as {view(series, laid_out.answering)}")
    end = NOW + timedelta(days=60)
    for order in (None, series.columns[-1]):
        queries = plan_read(
            laid_out, start, end, order=order, limit=5, equal=dict.fromkeys(series.columns, "x"), descending=True
        )
        assert all(len(query.sql) < MAX_SQL_BYTES * 0.9 for query in queries)
        assert [d1.query(query.sql, query.params) for query in queries] == [[]] * len(queries)
    same = " and ".join(f"{name} = 'x'" for name in series.columns)
    assert d1.query(f"select * from {series.name} where {same} order by {series.time} desc limit 5") == []
    assert d1.query(f"select count(*) as n from {series.name} group by {series.key[0]}") == []
    d1.close()


MONTHS = st.integers(0, 12 * 31 - 1).map(lambda n: datetime(1996 + n // 12, 1 + n % 12, 1, tzinfo=UTC))


@given(st.sets(MONTHS, max_size=40), st.lists(st.tuples(MONTHS, st.integers(1, 11)), max_size=4), st.sets(MONTHS))
def test_what_is_made_holds_each_month_once(
    live: set[datetime], years: list[tuple[datetime, int]], asked: set[datetime]
) -> None:
    """With any partitions, and for any question."""
    found: dict[str, Partition] = {}
    for at, months in years:
        end = min(at + timedelta(days=28 * months), datetime(at.year, 12, 1, tzinfo=UTC))
        window = Window(at, month_partition(SESSIONS, end).window.end)
        if at.year < 2025:
            year = Partition("sessions", year_partition(SESSIONS, at).name, window, "year")
            found.setdefault(year.name, year)
    for at in live:
        month = month_partition(SESSIONS, at)
        if not any(p.window.clipped(month.window) for p in found.values()):
            found[month.name] = month
    current = PartitionRegistry(SESSIONS, 1, tuple(found.values()))
    wanted = [month_partition(SESSIONS, at) for at in sorted(asked)]
    lacking = [month for month in wanted if not current.over(month.window)]
    made = joined(current, lacking, NOW)
    after = PartitionRegistry(SESSIONS, 2, tuple({**found, **{p.name: p for p in made}}.values()))
    for month in [*wanted, *(p for p in found.values())]:
        assert sum((part.end - part.start for _, part in after.over(month.window)), timedelta()) == (
            month.window.end - month.window.start
        )
    # No month comes with a neighbour that nobody asked for.
    days = sum((p.window.end - p.window.start for p in after.answering), timedelta())
    before = sum((p.window.end - p.window.start for p in current.answering), timedelta())
    assert days == before + sum((month.window.end - month.window.start for month in lacking), timedelta())
    # Months of an old year are only made where they cannot lie in it.
    assert joined(after, [], NOW) == []


def test_months_of_an_old_year_that_are_there_are_folded_into_the_year_that_is_made(tmp_path: Path) -> None:
    d1 = partitioned(tmp_path / "sesh.sqlite", families=[SESSIONS])
    month = month_partition(SESSIONS, datetime(2020, 6, 1, tzinfo=UTC))
    current = registry.load(d1, SESSIONS)
    registry.change(d1, current, [*current.partitions, month], registry.table(SESSIONS, month), "2026")
    record(d1, "s1", datetime(2020, 6, 9, tzinfo=UTC))
    made = ahead.make(d1, SESSIONS, clock)
    assert {"sessions_2020", "sessions_2021", "sessions_2024", "sessions_2025_07"} <= {p.name for p in made}
    record(d1, "s2", datetime(2020, 9, 9, tzinfo=UTC))
    before = rows(d1, SESSIONS)
    Folding(d1, SESSIONS, clock, UNHURRIED).run()
    assert rows(d1, SESSIONS) == before
    assert [p.name for p in registry.load(d1, SESSIONS).answering][:2] == ["sessions_2020", "sessions_2021"]
    assert audit.faults(d1, SESSIONS) == []
    d1.close()

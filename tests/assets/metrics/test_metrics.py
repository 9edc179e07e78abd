"""Metrics beside a recount in Python: after any changes, folds and kills; and what is kept when detail goes."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from assets.apps.sesh_series import METRIC_SERIES, METRICS, POINTS, SERIES, SESSIONS
from assets.metrics import audit
from assets.metrics.build import Metrics, WindowCounts
from assets.metrics.grains import DAILY, GRAINS, HOURLY, MONTHLY, WEEKLY
from assets.metrics.keep import StaleMetricsError, keep_before
from assets.metrics.kept import kept_before
from assets.series import ahead, registry
from assets.series import audit as series_audit
from assets.series.fold import FoldError, Folding
from resources.d1 import D1, EmbeddedD1
from resources.r2 import FolderObjectStore
from tests.assets.metrics.recount import recounted, stored
from tests.assets.points.flushes import Flushes, line
from tests.assets.series.partitioned_d1 import (
    NOW,
    UNHURRIED,
    KilledError,
    Mortal,
    clock,
    holder,
    partitioned,
    point,
    record,
    rows,
)
from tests.examples import examples

TABLES = {"hourly": "metrics", "daily": "metrics_daily", "weekly": "metrics_weekly", "monthly": "metrics_monthly"}
BORDERS = [
    datetime(2025, 12, 28, 23, 59, 59, 999_000, tzinfo=UTC),  # a Sunday
    datetime(2026, 1, 1, tzinfo=UTC),
    datetime(2026, 3, 31, 23, 30, tzinfo=UTC),
    datetime(2026, 11, 21, 11, 0, tzinfo=UTC),
]


@pytest.fixture
def sesh(tmp_path: Path) -> Iterator[EmbeddedD1]:
    d1 = partitioned(tmp_path / "sesh.sqlite")
    yield d1
    d1.close()


def make(d1: D1) -> list[WindowCounts]:
    return [Metrics(d1, METRIC_SERIES, grain, clock, UNHURRIED).run() for grain in GRAINS.values()]


def agree(d1: D1) -> None:
    for grain, table in TABLES.items():
        assert stored(d1, table) == recounted(d1, grain), grain
    assert d1.query("select * from stale_metrics") == []


def test_every_grain_is_the_recount_and_a_second_run_makes_nothing(sesh: D1) -> None:
    for n, at in enumerate(BORDERS):
        record(sesh, f"a{n}", at, "u1", durationSeconds=0.1, rating=n + 1, amount=1 / 3, unit="g")
        record(sesh, f"b{n}", at, "u2", durationSeconds=999_999.999999, amount=0.5)
        point(sesh, f"a{n}", 1, at, measures='{"temperature":190.123456,"draws":-3}')
    assert [windows.made for windows in make(sesh)] == [4, 4, 4, 4]
    agree(sesh)
    (total,) = sesh.query("select total from metrics_monthly where metric = 'session.amount.g' and userId = '' limit 1")
    assert total["total"] == 333_333
    assert make(sesh) == [WindowCounts(0, 0)] * 4
    for grain in (HOURLY, DAILY, WEEKLY, MONTHLY):
        compared = audit.compare(sesh, METRIC_SERIES, grain, NOW)
        assert compared.differing == 0
        assert compared.rows > 0


def test_sums_of_many_small_values_are_exact(sesh: D1) -> None:
    for n in range(300):
        record(sesh, f"s{n}", NOW - timedelta(minutes=n), amount=0.1, unit="g")
    make(sesh)
    (row,) = sesh.query("select entries, total from metrics_monthly where metric = 'session.amount.g' and userId = ''")
    assert (row["entries"], row["total"]) == (300, 30_000_000)
    agree(sesh)


def forget(d1: D1, session: str) -> None:
    """Delete a session from all partitions."""
    for partition in registry.load(d1, SESSIONS).answering:
        d1.execute(f"delete from {partition.name} where id = ?", [session])


def fold(d1: D1) -> bool:
    """Fold every series; whether all went. A refusal drops nothing, and its month and year do share a session's id."""
    for series in SERIES:
        before, refusal = rows(d1, series), None
        try:
            Folding(d1, series, clock, UNHURRIED).run()
        except FoldError as error:
            refusal = error
        assert rows(d1, series) == before
        if refusal is not None:
            assert series is SESSIONS
            assert "docs/runbooks/stuck-fold.md" in refusal.next_step
            assert stuck(d1)
            return False
    return True


def stuck(d1: D1) -> list[tuple[str, str]]:
    """Months that are being folded, with ids which their year has at another time."""
    found = []
    for month in registry.load(d1, SESSIONS).answering:
        if month.state == "folding":
            year = f"{SESSIONS.name}_{month.window.start:%Y}"
            same = d1.query(
                f"select month.id from {month.name} as month join {year} as year on year.id = month.id"
                f" where substr(year.timestamp, 1, 7) <> '{month.window.start:%Y-%m}'"
            )
            found += [(month.name, row["id"]) for row in same]
    return found


actions = st.tuples(
    st.sampled_from(("record", "move", "delete", "point", "flush", "make", "fold", "leave")),
    st.integers(0, 5),
    st.sampled_from([*BORDERS, datetime(2025, 9, 30, 23, tzinfo=UTC), datetime(2025, 8, 4, tzinfo=UTC)]),
    st.sampled_from((0.1, 2, 1e6, 0.0000005)),
)


def act_on(d1: D1, flushes: Flushes, act: str, number: int, at: datetime, value: float) -> None:
    """Change something, or do a part of the work. A session may be written in two months: nothing looks for its id."""
    if act == "move":
        forget(d1, f"s{number}")
    if act in ("record", "move"):
        record(d1, f"s{number}", at + timedelta(minutes=number), ("u1", "u2")[number % 2], amount=value)
    elif act == "delete":
        d1.execute(f"delete from {holder(d1, SESSIONS, at)} where id = ?", [f"s{number}"])
    elif act == "point":
        flushes.flush(line(f"p{number}", int(value) + 1, at=at.isoformat(), values={"draws": value}))
        flushes.ingest(sweep=True)
    elif act == "make":
        make(d1)
    elif act == "fold":
        fold(d1)


@examples(8, 60)
@given(st.lists(actions, max_size=14))
@example([("record", 1, datetime(2025, month, 5, tzinfo=UTC), 2) for month in (8, 9)] + [("fold", 0, NOW, 2)])
def test_after_any_changes_the_stale_windows_are_all_that_must_be_made(
    tmp_path_factory: pytest.TempPathFactory, acts: list[tuple[str, int, datetime, float]]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    d1 = EmbeddedD1(folder / "sesh.sqlite")
    d1.path.write_bytes(template(tmp_path_factory))
    flushes = Flushes(d1, FolderObjectStore(folder / "r2"))
    for act, number, at, value in acts:
        if act == "leave" and number == 5:
            d1.execute("delete from users where id = 'u2'")
            break
        act_on(d1, flushes, act, number, at, value)
    make(d1)
    agree(d1)
    while not fold(d1):
        for month, name in stuck(d1):
            d1.execute(f"delete from {month} where id = ?", [name])
    make(d1)
    agree(d1)
    d1.close()


TEMPLATE: list[bytes] = []


def template(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file of a D1 with partitions."""
    if not TEMPLATE:
        path = tmp_path_factory.mktemp("template") / "sesh.sqlite"
        d1 = partitioned(path)
        d1.query("pragma optimize")
        d1.close()
        TEMPLATE.append(path.read_bytes())
    return TEMPLATE[0]


@pytest.mark.parametrize("after", [False, True])
def test_killed_at_any_call_and_run_again_it_ends_the_same(sesh: D1, after: bool) -> None:
    at = 0
    while True:
        at += 1
        for n, moment in enumerate(BORDERS[:3]):
            record(sesh, f"s{n}", moment, rating=at % 5 + 1)
        mortal = Mortal(sesh, at, after=after)
        try:
            make(mortal)
        except KilledError:
            make(sesh)
        agree(sesh)
        if mortal.calls < at:
            break
    assert at > 15


def test_a_session_that_is_replaced_at_another_hour_is_counted_once(sesh: D1) -> None:
    record(sesh, "s", NOW - timedelta(hours=5), amount=1)
    make(sesh)
    record(sesh, "s", NOW - timedelta(hours=2), amount=2)
    make(sesh)
    agree(sesh)
    sesh.execute("update sessions_2026_11 set timestamp = '2026-11-03T00:00:00.000Z' where id = 's'")
    make(sesh)
    agree(sesh)
    record(sesh, "t", NOW - timedelta(hours=9), amount=3)
    make(sesh)
    sesh.execute("update or replace sessions_2026_11 set id = 't' where id = 's'")
    make(sesh)
    agree(sesh)


def test_metrics_of_folded_months_are_made_in_their_year(sesh: D1) -> None:
    record(sesh, "s", datetime(2025, 9, 5, tzinfo=UTC))
    make(sesh)
    Folding(sesh, METRICS, clock, UNHURRIED).run()
    record(sesh, "t", datetime(2025, 9, 5, tzinfo=UTC))
    make(sesh)
    for series in (SESSIONS, POINTS):
        Folding(sesh, series, clock, UNHURRIED).run()
    record(sesh, "u", datetime(2025, 9, 5, 1, tzinfo=UTC))
    make(sesh)
    agree(sesh)
    assert len(sesh.query("select 1 from metrics_2025")) > 0


def test_what_is_kept_stays_when_its_detail_goes(sesh: D1) -> None:
    boundary = datetime(2026, 1, 1, tzinfo=UTC)
    record(sesh, "old", boundary - timedelta(hours=3), rating=4)
    record(sesh, "new", boundary + timedelta(hours=3), rating=2)
    with pytest.raises(StaleMetricsError, match="are stale"):
        keep_before(sesh, METRIC_SERIES, boundary)
    with pytest.raises(ValueError, match="midnight"):
        keep_before(sesh, METRIC_SERIES, NOW)
    assert kept_before(sesh) is None
    make(sesh)
    keep_before(sesh, METRIC_SERIES, boundary)
    before = {table: stored(sesh, table) for table in TABLES.values()}
    sesh.execute("delete from sessions_2025_12")
    assert make(sesh) == [WindowCounts(0, 1), *[WindowCounts(0, 0)] * 3]
    assert {table: stored(sesh, table) for table in TABLES.values()} == before
    keep_before(sesh, METRIC_SERIES, boundary - timedelta(days=9))
    assert kept_before(sesh) == "2026-01-01T00:00:00.000Z", "it never goes back"
    record(sesh, "newer", boundary + timedelta(hours=4), rating=5)
    make(sesh)
    week = stored(sesh, "metrics_weekly")["2025-12-29T00:00:00.000Z", "", "session.rating"]
    assert week == (3, 11_000_000, 2_000_000, 5_000_000), "of the days that are kept and the new one"


@pytest.mark.parametrize("table", [*TABLES.values()])
def test_a_metric_that_is_wrong_is_seen_by_its_check(sesh: D1, table: str) -> None:
    record(sesh, "s", NOW - timedelta(days=1))
    make(sesh)
    target = "metrics_2026_11" if table == "metrics" else table
    sesh.execute(f"update {target} set entries = entries + 1 where metric = 'sessions'")
    (grain,) = [GRAINS[name] for name, of in TABLES.items() if of == table]
    assert audit.compare(sesh, METRIC_SERIES, grain, NOW).differing == 1


def test_hours_before_the_first_partition_of_metrics_get_one(tmp_path: Path) -> None:
    d1 = partitioned(tmp_path / "sesh.sqlite", families=[SESSIONS])
    ahead.make(d1, METRICS, clock)
    record(d1, "s", datetime(2025, 8, 9, tzinfo=UTC))
    assert Metrics(d1, METRIC_SERIES, HOURLY, clock, UNHURRIED).run() == WindowCounts(1, 0)
    assert stored(d1, "metrics_2025_08")
    assert series_audit.faults(d1, METRICS) == []
    d1.close()

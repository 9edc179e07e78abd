"""The yearly pruning of time series: what goes, what stays, and that the metrics of them never change."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.apps.sesh_series import POINTS, SESSIONS
from assets.archive.parts import DamagedPartError
from assets.archive.restore import PartialRestoreError
from assets.points.point import PointReason
from assets.retention.proof import DAMAGED, LATE, UNSEALED
from assets.series.registry import load
from resources import migrations
from resources.postgres import Postgres
from tests.assets.points.flushes import Flushes, line
from tests.assets.retention.series_stores import FIRST, NOW, SeriesStores, add, laid_out
from tests.assets.series.partitioned_d1 import point, record
from tests.examples import examples

DECEMBER = datetime(2025, 12, 1, tzinfo=UTC)
LATEST = "2026-01-01T00:00:00.000Z"


@pytest.fixture
def stores(postgres: Postgres, tmp_path: Path) -> Iterator[SeriesStores]:
    """Three months of 2025 in the partition of their year, three of 2026, all archived that is old enough."""
    found = SeriesStores(postgres, tmp_path)
    migrations.up(migrations.D1AppliedMigrations(found.d1, "sesh-d1"), "sesh/d1")
    laid_out(found)
    found.archive()
    yield found
    found.d1.close()


def old(stores: SeriesStores) -> int:
    return sum(n["n"] for n in stores.d1.query(f"select count(*) as n from sessions where timestamp < '{LATEST}'"))


def media(stores: SeriesStores, session: str, user: str = "u1") -> list[str]:
    keys = [f"user-media/{user}/sessions/{session}/a.{end}" for end in ("jpg", "mp4")]
    keys.append(f"quarantine/user-media/{user}/sessions/{session}/b.jpg")
    for key in keys:
        stores.store.put(key, b"bytes")
    return keys


def test_a_year_goes_with_its_partitions_and_media_and_its_metrics_stay(stores: SeriesStores) -> None:
    media(stores, "s0")
    kept = media(stores, "s5", "u2")
    before = stores.metrics()
    assert before == stores.recounted()
    assert (old(stores), stores.faults()) == (5, [])

    planned = stores.prune(dry_run=True)
    assert [(o.total, o.going, o.deleted, o.held_back) for o in planned.outcomes] == [(6, 5, 0, [])] * 2
    assert (old(stores), planned.kept_before, planned.dropped, planned.media) == (5, None, [], 0)

    done = stores.prune()
    assert [(o.total, o.going, o.deleted, o.held_back) for o in done.outcomes] == [(6, 5, 5, [])] * 2
    assert (done.kept_before, done.dropped, done.media) == (LATEST, ["sessions_2025", "points_2025"], 3)
    assert [len(rows) for rows in stores.detail()] == [1, 1]
    assert [o.key for o in stores.store.list("user-media")] == kept[:2]
    assert stores.metrics() == before
    assert stores.faults() == []
    assert stores.d1.query("select * from stale_metrics") == stores.d1.query("select * from pruned_sessions") == []
    notes = stores.postgres.fetch("select place, intended_rows, rows from retention.deletions order by name")
    assert notes == [{"place": "2025Q4", "intended_rows": 5, "rows": 5}] * 2
    stores.make()
    assert stores.metrics() == before
    again = stores.prune()
    assert [(o.total, o.deleted) for o in again.outcomes] == [(1, 0)] * 2


def test_what_comes_late_for_a_pruned_window_is_refused_and_changes_no_metric(stores: SeriesStores) -> None:
    stores.prune()
    before = stores.metrics()
    flushes = Flushes(stores.d1, stores.store, now=NOW)
    flushes.flush(line("s0", 2, at="2025-10-01T00:00:01Z"))
    run = flushes.ingest()
    assert (run.stored, dict(run.reasons)) == (0, {(PointReason.NO_PARTITION.value, "at"): 1})
    with pytest.raises(ValueError, match="not enough values"):
        record(stores.d1, "late", FIRST)  # the look-up of its partition finds none
    stores.make()
    assert stores.metrics() == before


def test_what_comes_or_changes_late_where_a_part_of_a_year_goes_stays_until_it_is_archived(
    stores: SeriesStores,
) -> None:
    # In June a quarter of 2026 is old, and its months are tables of their own.
    stores.now = datetime(2027, 6, 1, tzinfo=UTC)
    stores.fold()
    stores.archive()
    stores.d1.execute("update sessions_2025 set notes = 'again' where id = 's1'")
    add(stores.d1, "late", FIRST + timedelta(days=2), "u1", 9)
    stores.make()
    before = stores.metrics()
    done = stores.prune()
    held = [sorted((h.place, h.rows, h.why) for h in o.held_back) for o in done.outcomes]
    assert held == [[("2025Q4", 2, LATE), ("2026Q1", 1, UNSEALED)], [("2025Q4", 1, LATE), ("2026Q1", 1, UNSEALED)]]
    assert (done.dropped, done.kept_before) == ([], LATEST)
    assert stores.metrics() == before
    add(stores.d1, "later", FIRST + timedelta(days=3), "u2", 4)
    stores.make()
    assert stores.metrics() == before, "it is kept, and counted nowhere"

    stores.archive()
    done = stores.prune()
    assert [o.deleted for o in done.outcomes] == [3, 2]
    assert done.dropped == ["sessions_2025", "points_2025"]
    assert stores.metrics() == before


def test_a_damaged_archive_is_named_and_nothing_of_its_quarter_goes(stores: SeriesStores) -> None:
    parts = [o.key for o in stores.store.list("archive/sesh/sessions") if "/part-" in o.key]
    data = bytearray(stores.store.get(parts[0]))
    data[len(data) // 2] ^= 4
    stores.store.put(parts[0], bytes(data))
    done = stores.prune()
    sessions, points = done.outcomes
    assert (sessions.deleted, points.deleted, old(stores)) == (0, 5, 5)
    assert [(h.place, h.rows, h.why) for h in sessions.held_back] == [("2025Q4", 5, DAMAGED)]
    assert sessions.faults == [f"{parts[0]}: its bytes have another SHA-256 than those that were written"]


def test_without_an_archive_nothing_goes_and_nothing_is_kept_as_it_is(stores: SeriesStores) -> None:
    stores.postgres.execute("truncate archive.revisions")
    done = stores.prune()
    assert [[h.why for h in o.held_back] for o in done.outcomes] == [[UNSEALED]] * 2
    assert (old(stores), done.kept_before) == (5, None)


@pytest.mark.parametrize("table", ["metrics_2025", "metrics_daily", "metrics_weekly", "metrics_monthly"])
def test_metrics_that_are_not_what_their_rows_are_counted_to_let_nothing_go(stores: SeriesStores, table: str) -> None:
    stores.d1.execute(
        f"update {table} set total = total + 1 where metric = 'session.rating' and windowStart < '2025-11'"
    )
    before = stores.detail()
    for dry_run in (True, False):
        done = stores.prune(dry_run=dry_run)
        assert [o.going for o in done.outcomes] == [0, 0]
        assert all("are not what" in held.why for o in done.outcomes for held in o.held_back)
    assert stores.detail() == before
    assert len(load(stores.d1, SESSIONS).answering) == len(load(stores.d1, POINTS).answering)


def test_a_large_share_stops_before_anything(stores: SeriesStores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assets.retention.share.SMALL_TABLE", 1)
    before = stores.detail()
    done = stores.prune()
    assert all("5 of 6 rows would be deleted" in str(o.stopped) for o in done.outcomes)
    assert (stores.detail(), done.kept_before) == (before, None)
    assert [o.deleted for o in stores.pruner().run(dry_run=False, confirmed=True).outcomes] == [5, 5]


def test_a_quarter_comes_back_as_it_was_and_can_be_pruned_again(stores: SeriesStores) -> None:
    before, metrics = stores.detail(), stores.metrics()
    stores.prune()
    with pytest.raises(PartialRestoreError, match="restore aside, or all of them"):
        stores.restore("sessions", bucket="user-00")
    assert [stores.restore(table).added for table in ("sessions", "points")] == [5, 5]
    assert stores.detail() == before
    assert [p.name for p in load(stores.d1, SESSIONS).answering][:3] == [f"sessions_2025_{m}" for m in (10, 11, 12)]
    stores.make()
    assert stores.metrics() == metrics
    stores.fold()
    stores.make()
    assert (stores.detail(), stores.metrics(), stores.faults()) == (before, metrics, [])
    stores.archive()
    done = stores.prune()
    assert ([o.deleted for o in done.outcomes], done.dropped) == ([5, 5], ["sessions_2025", "points_2025"])
    assert stores.metrics() == metrics


def test_what_was_lost_and_not_pruned_is_counted_again_once_it_is_back(stores: SeriesStores) -> None:
    before, metrics = stores.detail(), stores.metrics()
    for table in ("sessions_2025", "points_2025"):
        stores.d1.execute(f"delete from {table}")
    stores.make()
    assert stores.metrics() != metrics
    for table in ("points", "sessions"):
        stores.restore(table)
        stores.restore(table)
    stores.make()
    assert (stores.detail(), stores.metrics()) == (before, metrics)


def test_a_damaged_part_lets_nothing_of_a_quarter_come_back_live(stores: SeriesStores) -> None:
    stores.prune()
    last = [o.key for o in stores.store.list("archive/sesh/sessions") if "/part-" in o.key][-1]
    stores.store.delete(last)
    with pytest.raises(DamagedPartError, match="missing"):
        stores.restore("sessions")
    assert old(stores) == 0


def test_media_of_a_session_that_is_live_again_stay(stores: SeriesStores) -> None:
    keys = media(stores, "s5", "u2")
    stores.d1.execute("insert into pruned_sessions values ('u2', 's5'), ('u1', 'gone'), ('u1', 'with/slash')")
    media(stores, "gone")
    assert stores.prune().media == 3
    assert sorted(o.key for o in stores.store.list() if "/s5/" in o.key) == sorted(keys)
    assert stores.d1.query("select * from pruned_sessions") == []


COUNTS = st.tuples(
    st.integers(0, 31 * 86_400 - 1),
    st.sampled_from(("u1", "u2")),
    st.none() | st.sampled_from((0.1, 1 / 3, 2, 999_999.5)),
    st.none() | st.integers(1, 5),
    st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8),
    st.sampled_from(('{"draws":1}', '{"temperature":190.123456,"draws":-3}', '{"t":0.0000005}')),
)


@examples(4, 30)
@given(given=st.lists(COUNTS, min_size=1, max_size=7))
def test_any_rows_go_and_come_back_as_they_were_and_their_metrics_never_move(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory, given: list[tuple[Any, ...]]
) -> None:
    postgres.execute("truncate archive.revisions, retention.deletions")
    stores = SeriesStores(postgres, tmp_path_factory.mktemp("any"))
    migrations.up(migrations.D1AppliedMigrations(stores.d1, "sesh-d1"), "sesh/d1")
    laid_out(stores, 0, DECEMBER)
    for n, (seconds, user, amount, rating, notes, measures) in enumerate(given):
        at = DECEMBER + timedelta(seconds=seconds)
        record(stores.d1, f"s{n}", at, user, amount=amount, rating=rating, notes=notes)
        point(stores.d1, f"s{n % 3}", n + 1, at, user, measures)
        hours = [["hourly", f"{at:%Y-%m-%dT%H}:00:00.000Z"]]
        stores.d1.upsert("stale_metrics", ["grain", "windowStart"], hours, ["grain", "windowStart"])
    stores.make()
    before, metrics = stores.detail(), stores.metrics()
    assert metrics == stores.recounted()
    stores.archive()
    assert [o.deleted for o in stores.prune().outcomes] == [len(given)] * 2
    assert (stores.detail(), stores.metrics()) == ([[], []], metrics)
    for table in ("sessions", "points"):
        stores.restore(table)
    stores.make()
    assert (stores.detail(), stores.metrics()) == (before, metrics)
    stores.d1.close()

"""The yearly pruning of Sesh's detail: what goes, what stays, and that its metrics never move."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.archive.restore import PartialRestoreError
from assets.retention.proof import DAMAGED, LATE, UNSEALED
from assets.sesh.families import POINTS, SESSIONS
from assets.sesh.point import Reason
from assets.sesh.registry import load
from resources import migrations
from resources.postgres import Postgres
from tests.assets.retention.shelf import FIRST, NOW, Shelf, add, laid_out
from tests.assets.sesh.database import point, record
from tests.assets.sesh.flushes import Flushes, line

DECEMBER = datetime(2025, 12, 1, tzinfo=UTC)
LATEST = "2026-01-01T00:00:00.000Z"


@pytest.fixture
def shelf(postgres: Postgres, tmp_path: Path) -> Iterator[Shelf]:
    """Three months of 2025 in the partition of their year, three of 2026, all archived that is old enough."""
    found = Shelf(postgres, tmp_path)
    migrations.up(migrations.D1AppliedMigrations(found.d1, "sesh-d1"), "sesh/d1")
    laid_out(found)
    found.archive()
    yield found
    found.d1.close()


def old(shelf: Shelf) -> int:
    return sum(n["n"] for n in shelf.d1.query(f"select count(*) as n from sessions where timestamp < '{LATEST}'"))


def media(shelf: Shelf, session: str, user: str = "u1") -> list[str]:
    keys = [f"user-media/{user}/sessions/{session}/a.{end}" for end in ("jpg", "mp4")]
    keys.append(f"quarantine/user-media/{user}/sessions/{session}/b.jpg")
    for key in keys:
        shelf.store.put(key, b"bytes")
    return keys


def test_a_year_goes_with_its_partitions_and_media_and_its_metrics_stay(shelf: Shelf) -> None:
    media(shelf, "s0")
    kept = media(shelf, "s5", "u2")
    before = shelf.metrics()
    assert before == shelf.recounted()
    assert (old(shelf), shelf.faults()) == (5, [])

    told = shelf.prune(dry_run=True)
    assert [(o.total, o.going, o.deleted, o.held_back) for o in told.outcomes] == [(6, 5, 0, [])] * 2
    assert (old(shelf), told.kept_before, told.dropped, told.media) == (5, None, [], 0)

    done = shelf.prune()
    assert [(o.total, o.going, o.deleted, o.held_back) for o in done.outcomes] == [(6, 5, 5, [])] * 2
    assert (done.kept_before, done.dropped, done.media) == (LATEST, ["sessions_2025", "points_2025"], 3)
    assert [len(rows) for rows in shelf.detail()] == [1, 1]
    assert [o.key for o in shelf.store.list("user-media")] == kept[:2]
    assert shelf.metrics() == before
    assert shelf.faults() == []
    assert shelf.d1.query("select * from stale_metrics") == shelf.d1.query("select * from pruned_sessions") == []
    notes = shelf.postgres.fetch("select place, intended_rows, rows from retention.deletions order by name")
    assert notes == [{"place": "2025Q4", "intended_rows": 5, "rows": 5}] * 2
    shelf.make()
    assert shelf.metrics() == before
    again = shelf.prune()
    assert [(o.total, o.deleted) for o in again.outcomes] == [(1, 0)] * 2


def test_what_comes_late_for_a_pruned_window_is_refused_and_changes_no_metric(shelf: Shelf) -> None:
    shelf.prune()
    before = shelf.metrics()
    flushes = Flushes(shelf.d1, shelf.store, now=NOW)
    flushes.flush(line("s0", 2, at="2025-10-01T00:00:01Z"))
    run = flushes.ingest()
    assert (run.stored, dict(run.reasons)) == (0, {(Reason.NO_PARTITION.value, "at"): 1})
    with pytest.raises(ValueError, match="not enough values"):
        record(shelf.d1, "late", FIRST)  # the look-up of its partition finds none
    shelf.make()
    assert shelf.metrics() == before


def test_what_comes_or_changes_late_where_a_part_of_a_year_goes_stays_until_it_is_archived(shelf: Shelf) -> None:
    # In June a quarter of 2026 is old, and its months are tables of their own.
    shelf.now = datetime(2027, 6, 1, tzinfo=UTC)
    shelf.fold()
    shelf.archive()
    shelf.d1.execute("update sessions_2025 set notes = 'again' where id = 's1'")
    add(shelf.d1, "late", FIRST + timedelta(days=2), "u1", 9)
    shelf.make()
    before = shelf.metrics()
    done = shelf.prune()
    held = [sorted((h.place, h.rows, h.why) for h in o.held_back) for o in done.outcomes]
    assert held == [[("2025Q4", 2, LATE), ("2026Q1", 1, UNSEALED)], [("2025Q4", 1, LATE), ("2026Q1", 1, UNSEALED)]]
    assert (done.dropped, done.kept_before) == ([], LATEST)
    assert shelf.metrics() == before
    add(shelf.d1, "later", FIRST + timedelta(days=3), "u2", 4)
    shelf.make()
    assert shelf.metrics() == before, "it is kept, and counted nowhere"

    shelf.archive()
    done = shelf.prune()
    assert [o.deleted for o in done.outcomes] == [3, 2]
    assert done.dropped == ["sessions_2025", "points_2025"]
    assert shelf.metrics() == before


def test_a_damaged_archive_is_named_and_nothing_of_its_quarter_goes(shelf: Shelf) -> None:
    parts = [o.key for o in shelf.store.list("archive/sesh/sessions") if "/part-" in o.key]
    data = bytearray(shelf.store.get(parts[0]))
    data[len(data) // 2] ^= 4
    shelf.store.put(parts[0], bytes(data))
    done = shelf.prune()
    sessions, points = done.outcomes
    assert (sessions.deleted, points.deleted, old(shelf)) == (0, 5, 5)
    assert [(h.place, h.rows, h.why) for h in sessions.held_back] == [("2025Q4", 5, DAMAGED)]
    assert sessions.faults == [f"{parts[0]}: its bytes have another SHA-256 than those that were written"]


def test_without_an_archive_nothing_goes_and_nothing_is_kept_as_it_is(shelf: Shelf) -> None:
    shelf.postgres.execute("truncate archive.revisions")
    done = shelf.prune()
    assert [[h.why for h in o.held_back] for o in done.outcomes] == [[UNSEALED]] * 2
    assert (old(shelf), done.kept_before) == (5, None)


@pytest.mark.parametrize("table", ["metrics_2025", "metrics_daily", "metrics_weekly", "metrics_monthly"])
def test_metrics_that_are_not_what_their_rows_are_counted_to_let_nothing_go(shelf: Shelf, table: str) -> None:
    shelf.d1.execute(
        f"update {table} set total = total + 1 where metric = 'session.rating' and windowStart < '2025-11'"
    )
    before = shelf.detail()
    for dry_run in (True, False):
        done = shelf.prune(dry_run=dry_run)
        assert [o.going for o in done.outcomes] == [0, 0]
        assert all("are not what" in held.why for o in done.outcomes for held in o.held_back)
    assert shelf.detail() == before
    assert len(load(shelf.d1, SESSIONS).answering) == len(load(shelf.d1, POINTS).answering)


def test_a_large_share_stops_before_anything(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assets.retention.share.SMALL_TABLE", 1)
    before = shelf.detail()
    done = shelf.prune()
    assert all("5 of 6 rows would be deleted" in o.stopped for o in done.outcomes)
    assert (shelf.detail(), done.kept_before) == (before, None)
    assert [o.deleted for o in shelf.pruner().run(dry_run=False, confirmed=True).outcomes] == [5, 5]


def test_a_quarter_comes_back_as_it_was_and_can_be_pruned_again(shelf: Shelf) -> None:
    before, metrics = shelf.detail(), shelf.metrics()
    shelf.prune()
    with pytest.raises(PartialRestoreError, match="restore aside, or all of them"):
        shelf.restore("sessions", bucket="user-00")
    assert [shelf.restore(table).added for table in ("sessions", "points")] == [5, 5]
    assert shelf.detail() == before
    assert [p.name for p in load(shelf.d1, SESSIONS).answering][:3] == [f"sessions_2025_{m}" for m in (10, 11, 12)]
    shelf.make()
    assert shelf.metrics() == metrics
    shelf.fold()
    shelf.make()
    assert (shelf.detail(), shelf.metrics(), shelf.faults()) == (before, metrics, [])
    shelf.archive()
    done = shelf.prune()
    assert ([o.deleted for o in done.outcomes], done.dropped) == ([5, 5], ["sessions_2025", "points_2025"])
    assert shelf.metrics() == metrics


def test_what_was_lost_and_not_pruned_is_counted_again_once_it_is_back(shelf: Shelf) -> None:
    before, metrics = shelf.detail(), shelf.metrics()
    for table in ("sessions_2025", "points_2025"):
        shelf.d1.execute(f"delete from {table}")
    shelf.make()
    assert shelf.metrics() != metrics
    for table in ("points", "sessions"):
        shelf.restore(table)
        shelf.restore(table)
    shelf.make()
    assert (shelf.detail(), shelf.metrics()) == (before, metrics)


def test_a_damaged_part_lets_nothing_of_a_quarter_come_back_live(shelf: Shelf) -> None:
    shelf.prune()
    last = [o.key for o in shelf.store.list("archive/sesh/sessions") if "/part-" in o.key][-1]
    shelf.store.delete(last)
    with pytest.raises(RuntimeError, match="missing"):
        shelf.restore("sessions")
    assert old(shelf) == 0


def test_media_of_a_session_that_is_live_again_stay(shelf: Shelf) -> None:
    keys = media(shelf, "s5", "u2")
    shelf.d1.execute("insert into pruned_sessions values ('u2', 's5'), ('u1', 'gone'), ('u1', 'with/slash')")
    media(shelf, "gone")
    assert shelf.prune().media == 3
    assert sorted(o.key for o in shelf.store.list() if "/s5/" in o.key) == sorted(keys)
    assert shelf.d1.query("select * from pruned_sessions") == []


COUNTS = st.tuples(
    st.integers(0, 31 * 86_400 - 1),
    st.sampled_from(("u1", "u2")),
    st.none() | st.sampled_from((0.1, 1 / 3, 2, 999_999.5)),
    st.none() | st.integers(1, 5),
    st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8),
    st.sampled_from(('{"draws":1}', '{"temperature":190.123456,"draws":-3}', '{"t":0.0000005}')),
)


@settings(max_examples=8)
@given(given=st.lists(COUNTS, min_size=1, max_size=7))
def test_any_rows_go_and_come_back_as_they_were_and_their_metrics_never_move(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory, given: list[tuple[Any, ...]]
) -> None:
    postgres.execute("truncate archive.revisions, retention.deletions")
    shelf = Shelf(postgres, tmp_path_factory.mktemp("any"))
    migrations.up(migrations.D1AppliedMigrations(shelf.d1, "sesh-d1"), "sesh/d1")
    laid_out(shelf, 0, DECEMBER)
    for n, (seconds, user, amount, rating, notes, measures) in enumerate(given):
        at = DECEMBER + timedelta(seconds=seconds)
        record(shelf.d1, f"s{n}", at, user, amount=amount, rating=rating, notes=notes)
        point(shelf.d1, f"s{n % 3}", n + 1, at, user, measures)
        hours = [["hourly", f"{at:%Y-%m-%dT%H}:00:00.000Z"]]
        shelf.d1.upsert("stale_metrics", ["grain", "windowStart"], hours, ["grain", "windowStart"])
    shelf.make()
    before, metrics = shelf.detail(), shelf.metrics()
    assert metrics == shelf.recounted()
    shelf.archive()
    assert [o.deleted for o in shelf.prune().outcomes] == [len(given)] * 2
    assert (shelf.detail(), shelf.metrics()) == ([[], []], metrics)
    for table in ("sessions", "points"):
        shelf.restore(table)
    shelf.make()
    assert (shelf.detail(), shelf.metrics()) == (before, metrics)
    shelf.d1.close()

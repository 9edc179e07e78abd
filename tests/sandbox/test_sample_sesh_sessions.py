"""Sesh's sample sessions are in their partitions. The same time gives the same rows; a second run adds nothing."""

from datetime import UTC, datetime
from pathlib import Path

from assets.apps.sesh import APP as SESH
from assets.apps.sesh_series import SERIES, SESSIONS
from assets.points import landing
from assets.points.point import sift
from assets.series import audit
from assets.series.fold import Folding
from resources.d1.pace import Pace
from resources.r2 import FolderObjectStore
from sandbox import sample_sesh, sample_sesh_sessions
from tests.sql.sesh.database import migrated

UNTIL = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


def test_it_fills_two_years_and_a_second_time_changes_nothing(tmp_path: Path) -> None:
    d1, store = migrated(tmp_path / "one.sqlite"), FolderObjectStore(tmp_path / "r2")
    sample_sesh.fill(d1, UNTIL)
    counts = sample_sesh_sessions.fill(d1, store, UNTIL)
    assert 2_000 < counts["sessions"] < 4_000
    assert 20 < counts["objects"] < 200
    (span,) = d1.query("select count(*) as n, min(timestamp) as first, max(timestamp) as last from sessions")
    assert span["n"] == counts["sessions"]
    assert (span["first"][:7], span["last"] < "2026-11-01T12") == ("2024-11", True)
    assert all(audit.faults(d1, series) == [] for series in SERIES)
    flushed = [sift(landing.zone(SESH).text(store.get(info.key)).split(b"\n")) for info in store.list("sesh/points")]
    assert sum(len(points) for points, _ in flushed) == 10 * counts["objects"]

    Folding(d1, SESSIONS, lambda: UNTIL, Pace(1.0)).run()
    before = d1.query("select * from sessions order by id")
    d1.execute("delete from stale_metrics")
    assert sample_sesh_sessions.fill(d1, store, UNTIL) == {"sessions": counts["sessions"], "objects": 0}
    assert d1.query("select * from sessions order by id") == before
    assert d1.query("select count(*) as n from stale_metrics") == [{"n": 0}]
    d1.close()

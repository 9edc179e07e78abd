"""Pruning and restoring through Cloudflare's own runtime: its limits of statements, RETURNING, what it answers."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from assets.apps.sesh import APP as SESH
from assets.changes.change import Position
from assets.changes.d1 import D1ChangeLog
from assets.retention.stores import prune
from assets.windows import Window
from resources import migrations
from resources.d1 import D1, CloudflareD1
from resources.postgres import Postgres
from tests.assets.retention.series_stores import SeriesStores, laid_out
from tests.workerd.local_runtime import local_session, running, skip_without_runtime

pytestmark = pytest.mark.xdist_group("workerd_of_pruning")
DECEMBER = datetime(2025, 12, 1, tzinfo=UTC)
LONG_AGO = "2025-11-01T00:00:00.000Z"


@pytest.fixture
def d1(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[D1]:
    """An empty D1 of Cloudflare's local runtime, with Sesh's schema."""
    skip_without_runtime(request, "pruning")
    with running(tmp_path / "cloudflare", databases=1, namespaces=1) as local:
        found = CloudflareD1(local_session(), "", local.databases[0], api=local.api)
        migrations.up(migrations.D1AppliedMigrations(found, "sesh-d1"), "sesh/d1")
        yield found
        found.close()


def test_detail_and_change_log_go_and_come_back(
    d1: D1, postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The local runtime keeps no history.
    monkeypatch.setattr(CloudflareD1, "bookmark", lambda _: "none")
    stores = SeriesStores(postgres, tmp_path)
    stores.d1 = d1
    laid_out(stores, 4, DECEMBER)
    before, metrics = stores.detail(), stores.metrics()
    assert metrics == stores.recounted()
    stores.archive()
    assert [o.going for o in stores.prune(dry_run=True).outcomes] == [2, 2]
    done = stores.prune()
    assert ([o.deleted for o in done.outcomes], done.dropped) == ([2, 2], ["sessions_2025", "points_2025"])
    assert stores.metrics() == metrics
    for table in ("sessions", "points"):
        assert stores.restore(table).added == 2
    stores.make()
    assert (stores.detail(), stores.metrics(), stores.faults()) == (before, metrics, [])

    d1.execute("update change_log set changed_at = ?", [LONG_AGO])
    stores.archive("change_log", window=Window(datetime(2025, 10, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)))
    D1ChangeLog(d1).move("cache", Position(0, 1), stores.now)
    d1.execute(
        "insert into point_quarantine (sha256, line, objectKey, reason, field, quarantinedAt)"
        " values ('sha', 1, 'k', 'not_json', '', ?)",
        [LONG_AGO],
    )
    gone = {}
    for entry in SESH.lifecycles:
        if entry.name in ("change_log", "point_quarantine"):
            gone[entry.name] = prune(stores.rooms, SESH, entry, run_id="a run", dry_run=False).deleted
    assert gone == {"change_log": 1, "point_quarantine": 1}

"""The whole way through Cloudflare's own runtime: views beyond its compound limit, folds, reads, points and metrics."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from assets.apps.sesh import APP as SESH
from assets.apps.sesh_series import METRIC_SERIES, POINTS, SERIES, SESSIONS
from assets.columns.fill import fill, unfilled
from assets.metrics import audit
from assets.metrics.build import Metrics
from assets.metrics.grains import GRAINS
from assets.metrics.keep import keep_before
from assets.points.gaps import gaps
from assets.series import ahead, registry
from assets.series import audit as series_audit
from assets.series.fold import Folding
from assets.series.layout import MOST_PARTITIONS
from assets.series.read import read
from resources import migrations
from resources.d1 import D1, CloudflareD1, D1Error
from resources.r2 import FolderObjectStore
from tests.assets.metrics.recount import recounted, stored
from tests.assets.points.flushes import Flushes, line
from tests.assets.series import partitioned_d1
from tests.assets.series.partitioned_d1 import NOW, SINCE, UNHURRIED, clock, record, rows
from tests.sql.sesh.database import put
from tests.workerd.local_runtime import local_session, running, skip_without_runtime

pytestmark = pytest.mark.xdist_group("workerd_of_sesh")


@pytest.fixture(scope="module")
def d1(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[D1]:
    """An empty D1 of Cloudflare's local runtime, with Sesh's schema and partitions."""
    skip_without_runtime(request, "Sesh's partitions")
    with running(tmp_path_factory.mktemp("cloudflare"), databases=1, namespaces=1) as local:
        found = CloudflareD1(local_session(), "", local.databases[0], api=local.api)
        migrations.up(migrations.D1AppliedMigrations(found, "sesh-d1"), "sesh/d1")
        partitioned_d1.fill(found)
        yield found
        found.close()


def test_more_than_five_terms_are_refused_in_one_select_and_a_view_over_all_partitions_is_read(d1: D1) -> None:
    names = [p.name for p in registry.load(d1, SESSIONS).answering]
    assert len(names) == 17
    with pytest.raises(D1Error, match="too many terms in compound SELECT"):
        d1.query(" union all ".join(f"select id from {name}" for name in names[:6]))
    assert d1.query("select count(*) as n from sessions where userId = 'u1'") == [{"n": 0}]


def test_the_whole_way(d1: D1, tmp_path: Path) -> None:
    for n in range(34):
        at = SINCE + timedelta(days=14 * n, hours=n)
        record(d1, f"s{n:02}", at, ("u1", "u2")[n % 2], amount=n / 3, rating=n % 5 + 1)
    flushes = Flushes(d1, FolderObjectStore(tmp_path / "r2"))
    flushes.flush(*(line("s33", n) for n in (1, 2, 14)), b"broken", line("s1", 1, at="2025-09-03T00:00:00Z"))
    assert flushes.ingest().stored == 4
    before = rows(d1, SESSIONS)
    for series in SERIES:
        assert len(Folding(d1, series, clock, UNHURRIED, page=5).run()) == 3
        assert series_audit.faults(d1, series) == []
    assert rows(d1, SESSIONS) == before
    for order in (None, "rating", "amount"):
        for descending in (False, True):
            found = read(d1, SESSIONS, SINCE, NOW, order=order, descending=descending, limit=7)
            key = SESSIONS.columns.index(order or "timestamp")
            ordered = sorted((row for row in before), key=lambda row: (row[key], row[0]), reverse=descending)
            assert [tuple(row.values()) for row in found] == ordered[:7]
    for grain in GRAINS.values():
        Metrics(d1, METRIC_SERIES, grain, clock, UNHURRIED).run()
        assert audit.compare(d1, METRIC_SERIES, grain, NOW).differing == 0
        table = "metrics" if grain.name == "hourly" else f"metrics_{grain.name}"
        assert stored(d1, table) == recounted(d1, grain.name)
    assert [gap["missing"] for gap in gaps(d1, POINTS, NOW - timedelta(days=1), NOW).large] == [11]
    keep_before(d1, METRIC_SERIES, datetime(2026, 1, 1, tzinfo=UTC))


def test_a_column_is_filled(d1: D1) -> None:
    put(d1, "products", id="p", attributes='{"unit":"g"}')
    d1.execute("update products set unit = null")
    assert unfilled(d1, SESH.extractions[0]) == 1
    assert fill(d1, SESH.extractions[0], UNHURRIED).filled == 1
    assert d1.query("select unit from products") == [{"unit": "g"}]


def test_the_most_partitions_that_a_series_may_have_are_read(d1: D1) -> None:
    ahead.make(d1, SESSIONS, clock, datetime(1929, 1, 1, tzinfo=UTC))
    answering = registry.load(d1, SESSIONS).answering
    # Months that were folded before are in the year 2025.
    assert MOST_PARTITIONS - 12 < len(answering) <= MOST_PARTITIONS
    record(d1, "old", datetime(1929, 6, 1, tzinfo=UTC), rating=5)
    for order in (None, "rating"):
        found = read(d1, SESSIONS, datetime(1929, 1, 1, tzinfo=UTC), NOW, order=order, limit=1_000)
        assert "old" in {row["id"] for row in found}
    assert d1.query("select id from sessions where userId = 'u1' order by timestamp limit 1") == [{"id": "old"}]

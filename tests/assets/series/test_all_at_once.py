"""Everything at once on one D1: an application that writes, two folds, two makers of metrics, two ingests."""

import random
import threading
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path

from assets.apps.sesh import APP as SESH
from assets.apps.sesh_series import METRIC_SERIES, SERIES, SESSIONS
from assets.metrics.build import Metrics
from assets.metrics.grains import GRAINS
from assets.points.ingest import PointIngest
from assets.series import audit, registry
from assets.series.fold import Folding
from resources import migrations
from resources.d1 import D1, D1Error, EmbeddedD1
from resources.postgres import Postgres
from resources.r2 import FolderObjectStore
from tests.assets.metrics.recount import recounted, stored
from tests.assets.points.flushes import Flushes, line
from tests.assets.series.partitioned_d1 import NOW, SINCE, UNHURRIED, clock, partitioned, record
from tests.rooms import KEYS


def write(d1: D1) -> None:
    """60 sessions at any time, as the application writes them: by the registry, again if a month was folded."""
    rng = random.Random(1)
    hours = int((NOW - SINCE).total_seconds()) // 3_600
    for n in range(60):
        at = SINCE + timedelta(hours=rng.randrange(hours))
        while not wrote(d1, f"new-{n}", at, ("u1", "u2")[n % 2], rng.random()):
            pass


def wrote(d1: D1, name: str, at: datetime, user: str, amount: float) -> bool:
    try:
        record(d1, name, at, user, amount=amount)
    except D1Error as error:
        if "no such table" not in error.message:
            raise
        return False
    return True


def fold(d1: D1) -> None:
    for series in SERIES:
        Folding(d1, series, clock, UNHURRIED, page=3).run()


def make(d1: D1) -> None:
    for grain in [*GRAINS.values()] * 3:
        Metrics(d1, METRIC_SERIES, grain, clock, UNHURRIED).run()


def at_once(path: Path, acts: Iterable[Callable[[D1], None]]) -> list[BaseException]:
    """Run each on a thread and a D1 of its own; what was raised."""
    failures: list[BaseException] = []

    def run(act: Callable[[D1], None]) -> None:
        own = EmbeddedD1(path)
        try:
            act(own)
        except BaseException as error:  # noqa: BLE001 (shown by the test)
            failures.append(error)
        finally:
            own.close()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


def test_nothing_is_lost_or_doubled_and_every_metric_is_the_recount(postgres: Postgres, tmp_path: Path) -> None:
    migrations.up(migrations.PostgresAppliedMigrations(postgres), "pipelines/postgres")
    path = tmp_path / "sesh.sqlite"
    d1 = partitioned(path)
    flushes = Flushes(d1, FolderObjectStore(tmp_path / "r2"), postgres)
    for n in range(20):
        at = SINCE + timedelta(days=5 * n)
        record(d1, f"old-{n}", at, rating=n % 5 + 1)
        flushes.flush(*(line(f"p{n // 2}", seq, at=at.isoformat()) for seq in (n % 2 + 1, 3)))

    def ingest(own: D1) -> None:
        PointIngest(SESH, own, flushes.store, postgres, clock, lambda: KEYS, group_objects=2).run()

    assert at_once(path, (write, fold, fold, make, make, ingest, ingest)) == []
    make(d1)
    expected = sorted([*(f"old-{n}" for n in range(20)), *(f"new-{n}" for n in range(60))])
    assert [row["id"] for row in d1.query("select id from sessions order by id")] == expected
    assert len(flushes.points()) == len(set(flushes.points())) == 30
    assert [fault for series in SERIES for fault in audit.faults(d1, series)] == []
    assert [p.grain for p in registry.load(d1, SESSIONS).answering][:2] == ["year", "month"]
    for grain, table in zip(GRAINS, ("metrics", "metrics_daily", "metrics_weekly", "metrics_monthly"), strict=True):
        assert stored(d1, table) == recounted(d1, grain)
    d1.close()

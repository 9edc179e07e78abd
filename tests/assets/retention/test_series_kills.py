"""Fold, archive, prune and restore of time series, ended at each of their I/O steps and run again; and two at once."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from assets.apps.sesh_series import METRIC_SERIES, SERIES
from assets.metrics.build import Metrics
from assets.metrics.grains import HOURLY
from assets.metrics.keep import keep_before
from assets.metrics.kept import kept_before
from assets.retention.series import Pruned
from assets.series import ahead
from resources import migrations
from resources.d1 import D1
from resources.d1.pace import Pace
from resources.postgres import Postgres
from tests.assets.archive.operations import killed
from tests.assets.retention.series_stores import SeriesStores, add
from tests.assets.series.partitioned_d1 import UNHURRIED, KilledError, Mortal
from tests.sql.sesh.database import put

DECEMBER = datetime(2025, 12, 1, tzinfo=UTC)


@pytest.fixture
def stores(postgres: Postgres, tmp_path: Path) -> Iterator[SeriesStores]:
    """One user with two sessions of a quarter, whose only month is not folded yet."""
    found = SeriesStores(postgres, tmp_path)
    migrations.up(migrations.D1AppliedMigrations(found.d1, "sesh-d1"), "sesh/d1")
    put(found.d1, "users", id="u1")
    for family in SERIES:
        ahead.make(found.d1, family, found.clock, DECEMBER)
    for n in range(2):
        add(found.d1, f"s{n}", DECEMBER + timedelta(days=20 * n), "u1", n)
        found.store.put(f"user-media/u1/sessions/s{n}/film.mp4", b"a film")
    found.make()
    yield found
    found.d1.close()


@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.soak)])
def test_killed_at_each_step_of_fold_archive_prune_and_restore_it_ends_the_same(
    stores: SeriesStores, every: bool
) -> None:
    """At each step, or at the first one after each change."""

    def restore() -> None:
        for table in ("sessions", "points"):
            stores.restore(table)

    before, metrics = stores.detail(), stores.metrics()
    acts = {"fold": stores.fold, "archive": stores.archive, "prune": stores.prune, "restore": restore}
    ended_at: dict[str, list[str]] = {name: [] for name in acts}
    ended: set[str] = set()
    number = 0
    while len(ended) < len(acts):
        number += 1
        for name, act in acts.items():
            if name in ended and name in ("fold", "archive"):
                continue
            operation = killed(act, number, every=every) if name not in ended else None  # type: ignore[arg-type]
            if operation is None:
                ended.add(name)
            else:
                ended_at[name].append(operation)
                assert stores.metrics() == metrics, (name, number, operation)
            act()  # type: ignore[operator]
            if name == "prune":
                assert stores.detail() == [[], []]
                assert list(stores.store.list("user-media")) == []
                assert stores.d1.query("select * from pruned_sessions") == []
            else:
                assert stores.detail() == before, (name, number, operation)
        assert stores.metrics() == metrics, number
        assert stores.faults() == [], number
    assert min(len(operations) for operations in ended_at.values()) > (30 if every else 5)
    assert not every or {"batch", "query", "get", "list"} <= set(ended_at["prune"])
    (noted,) = stores.postgres.fetch("select count(*) as n from retention.deletions where settled_at is null")
    assert noted["n"] == 0


@pytest.mark.parametrize("after", [False, True])
def test_killed_while_metrics_are_kept_it_goes_on_where_it_was(stores: SeriesStores, after: bool) -> None:
    metrics = stores.metrics()
    at, until = 0, DECEMBER
    while True:
        at += 1
        until += timedelta(days=2)
        mortal = Mortal(stores.d1, at, after=after)
        with suppress(KilledError):
            keep_before(cast(D1, mortal), METRIC_SERIES, until, UNHURRIED)
        keep_before(stores.d1, METRIC_SERIES, until, UNHURRIED)
        assert kept_before(stores.d1) == f"{until:%Y-%m-%d}T00:00:00.000Z"
        if mortal.calls < at:
            break
    assert at > 10
    assert stores.metrics() == metrics


def test_two_runs_at_once_end_as_one(stores: SeriesStores) -> None:
    stores.fold()
    stores.archive()
    metrics = stores.metrics()
    found: list[Pruned] = []
    threads = [threading.Thread(target=lambda: found.append(stores.prune())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(sum(o.deleted for o in done.outcomes) for done in found) == [0, 4]
    assert sorted(done.media for done in found) == [0, 2]
    assert (stores.detail(), stores.metrics(), stores.faults()) == ([[], []], metrics, [])


def test_a_run_that_was_at_a_window_before_it_was_kept_does_not_empty_it(stores: SeriesStores) -> None:
    """Two make the same hour: one of them only once the hour was kept and its detail is gone."""
    stores.archive()
    stores.d1.execute("update sessions_2025 set rating = 5 where id = 's0'")
    late = Metrics(stores.d1, METRIC_SERIES, HOURLY, stores.clock, UNHURRIED)
    stopped: list[Callable[[], object]] = []
    late.pace = cast(Pace, SimpleNamespace(step=stopped.append))
    late.run()
    stores.archive()
    stores.prune()
    metrics = stores.metrics()
    assert (stores.detail(), len(stopped)) == ([[], []], 1)
    stopped[0]()
    assert stores.metrics() == metrics

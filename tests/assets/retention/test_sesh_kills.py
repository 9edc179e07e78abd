"""Fold, archive, prune and restore of Sesh ended at every one of their I/O steps and run again; and two at once."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from assets.retention.sesh import Pruned
from assets.sesh import ahead
from assets.sesh.families import FAMILIES
from assets.sesh.grains import HOURLY
from assets.sesh.keep import keep_before
from assets.sesh.metrics import Metrics
from assets.sesh.places import kept_before
from resources import migrations
from resources.d1 import D1
from resources.d1.pace import Pace
from resources.postgres import Postgres
from tests.assets.archive.operations import killed
from tests.assets.retention.shelf import Shelf, add
from tests.assets.sesh.database import UNHURRIED, KilledError, Mortal
from tests.sql.sesh.database import put

DECEMBER = datetime(2025, 12, 1, tzinfo=UTC)


@pytest.fixture
def shelf(postgres: Postgres, tmp_path: Path) -> Iterator[Shelf]:
    """One user with two sessions of a quarter, whose only month is not folded yet."""
    found = Shelf(postgres, tmp_path)
    migrations.up(migrations.D1AppliedMigrations(found.d1, "sesh-d1"), "sesh/d1")
    put(found.d1, "users", id="u1")
    for family in FAMILIES:
        ahead.make(found.d1, family, found.clock, DECEMBER)
    for n in range(2):
        add(found.d1, f"s{n}", DECEMBER + timedelta(days=20 * n), "u1", n)
        found.store.put(f"user-media/u1/sessions/s{n}/film.mp4", b"a film")
    found.make()
    yield found
    found.d1.close()


def test_killed_at_each_step_of_fold_archive_prune_and_restore_it_ends_the_same(shelf: Shelf) -> None:
    def restore() -> None:
        for table in ("sessions", "points"):
            shelf.restore(table)

    before, metrics = shelf.detail(), shelf.metrics()
    acts = {"fold": shelf.fold, "archive": shelf.archive, "prune": shelf.prune, "restore": restore}
    ended_at: dict[str, list[str]] = {name: [] for name in acts}
    ended: set[str] = set()
    number = 0
    while len(ended) < len(acts):
        number += 1
        for name, act in acts.items():
            if name in ended and name in ("fold", "archive"):
                continue
            operation = killed(act, number) if name not in ended else None  # type: ignore[arg-type]
            if operation is None:
                ended.add(name)
            else:
                ended_at[name].append(operation)
                assert shelf.metrics() == metrics, (name, number, operation)
            act()  # type: ignore[operator]
            if name == "prune":
                assert shelf.detail() == [[], []]
                assert list(shelf.store.list("user-media")) == []
                assert shelf.d1.query("select * from pruned_sessions") == []
            else:
                assert shelf.detail() == before, (name, number, operation)
        assert shelf.metrics() == metrics, number
        assert shelf.faults() == [], number
    assert min(len(operations) for operations in ended_at.values()) > 30
    assert {"batch", "query", "get", "list"} <= set(ended_at["prune"])
    (noted,) = shelf.postgres.fetch("select count(*) as n from retention.deletions where settled_at is null")
    assert noted["n"] == 0


@pytest.mark.parametrize("after", [False, True])
def test_killed_while_metrics_are_kept_it_goes_on_where_it_was(shelf: Shelf, after: bool) -> None:
    metrics = shelf.metrics()
    at, until = 0, DECEMBER
    while True:
        at += 1
        until += timedelta(days=2)
        mortal = Mortal(shelf.d1, at, after=after)
        with suppress(KilledError):
            keep_before(cast(D1, mortal), until, UNHURRIED)
        keep_before(shelf.d1, until, UNHURRIED)
        assert kept_before(shelf.d1) == f"{until:%Y-%m-%d}T00:00:00.000Z"
        if mortal.calls < at:
            break
    assert at > 10
    assert shelf.metrics() == metrics


def test_two_runs_at_once_end_as_one(shelf: Shelf) -> None:
    shelf.fold()
    shelf.archive()
    metrics = shelf.metrics()
    found: list[Pruned] = []
    threads = [threading.Thread(target=lambda: found.append(shelf.prune())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(sum(o.deleted for o in done.outcomes) for done in found) == [0, 4]
    assert sorted(done.media for done in found) == [0, 2]
    assert (shelf.detail(), shelf.metrics(), shelf.faults()) == ([[], []], metrics, [])


def test_a_run_that_was_at_a_window_before_it_was_kept_does_not_empty_it(shelf: Shelf) -> None:
    """Two make the same hour: one of them only once the hour was kept and its detail is gone."""
    shelf.archive()
    shelf.d1.execute("update sessions_2025_12 set rating = 5 where id = 's0'")
    late = Metrics(shelf.d1, HOURLY, shelf.clock, UNHURRIED)
    stopped: list[Callable[[], object]] = []
    late.pace = cast(Pace, SimpleNamespace(step=stopped.append))
    late.run()
    shelf.archive()
    shelf.prune()
    metrics = shelf.metrics()
    assert (shelf.detail(), len(stopped)) == ([[], []], 1)
    stopped[0]()
    assert shelf.metrics() == metrics

"""Pending events are counted exactly once, by any number of workers, though some are killed."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest

from assets.growth.pending import PendingEvents
from resources.postgres import Postgres
from tests.assets.growth.app_database import GROWTH, NOW, events, insert, last, numbers, recount, stale, stored

KILL = (
    "select count(pg_terminate_backend(pid)) from pg_stat_activity"
    " where datname = current_database() and application_name = 'worker' and state = 'active'"
)


def engine(postgres: Postgres, batch: int = 2_000) -> PendingEvents:
    return PendingEvents(postgres, GROWTH, lambda: NOW, batch)


def work(dsn: str, batch: int, killed: list[str]) -> int:
    """Take events until none is left, while others are killed; how many batches this worker knows of."""
    batches = 0
    with Postgres(dsn, application_name="worker") as postgres:
        while True:
            try:
                taken = engine(postgres, batch).run(1)
            except psycopg.OperationalError as error:
                killed.append(type(error).__name__)
                continue
            batches += taken.batches
            # What another worker has locked is not left: it is counted, or comes back when that worker is killed.
            if not taken.left:
                return batches


@pytest.mark.parametrize(
    ("number", "batch", "kills"), [(10_000, 250, 6), pytest.param(100_000, 2_000, 12, marks=pytest.mark.soak)]
)
def test_two_workers_count_each_event_once_though_they_are_killed(
    own: Postgres, app_dsn: str, number: int, batch: int, kills: int
) -> None:
    expected = events(number, last(50))
    insert(own, expected)
    killed: list[str] = []
    with ThreadPoolExecutor(2) as pool, Postgres(app_dsn) as killer:
        workers = [pool.submit(work, app_dsn, batch, killed) for _ in range(2)]
        while len(killed) < kills and not all(worker.done() for worker in workers):
            killer.fetch(KILL)
        assert sum(worker.result() for worker in workers) <= number / batch + 2 * len(killed) + 2
    assert killed, "no worker was killed: nothing is proved"
    assert own.fetch("select count(*) as n from pipelines.pending_events") == [{"n": 0}]
    assert numbers(stored(own)) == numbers(recount(expected))


def test_events_that_come_while_others_are_taken_are_counted_too(own: Postgres, app_dsn: str) -> None:
    rows = events(3_000, last(30))
    done = threading.Event()

    def come() -> None:
        with Postgres(app_dsn) as postgres:
            for at in range(0, len(rows), 100):
                insert(postgres, rows[at : at + 100])
        done.set()

    coming = threading.Thread(target=come)
    coming.start()
    while not done.is_set():
        engine(own, 170).run()
    coming.join()
    engine(own, 170).run()
    assert numbers(stored(own)) == numbers(recount(rows))


def test_the_windows_of_taken_events_are_marked_and_no_others(own: Postgres) -> None:
    rows = events(40, last(3))
    insert(own, rows)
    assert stale(own) == set()
    engine(own).run()
    keys = recount(rows)
    days = {start for period, start, *_ in keys if period == "day"}
    assert stale(own) == {(period, start) for period, start, *_ in keys} | {("metrics", day) for day in days}


def test_a_bounded_look_says_what_is_left_and_how_long_the_oldest_has_waited(own: Postgres) -> None:
    insert(own, events(25, last(2)))
    own.execute("update analytics.events set ingested_at = %s", (NOW - timedelta(minutes=7),))
    taken = engine(own, 10).run(2)
    assert (taken.events, taken.batches, taken.left, taken.oldest) == (20, 2, 5, timedelta(minutes=7))
    rest = engine(own, 10).run()
    assert (rest.events, rest.batches, rest.left, rest.oldest) == (5, 1, 0, timedelta())
    assert engine(own).run().batches == 0


def test_an_event_that_was_deleted_before_it_was_counted_is_in_no_aggregation(own: Postgres) -> None:
    insert(own, events(5, last(1)))
    own.execute("delete from analytics.events")
    taken = engine(own).run()
    assert taken.left == 0
    assert stored(own) == {}
    assert stale(own) == set()

"""Windows that changed are made again, exactly these, and are then what a recount of the raw events says."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.growth.pending import PendingEvents
from assets.growth.windows import Made, StaleWindows
from assets.windows import DAY, HOUR, Window, floor_hour, midnight
from resources.declined import DeclinedError
from resources.postgres import Postgres
from tests.assets.growth.app_database import (
    GROWTH,
    NOW,
    Event,
    events,
    hours_before,
    insert,
    last,
    numbers,
    recount,
    stale,
    stored,
)
from tests.databases import empty
from tests.examples import examples


def take(postgres: Postgres) -> None:
    PendingEvents(postgres, GROWTH, lambda: NOW).run()


def engine(postgres: Postgres) -> StaleWindows:
    return StaleWindows(postgres, GROWTH, lambda: NOW)


def make(postgres: Postgres) -> tuple[Made, Made, Made]:
    """Everything that is stale: hours, days, metrics."""
    windows = engine(postgres)
    return windows.make("hour"), windows.make("day"), windows.make("metrics")


def raw(postgres: Postgres) -> list[Event]:
    return postgres.fetch("select * from analytics.events")


def transactions(postgres: Postgres, table: str) -> list[str]:
    """Those that wrote the rows which are there."""
    return [row["xmin"] for row in postgres.fetch(f"select distinct xmin::text as xmin from {table}")]


def written(postgres: Postgres, table: str, before: list[str]) -> list[dict[str, Any]]:
    """The rows that other transactions have written since."""
    return postgres.fetch(f"select * from {table} where xmin::text <> all(%s)", (before,))


def test_windows_are_what_a_recount_of_their_events_says(own: Postgres) -> None:
    rows = events(2_000, last(60))
    insert(own, rows)
    take(own)
    hours, days, metrics = make(own)
    assert stored(own) == recount(rows)
    starts = {(period, start) for period, start, *_ in recount(rows)}
    assert hours.windows == sum(period == "hour" for period, _ in starts)
    assert days.windows == sum(period == "day" for period, _ in starts)
    assert (hours.events, days.events, hours.kept, days.kept) == (2_000, 2_000, 0, 0)
    # Today has not ended: its metrics wait.
    assert metrics.windows == days.windows - 1
    assert stale(own) == {("metrics", midnight(NOW.date()))}
    assert make(own) == (Made(), Made(), Made())


def test_a_late_event_makes_exactly_its_hour_and_its_day_again(own: Postgres) -> None:
    insert(own, events(500, last(80)))
    take(own)
    make(own)
    aggregations, figures = transactions(own, GROWTH.aggregations), transactions(own, GROWTH.metrics)
    late = hours_before(50)
    insert(own, [{**events(1, last(1))[0], "created_at": late}])
    take(own)
    hours, days, metrics = make(own)
    assert (hours.windows, days.windows, metrics.windows) == (1, 1, 1)
    assert stored(own) == recount(raw(own))
    started = {floor_hour(late), midnight(late.date())}
    assert {row["window_start"] for row in written(own, GROWTH.aggregations, aggregations)} == started
    assert {row["day"] for row in written(own, GROWTH.metrics, figures)} == {late.date()}


def test_pending_events_are_left_to_their_batch(own: Postgres) -> None:
    insert(own, events(100, last(1)))
    take(own)
    later = events(50, last(1), seed=1)
    insert(own, later)
    make(own)
    assert sum(numbers(stored(own)).values()) == 2 * 100
    take(own)
    assert numbers(stored(own)) == numbers(recount(raw(own)))
    make(own)
    assert stored(own) == recount(raw(own))


def test_a_window_of_which_events_were_deleted_keeps_what_was_counted(own: Postgres) -> None:
    insert(own, events(300, Window(hours_before(49), hours_before(48))))
    take(own)
    make(own)
    counted, figures = stored(own), transactions(own, GROWTH.metrics)
    own.execute("delete from analytics.events where type <> 'form'")
    insert(own, [{**events(1, last(1))[0], "created_at": hours_before(48.5)}])
    take(own)
    hours, days, metrics = make(own)
    assert (hours.kept, days.kept, metrics.kept) == (1, 1, 1)
    assert sum(numbers(stored(own)).values()) == sum(numbers(counted).values()) + 2
    assert written(own, GROWTH.metrics, figures) == []
    assert stale(own) == set()


def test_events_that_an_archive_gives_back_are_not_counted_again(own: Postgres) -> None:
    insert(own, events(200, Window(hours_before(49), hours_before(48))))
    take(own)
    make(own)
    before = stored(own)
    own.execute("update analytics.events set ingested_at = created_at")
    own.execute("create table public.kept as select * from analytics.events")
    own.execute("delete from analytics.events")
    own.execute("insert into analytics.events select * from public.kept")
    take(own)
    make(own)
    assert stored(own) == before


def test_events_of_the_future_wait_until_their_hour_begins(own: Postgres) -> None:
    insert(own, events(10, Window(NOW + 2 * HOUR, NOW + 3 * HOUR)))
    take(own)
    assert make(own)[0] == Made()
    later = StaleWindows(own, GROWTH, lambda: NOW + 3 * HOUR)
    later.make("hour")
    hours = {key: counts for key, counts in recount(raw(own)).items() if key[0] == "hour"}
    assert {key: counts for key, counts in stored(own).items() if key[0] == "hour"} == hours


def test_a_day_that_is_asked_for_is_made_again_whole(own: Postgres) -> None:
    insert(own, events(500, last(72)))
    take(own)
    make(own)
    right = stored(own)
    day = hours_before(40).date()
    own.execute(
        "update analytics.event_aggregations set sessions = 0 where window_start >= %s and window_start < %s",
        (midnight(day), midnight(day) + DAY),
    )
    own.execute("delete from analytics.metrics where day = %s", (day,))
    engine(own).mark(day, "hour", "day", "metrics")
    hours, days, metrics = make(own)
    assert (hours.windows, days.windows, metrics.windows) == (24, 1, 1)
    assert stored(own) == right
    assert own.fetch("select count(*) > 0 as made from analytics.metrics where day = %s", (day,)) == [{"made": True}]


def test_metrics_are_those_of_the_raw_events(own: Postgres) -> None:
    day = midnight(hours_before(40).date())
    rows = events(400, Window(day, day + DAY))
    insert(own, rows)
    take(own)
    make(own)
    found = {
        (row["metric"], row["dimension"]): (row["value"], row["numerator"], row["denominator"])
        for row in own.fetch("select * from analytics.metrics where day = %s", (day.date(),))
    }
    for dimension, country in (("", "all"), ("country=DE", "DE"), ("country=US", "US"), ("country unknown", None)):
        of_it = [row for row in rows if country in ("all", row["country"])]
        sessions = {row["session_id"] for row in of_it} - {None}
        converting = {row["session_id"] for row in of_it if row["type"] == "conversion"} - {None}
        errors = sum(row["type"] == "error" for row in of_it)
        assert found["events", dimension] == (len(of_it), len(of_it), None)
        assert found["sessions", dimension] == (len(sessions), len(sessions), None)
        rate = (len(converting) / len(sessions), len(converting), len(sessions))
        assert found["conversion_rate", dimension] == pytest.approx(rate)
        assert found["error_rate", dimension] == pytest.approx((errors / len(of_it), errors, len(of_it)))


def test_two_at_once_while_events_are_taken_end_in_the_same(own: Postgres, app_dsn: str) -> None:
    rows = events(1_200, last(30))
    done = threading.Event()

    def making() -> None:
        with Postgres(app_dsn) as postgres:
            while not done.is_set():
                make(postgres)

    def taking(part: list[Event]) -> None:
        with Postgres(app_dsn) as postgres:
            for at in range(0, len(part), 50):
                insert(postgres, part[at : at + 50])
                PendingEvents(postgres, GROWTH, lambda: NOW, 60).run()

    with ThreadPoolExecutor(4) as pool:
        makers = [pool.submit(making) for _ in range(2)]
        for taker in [pool.submit(taking, rows[half::2]) for half in range(2)]:
            taker.result()
        done.set()
        for maker in makers:
            maker.result()
    make(own)
    assert stored(own) == recount(rows)


def test_a_killed_run_is_finished_by_the_next(own: Postgres, app_dsn: str) -> None:
    rows = events(1_000, last(30))
    insert(own, rows)
    take(own)
    own.execute(
        "create function public.stop() returns trigger language plpgsql as $$"
        " begin perform pg_terminate_backend(pg_backend_pid()); return null; end $$"
    )
    own.execute(
        "create trigger stop after insert on analytics.event_aggregations for each statement"
        " execute function public.stop()"
    )
    marks, counts = stale(own), stored(own)
    with Postgres(app_dsn) as dying, pytest.raises(psycopg.OperationalError):
        make(dying)
    assert (stale(own), stored(own)) == (marks, counts)
    own.execute("drop function public.stop cascade")
    make(own)
    assert stored(own) == recount(rows)


STEPS = st.one_of(
    st.tuples(st.just("come"), st.integers(1, 40), st.integers(0, 70)),
    st.tuples(st.just("take"), st.just(0), st.just(0)),
    st.tuples(st.just("make"), st.just(0), st.just(0)),
)


@examples(10, 100)
@given(st.lists(STEPS, max_size=12))
def test_in_any_order_of_steps_the_end_is_the_recount(own: Postgres, plan: list[tuple[str, int, int]]) -> None:
    empty(own, "analytics")
    own.execute("truncate pipelines.pending_events, pipelines.stale_windows")
    rows: list[Event] = []
    for number, (step, size, back) in enumerate(plan):
        if step == "come":
            come = events(size, Window(hours_before(back + 5), hours_before(back)), seed=number)
            insert(own, come)
            rows += come
        elif step == "take":
            PendingEvents(own, GROWTH, lambda: NOW, 13).run(2)
        else:
            make(own)
    take(own)
    make(own)
    assert stored(own) == recount(rows)
    assert own.fetch("select count(*) as n from pipelines.stale_windows where kind <> 'metrics'") == [{"n": 0}]
    ended = {key[1].date() for key in recount(rows) if key[0] == "day" and key[1] + DAY <= NOW + timedelta(seconds=1)}
    assert {row["day"] for row in own.fetch("select distinct day from analytics.metrics")} == ended


def test_a_day_that_has_not_begun_is_refused(own: Postgres) -> None:
    with pytest.raises(DeclinedError, match=r"has not begun\. Next: name a day up to today"):
        engine(own).mark((NOW + DAY).date(), "hour")

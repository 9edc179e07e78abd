"""The growth app's own database at ten times its expected load: pending events, and the times of its hot questions.

The database holds a year of 5,000 leads and 25,000 events a day, made by SQL once and kept. Pending events are taken by
two workers as the schedule does it, beside one plain SQL statement that does the same work in one transaction.
Questions are asked one by one as the service role, with its row-level security, over a local socket.
"""

import hashlib
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg

from assets.apps.growth import APP
from assets.growth.pending import PendingEvents
from assets.windows import DAY, midnight
from benchmarks import dataset, measure
from resources.postgres import Postgres
from resources.sql_files import read_sql
from tests.assets.growth import year
from tests.sql.growth.database import asking, capture, connect

DAYS, LEADS_A_DAY, EVENTS_A_DAY, SESSIONS_A_DAY = 365, 5_000, 25_000, 2_500
AT_ONCE = 73  # days made by one statement
END = midnight(dataset.FIRST_DAY.date())
START = END - DAYS * DAY
PENDING, WORKERS = 100_000, 2
ROUNDS = 3
ASKED = 2_000
BATCH, WRITERS = 100, 8
BLOCKS = 30
GOAL = 1_000  # events a second

PLAIN = """
with taken as (delete from pipelines.pending_events returning event_id),
found as materialized (
    select event.type, event.name, coalesce(event.country, '') as country, event.created_at
    from taken
    inner join analytics.events as event on event.id = taken.event_id
),
counted as (
    insert into analytics.event_aggregations as known (period, window_start, type, name, country, events)
    select period, date_trunc(period::text, created_at, 'UTC'), type, name, country, count(*)
    from found
    cross join unnest(enum_range(null::analytics.period)) as period
    group by 1, 2, 3, 4, 5
    on conflict (period, window_start, type, name, country) do update set events = known.events + excluded.events
)
insert into pipelines.stale_windows (kind, window_start)
select distinct kind, date_trunc(case kind when 'hour' then 'hour' else 'day' end, created_at, 'UTC')
from found
cross join unnest(array['hour', 'day', 'metrics']) as kind
on conflict (kind, window_start) do nothing
"""


def main() -> None:
    """Print the tables."""
    with dataset.stores("growth-app") as stores:
        own = stores.app_postgres(APP)
        _fill(own)
        _print_pending(own)
        _print_inserts(own)
        _print_counting(own)
        _print_questions(own)


def _print_pending(own: Postgres) -> None:
    rates: dict[str, list[float]] = {"ours, two workers": [], "ours, one worker": [], "one plain statement": []}
    for _ in range(ROUNDS):
        for name, work in (
            ("ours, two workers", lambda: _workers(own, WORKERS)),
            ("ours, one worker", lambda: _workers(own, 1)),
            ("one plain statement", lambda: own.execute(PLAIN)),
        ):
            with _pending(own):
                rates[name].append(PENDING / _timed(work))
    plain = statistics.median(rates["one plain statement"])
    measure.table(
        f"{PENDING:,} pending events beside {DAYS * EVENTS_A_DAY:,} others: goal ≥ {GOAL:,} events/s",
        ["contender", "events/s", "share of the plain statement"],
        [
            [name, f"{statistics.median(found):,.0f}", f"{statistics.median(found) / plain:.2f}"]
            for name, found in rates.items()
        ],
    )


def _workers(own: Postgres, number: int) -> None:
    with ThreadPoolExecutor(number) as pool:
        for worker in [pool.submit(PendingEvents(own, _growth(), lambda: END).run) for _ in range(number)]:
            worker.result()


@contextmanager
def _pending(own: Postgres) -> Iterator[None]:
    """Further events of the last days, in the queue; gone afterwards with all that was counted of them."""
    with own.connection() as connection:
        year.fill(connection, END, 4, (year.EVENTS, PENDING, DAYS * EVENTS_A_DAY))
    own.execute(
        "insert into pipelines.pending_events (event_id, occurred_at)"
        " select id, created_at from analytics.events where created_at >= %s",
        (END,),
    )
    _vacuumed(own, "analytics.events", "pipelines.pending_events")
    yield
    for table, column in (("analytics.events", "created_at"), ("analytics.event_aggregations", "window_start")):
        own.execute(f"delete from {table} where {column} >= %s", (END,))
    own.execute("truncate pipelines.stale_windows")


def _print_questions(own: Postgres) -> None:
    asked = {
        "lead look-up by e-mail": (1.0, _look_ups(own)),
        "onboarding: read by token": (5.0, _onboarding_reads(own)),
        "onboarding: next step by token": (5.0, _onboarding_steps(own)),
        **{f"dashboard: {name}": (50.0, _times(own, ask, 100)) for name, ask in _dashboards().items()},
    }
    rows = []
    for name, (goal, seconds) in asked.items():
        times = sorted(1_000 * one for one in seconds)
        p99 = times[int(0.99 * len(times))]
        met = "yes" if p99 < goal else "median" if statistics.median(times) < goal else "no"
        rows.append([name, f"< {goal:g}", f"{statistics.median(times):.2f}", f"{p99:.2f}", met])
    measure.table(
        f"Questions over {DAYS} days of {LEADS_A_DAY:,} leads and {EVENTS_A_DAY:,} events a day",
        ["question", "goal, ms", "median, ms", "p99, ms", "met"],
        rows,
    )


Ask = Callable[[psycopg.Connection[Any], int], None]


def _times(own: Postgres, ask: Ask, number: int = ASKED) -> list[float]:
    """The seconds of each question, each a transaction of its own as the service role; the first ones are not timed."""
    found = []
    with psycopg.connect(own.dsn, autocommit=True) as connection:
        connection.execute("set role service_role")
        for n in range(-20, number):
            started = time.perf_counter()
            ask(connection, n)
            if n >= 0:
                found.append(time.perf_counter() - started)
    return found


def _look_ups(own: Postgres) -> list[float]:
    def ask(connection: psycopg.Connection[Any], n: int) -> None:
        lead = (n * 7_919) % (DAYS * LEADS_A_DAY)
        found = connection.execute(
            "select id, name, status from marketing.leads where email_key = pipelines.email_key(%s)",
            (f"Lead{lead}+from-an-ad@example.com",),
        ).fetchall()
        assert len(found) == 1

    return _times(own, ask)


def _token(n: int) -> str:
    return "sess_" + hashlib.md5(str((n * 7_919) % (DAYS * SESSIONS_A_DAY)).encode()).hexdigest()


def _onboarding_reads(own: Postgres) -> list[float]:
    def ask(connection: psycopg.Connection[Any], n: int) -> None:
        found = connection.execute(
            "select current_step, status, progress_percentage from onboarding.sessions where session_token = %s",
            (_token(n),),
        ).fetchall()
        assert len(found) == 1

    return _times(own, ask)


def _onboarding_steps(own: Postgres) -> list[float]:
    def ask(connection: psycopg.Connection[Any], n: int) -> None:
        changed = connection.execute(
            "update onboarding.sessions set current_step = 'bot_setup', business_info_completed_at = now()"
            " where session_token = %s",
            (_token(n),),
        )
        assert changed.rowcount == 1

    return _times(own, ask)


def _dashboards() -> dict[str, Ask]:
    month = {"since": END - 30 * DAY, "until": END}
    statements: dict[str, tuple[str, dict[str, Any]]] = {
        "events by day and type": (
            """
            select window_start, type, sum(events) from analytics.event_aggregations
            where period = 'day' and window_start >= %(since)s group by 1, 2 order by 1, 2
            """,
            month,
        ),
        "funnel of 150,000 leads": (read_sql(f"{_growth().statements}/lead_funnel.sql"), month),
        "drop-off of 17,500 onboardings": (
            read_sql(f"{_growth().statements}/drop_off.sql"),
            {"since": END - 7 * DAY, "until": END},
        ),
    }

    def asking(statement: str, parameters: dict[str, Any]) -> Ask:
        def ask(connection: psycopg.Connection[Any], n: int) -> None:
            assert connection.execute(statement.encode(), parameters).fetchall(), n

        return ask

    return {name: asking(*asked) for name, asked in statements.items()}


def _print_inserts(own: Postgres) -> None:
    rates = {
        f"one by one, {WRITERS} connections": WRITERS * ASKED / _timed(lambda: _written(own, WRITERS, 1)),
        f"{BATCH} in one statement, one connection": ASKED * BATCH / 10 / _timed(lambda: _written(own, 1, BATCH)),
    }
    own.execute("delete from analytics.events where created_at > now() - interval '1 hour'")
    own.execute("truncate pipelines.pending_events")
    measure.table(
        f"Events that come in, with enrichment, queue and 13 indexes: goal ≥ {GOAL:,} a second",
        ["how", "events/s"],
        [[name, f"{rate:,.0f}"] for name, rate in rates.items()],
    )


def _written(own: Postgres, writers: int, events: int) -> None:
    def ask(connection: psycopg.Connection[Any], n: int) -> None:
        connection.execute(
            "insert into analytics.events (type, name, session_id, properties)"
            " select 'user_action', 'demo_request', %s || n, '{\"page\": \"/demo\"}' from generate_series(1, %s) as n",
            (f"bench-{n}-", events),
        )

    with ThreadPoolExecutor(writers) as pool:
        for writer in [pool.submit(_times, own, ask, ASKED // (10 if events > 1 else 1)) for _ in range(writers)]:
            writer.result()


def _print_counting(own: Postgres) -> None:
    """The function that counts requests is emptied in every second block: what then differs is what counting costs."""
    (counting,) = own.fetch("select pg_get_functiondef(oid) as definition from pg_proc where proname = 'count_request'")
    name, _, _ = counting["definition"].partition("AS $")
    definitions = {"counted": counting["definition"], "not counted": f"{name}AS $empty$ begin end $empty$"}
    seconds: dict[str, list[float]] = {how: [] for how in definitions}
    try:
        for block in range(2 * BLOCKS):
            how = list(definitions)[block % 2]
            own.execute(definitions[how])
            seconds[how] += _captures(own, block)[10:]
    finally:
        own.execute(definitions["counted"])
        own.execute("delete from marketing.leads where email like 'counted%@example.com'")
    medians = {how: statistics.median(found) for how, found in seconds.items()}
    measure.table(
        "A visitor leaves a lead, a request of its own that is committed to disk: goal ≤ 1.10 of one not counted",
        ["request", "median, ms", "ratio"],
        [[how, f"{1_000 * one:.2f}", f"{one / medians['not counted']:.2f}"] for how, one in medians.items()],
    )


def _captures(own: Postgres, block: int) -> list[float]:
    found = []
    with connect(own.dsn) as connection:
        for n in range(BATCH):
            started = time.perf_counter()
            with asking(connection, "anon", address=f"203.0.{block}.{n}", keep=True):
                capture(connection, f"counted{block}-{n}@example.com")
            found.append(time.perf_counter() - started)
    return found


INDEXES = """
select format('%I.%I', namespace.nspname, index_class.relname) as name, pg_get_indexdef(index.indexrelid) as definition
from pg_index as index
inner join pg_class as index_class on index_class.oid = index.indexrelid
inner join pg_namespace as namespace on namespace.oid = index_class.relnamespace
where
    index.indrelid = any(array['analytics.events', 'marketing.leads', 'onboarding.sessions']::regclass[])
    and not exists (select 1 from pg_constraint where pg_constraint.conindid = index.indexrelid)
"""


def _fill(own: Postgres) -> None:
    """A year of leads, onboarding sessions, events and their aggregations; made once, in one transaction.

    Indexes are made of the rows at the end, which takes a third of the time of keeping them meanwhile.
    """
    own.execute("delete from analytics.events where created_at >= %s", (END,))
    if own.fetch("select 1 from analytics.event_aggregations where window_start = %s limit 1", (START,)):
        return
    print(f"making {DAYS} days", flush=True)
    with Postgres(own.dsn, statement_timeout=3600) as filling, filling.connection() as connection:
        connection.execute("set local maintenance_work_mem = '1GB'")
        indexes = connection.execute(INDEXES).fetchall()
        connection.execute(f"drop index {', '.join(index['name'] for index in indexes)}")
        for at in range(0, DAYS, AT_ONCE):
            start, days = START + at * DAY, min(AT_ONCE, DAYS - at)
            year.fill(
                connection,
                start,
                days,
                (year.LEADS, days * LEADS_A_DAY, at * LEADS_A_DAY),
                (year.SESSIONS, days * SESSIONS_A_DAY, at * SESSIONS_A_DAY),
                (year.EVENTS, days * EVENTS_A_DAY, at * EVENTS_A_DAY),
            )
        for index in indexes:
            connection.execute(index["definition"].encode())
        year.fill(connection, START, DAYS, (year.AGGREGATIONS, 0, 0))
    _vacuumed(own)


def _vacuumed(own: Postgres, *tables: str) -> None:
    with psycopg.connect(own.dsn, autocommit=True) as connection:
        connection.execute(f"vacuum analyze {', '.join(tables)}".encode())


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _growth() -> Any:
    assert APP.growth is not None
    return APP.growth


if __name__ == "__main__":
    main()

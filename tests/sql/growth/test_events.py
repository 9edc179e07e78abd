"""Events are made whole and queued as they come, and counted exactly once."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from resources.postgres import Connection
from tests.sql.growth.database import A, connect, one

COUNTED = """
select period::text, window_start, type::text, name, country, events from analytics.event_aggregations
order by 1, 2, 3, 4, 5
"""
RECOUNTED = """
select period, window_start, type::text, name, coalesce(country, '') as country, count(*) as events
from analytics.events
cross join lateral (
    values ('day', date_trunc('day', created_at, 'UTC')), ('hour', date_trunc('hour', created_at, 'UTC'))
) as place (period, window_start)
group by 1, 2, 3, 4, 5
order by 1, 2, 3, 4, 5
"""


def add(connection: Connection, **fields: Any) -> dict[str, Any]:
    row = {"type": "page_view", "name": "view", **fields}
    names, marks = ", ".join(row), ", ".join(f"%({name})s" for name in row)
    return one(connection, f"insert into analytics.events ({names}) values ({marks}) returning *", row)


@pytest.mark.parametrize(
    ("given", "filled"),
    [
        ({"properties": '{"page": "/demo?email=ada@example.com#top"}'}, {"page": "/demo"}),
        ({"properties": '{"page": "/demo"}', "page": "/own"}, {"page": "/own"}),
        ({"referrer": "https://shop.example/pricing?x=1"}, {"page": "/pricing"}),
        ({"referrer": "not an address"}, {"page": None, "referrer": "not an address"}),
        ({"properties": '{"country": "de", "user_agent": "curl", "referrer": "https://a.example"}'},
         {"country": "DE", "user_agent": "curl", "referrer": "https://a.example"}),
        ({"properties": '{"country": "Germany"}'}, {"country": None}),
        ({"properties": '{"country": "de"}', "country": "us"}, {"country": "US"}),
        ({"name": "  view "}, {"name": "view"}),
        ({"properties": '{"page": 7, "country": null}'}, {"page": "7", "country": None}),
    ],
)  # fmt: skip
def test_an_event_is_filled_with_what_its_properties_say(
    shared: Connection, given: dict[str, str], filled: dict[str, str | None]
) -> None:
    with shared.transaction(force_rollback=True):
        found = add(shared, **given)
        assert {name: found[name] for name in filled} == filled


@pytest.mark.parametrize(
    ("given", "constraint"),
    [
        ({"name": " "}, "events_name_is_empty_or_longer_than_200"),
        ({"name": "x" * 10_000}, "events_name_is_empty_or_longer_than_200"),
        ({"country": "Germany"}, "events_country_is_not_two_capital_letters"),
        ({"properties": "[1]"}, "events_properties_are_no_json_object_of_32000_bytes"),
        ({"properties": '{"a": "' + "x" * 33_000 + '"}'}, "events_properties_are_no_json_object_of_32000_bytes"),
        ({"user_agent": "x" * 2001}, "events_text_has_more_than_2000_characters"),
        ({"session_id": "x" * 201}, "events_session_id_has_more_than_200_characters"),
    ],
    ids=lambda part: str(part)[:40],
)
def test_what_is_wrong_is_refused_by_name(shared: Connection, given: dict[str, str], constraint: str) -> None:
    with pytest.raises(psycopg.errors.CheckViolation) as refused:
        add(shared, **given)
    assert refused.value.diag.constraint_name == constraint


def test_what_comes_now_is_queued_and_what_an_archive_gives_back_is_not(growth: Connection) -> None:
    late = add(growth, created_at="2026-01-01T00:30Z")
    add(growth, created_at="2026-01-01T00:40Z", ingested_at="2026-01-01T00:41Z")
    queued = growth.execute("select event_id, occurred_at from pipelines.pending_events").fetchall()
    assert queued == [{"event_id": late["id"], "occurred_at": late["created_at"]}]
    growth.execute("insert into analytics.events (type, name) select 'system', 'x' from generate_series(1, 10)")
    assert one(growth, "select count(*) as n from pipelines.pending_events")["n"] == 11


def test_processing_counts_each_event_once_and_marks_its_windows(growth: Connection) -> None:
    for at in ("2026-01-01T00:30Z", "2026-01-01T00:59:59.999Z", "2026-01-01T01:00Z", "2026-01-02T00:00Z"):
        add(growth, created_at=at, country="US")
    add(growth, created_at="2026-01-01T00:30Z")
    gone = add(growth, created_at="2026-01-05T00:30Z")
    growth.execute("delete from analytics.events where id = %s", (gone["id"],))
    assert one(growth, "select * from process_pending_events(2)")["events"] == 2
    total = one(growth, "select * from process_pending_events()")
    assert total["events"] == 4
    assert one(growth, "select * from process_pending_events()") == {"events": 0, "windows": 0}
    assert growth.execute(COUNTED).fetchall() == growth.execute(RECOUNTED).fetchall()
    marks = growth.execute(
        "select kind || ' ' || to_char(window_start, 'DD HH24') as mark from pipelines.stale_windows"
    )
    assert {row["mark"] for row in marks} == {
        "hour 01 00", "hour 01 01", "hour 02 00", "day 01 00", "day 02 00", "metrics 01 00", "metrics 02 00"
    }  # fmt: skip


def test_workers_at_once_count_exactly_though_one_of_them_is_killed(growth_dsn: str, growth: Connection) -> None:
    growth.execute(
        "insert into analytics.events (type, name, country, created_at)"
        " select (enum_range(null::analytics.event_type))[1 + n % 6], 'event ' || n % 7,"
        " case when n % 3 = 0 then 'US' end, timestamptz '2026-01-01Z' + n * interval '1 minute'"
        " from generate_series(1, 4000) as n"
    )

    def work(number: int) -> int:
        taken = 0
        with connect(growth_dsn) as connection:
            while True:
                try:
                    with connection.transaction():
                        done = one(connection, "select events from process_pending_events(150)")["events"]
                        if number == 0 and taken == 300:
                            connection.execute("select pg_terminate_backend(pg_backend_pid())")
                except psycopg.OperationalError:
                    return taken
                if not done:
                    return taken
                taken += done

    with ThreadPoolExecutor(3) as pool:
        assert sum(pool.map(work, range(3))) == 4000
    assert growth.execute(COUNTED).fetchall() == growth.execute(RECOUNTED).fetchall()


def test_the_example_of_the_page_is_taken(growth: Connection) -> None:
    growth.execute(
        "INSERT INTO analytics.events (type, name, session_id, properties)"
        " VALUES ('user_action', 'demo_request', 'session_123', '{\"page\": \"/demo\"}'::JSONB)"
    )
    assert one(growth, "select page, user_id from analytics.events") == {"page": "/demo", "user_id": None}
    assert A

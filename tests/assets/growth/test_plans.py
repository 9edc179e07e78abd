"""Each statement that runs on a schedule reads what is new by an index, not a whole table.

The tables are a hundredth of a year's at ten times the expected load. Nothing is forbidden to the planner.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from assets.apps.growth import APP
from assets.capability import Site
from assets.database import plans
from assets.finding import Finding
from assets.partitions import Calendar
from assets.windows import DAY, HOUR, floor_hour, midnight
from resources.postgres import Postgres
from resources.r2 import FolderObjectStore
from resources.sql_files import read_sql
from tests.assets.growth import year
from tests.assets.growth.app_database import GROWTH, NOW
from tests.databases import database
from tests.rooms import TestRooms

START = midnight(NOW.date()) - 60 * DAY
LARGE = {"events", "leads", "sessions", "event_aggregations"}
HOURS, TODAY = [floor_hour(NOW) - n * HOUR for n in range(24)], midnight(NOW.date())
WEEK = {"since": NOW - 7 * DAY, "until": floor_hour(NOW)}
MONTH = {"since": NOW - 30 * DAY, "until": NOW}


@pytest.fixture(scope="module")
def filled(postgres_server: str, empty_app_dsn: str) -> Iterator[Postgres]:
    """A database with rows of sixty days, analyzed and vacuumed."""
    with database(postgres_server, empty_app_dsn) as dsn, Postgres(dsn) as postgres:
        with postgres.connection() as filling:
            year.fill(filling, START - 300 * DAY, 360, (year.LEADS, 12_000, 0), (year.SESSIONS, 6_000, 0))
            year.fill(filling, START, 60, (year.EVENTS, 30_000, 0), (year.AGGREGATIONS, 0, 0))
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("vacuum analyze")
        yield postgres


QUERIES = {query.statement.rpartition("/")[2].removesuffix(".sql"): query for query in APP.hot_queries}
ASKED: list[tuple[str, dict[str, Any]]] = [
    ("make_windows", {"kind": "hour", "windows": HOURS}),
    ("make_windows", {"kind": "day", "windows": [TODAY]}),
    ("make_metrics", {"windows": [TODAY - DAY]}),
    ("recount_hour", {**WEEK, "seed": 0.5}),
    ("unread_phones", {"after": None, "rows": 2_000}),
    ("waiting_phones", {}),
    ("lead_funnel", MONTH),
    ("count_leads", MONTH),
    ("drop_off", {**MONTH, "since": NOW - 7 * DAY}),
    ("count_onboardings", {**MONTH, "since": NOW - 7 * DAY}),
    ("inactive", {"since": NOW - timedelta(hours=2)}),
]


@pytest.mark.parametrize(("name", "parameters"), ASKED)
def test_no_scheduled_statement_reads_a_whole_table(filled: Postgres, name: str, parameters: dict[str, Any]) -> None:
    query = replace(QUERIES[name], parameters=parameters)
    assert list(plans.of_postgres(filled, query)) == []
    (row,) = filled.fetch(f"explain (format json) {read_sql(query.statement)}", parameters)
    found = list(plans.nodes(row["QUERY PLAN"][0]["Plan"]))
    assert not LARGE & {node["Relation Name"] for node in found if node["Node Type"] == "Seq Scan"}
    assert set(query.reads) & {node.get("Index Name") for node in found}


def test_each_scheduled_statement_is_asked_here() -> None:
    assert QUERIES.keys() == {name for name, _ in ASKED}


def test_pages_of_phones_and_hours_cost_the_same_however_many_there_were_before(filled: Postgres) -> None:
    def rows_read(name: str, parameters: dict[str, Any]) -> float:
        statement = read_sql(f"{GROWTH.statements}/{name}.sql")
        with filled.connection() as connection:
            (row,) = connection.execute(f"explain (analyze, format json) {statement}", parameters).fetchall()
            connection.rollback()
        read: float = sum(
            node["Actual Rows"] * node["Actual Loops"]
            for node in plans.nodes(next(iter(row.values()))[0]["Plan"])
            if node.get("Relation Name") in LARGE
        )
        return read

    # 30,000 events, of which an hour has 21; 12,000 leads, of which 24 were not read.
    assert rows_read("make_windows", {"kind": "hour", "windows": HOURS[1:2]}) < 21 * 8
    assert rows_read("unread_phones", {"after": None, "rows": 2_000}) == 24


@pytest.fixture
def rooms(postgres: Postgres, postgres_server: str, empty_app_dsn: str, tmp_path: Path) -> Iterator[TestRooms]:
    with database(postgres_server, empty_app_dsn) as dsn, Postgres(dsn) as of_app:
        yield TestRooms(NOW, postgres, FolderObjectStore(tmp_path), app_postgreses={APP.name: of_app})


def slow(rooms: TestRooms) -> dict[str, Finding]:
    (check,) = plans.checks(APP, Site(rooms, Calendar(date(2026, 1, 1)), timedelta(days=35), 1000, (7, 5, 12)))
    return {one.subject: one for one in check.looks(NOW)}


def test_tables_that_are_empty_may_be_read_whole(rooms: TestRooms) -> None:
    assert slow(rooms) == {}


def test_an_index_that_is_missing_is_found_with_what_makes_it(rooms: TestRooms) -> None:
    of_app = rooms.app_postgres(APP)
    of_app.execute("drop index marketing.leads_by_created")
    one = slow(rooms)["growth/lead_funnel"]
    assert one.message == "its plan is slow: index leads_by_created is missing or invalid"
    assert set(slow(rooms)) == {"growth/lead_funnel", "growth/count_leads"}
    of_app.execute(one.command)
    assert slow(rooms) == {}


def test_a_large_table_that_is_read_whole_is_found(rooms: TestRooms) -> None:
    of_app = rooms.app_postgres(APP)
    with of_app.connection() as filling:
        year.fill(filling, NOW - timedelta(days=300), 300, (year.LEADS, 12_000, 0))
        filling.execute("alter index marketing.leads_with_raw_phone rename to leads_by_another_name")
        filling.execute("create index leads_with_raw_phone on marketing.leads (id) where id is null")
    with psycopg.connect(of_app.dsn, autocommit=True) as connection:
        connection.execute("vacuum analyze marketing.leads")
        connection.execute("drop index marketing.leads_by_another_name")
    one = slow(rooms)["growth/waiting_phones"]
    assert one.message.startswith("its plan is slow: it reads marketing.leads whole, 1")
    assert one.command == "analyze marketing.leads"

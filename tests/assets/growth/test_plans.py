"""Each statement that runs on a schedule reads what is new by an index, not a whole table.

The tables are a hundredth of a year's at ten times the expected load. Nothing is forbidden to the planner.
"""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from assets.windows import DAY, HOUR, floor_hour, midnight
from resources.postgres import Postgres
from resources.sql_files import read_sql
from tests.assets.growth import year
from tests.assets.growth.app_database import GROWTH, NOW
from tests.databases import database

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


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


@pytest.mark.parametrize(
    ("name", "parameters", "indexes"),
    [
        ("make_windows", {"kind": "hour", "windows": HOURS}, {"events_by_time"}),
        ("make_windows", {"kind": "day", "windows": [TODAY]}, {"events_by_time"}),
        ("make_metrics", {"windows": [TODAY - DAY]}, {"events_by_time"}),
        ("recount_hour", {**WEEK, "seed": 0.5}, {"events_by_time"}),
        ("unread_phones", {"after": None, "rows": 2_000}, {"leads_with_raw_phone"}),
        ("waiting_phones", {}, {"leads_with_raw_phone"}),
        ("lead_funnel", MONTH, {"leads_by_created"}),
        ("count_leads", MONTH, {"leads_by_created"}),
        ("drop_off", {**MONTH, "since": NOW - 7 * DAY}, {"sessions_by_start"}),
        ("count_onboardings", {**MONTH, "since": NOW - 7 * DAY}, {"sessions_by_start"}),
        ("inactive", {"since": NOW - timedelta(hours=2)}, {"sessions_inactive", "sessions_by_step"}),
    ],
)
def test_no_scheduled_statement_reads_a_whole_table(
    filled: Postgres, name: str, parameters: dict[str, Any], indexes: set[str]
) -> None:
    statement = read_sql(f"{GROWTH.statements}/{name}.sql")
    ((explained,),) = (row.values() for row in filled.fetch(f"explain (format json) {statement}", parameters))
    plan = explained if isinstance(explained, list) else json.loads(explained)
    found = list(nodes(plan[0]["Plan"]))
    whole = {node["Relation Name"] for node in found if node["Node Type"] == "Seq Scan"}
    assert not whole & LARGE
    assert indexes & {node.get("Index Name") for node in found}


def test_pages_of_phones_and_hours_cost_the_same_however_many_there_were_before(filled: Postgres) -> None:
    def rows_read(name: str, parameters: dict[str, Any]) -> float:
        statement = read_sql(f"{GROWTH.statements}/{name}.sql")
        with filled.connection() as connection:
            (row,) = connection.execute(f"explain (analyze, format json) {statement}", parameters).fetchall()
            connection.rollback()
        read: float = sum(
            node["Actual Rows"] * node["Actual Loops"]
            for node in nodes(next(iter(row.values()))[0]["Plan"])
            if node.get("Relation Name") in LARGE
        )
        return read

    # 30,000 events, of which an hour has 21; 12,000 leads, of which 24 were not read.
    assert rows_read("make_windows", {"kind": "hour", "windows": HOURS[1:2]}) < 21 * 8
    assert rows_read("unread_phones", {"after": None, "rows": 2_000}) == 24

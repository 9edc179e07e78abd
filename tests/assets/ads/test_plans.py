"""How statements over whole tables are planned before these have statistics, as on the day of the first load."""

import json
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import pytest

from resources.postgres import Postgres
from resources.sql_files import read_sql

SINCE, UNTIL = date(2026, 1, 1), date(2026, 1, 30)
PARAMETERS: Mapping[str, Any] = {
    "app": "clearlift",
    "org_id": "o",
    "platform": "google",
    "account_id": "1",
    "since": SINCE,
    "until": UNTIL,
    "whole": ["JPY"],
    "level": None,
    "actions": ["purchase"],
    "alternatives": [0],
    "places": [0],
    "windows": [],
}
CONVERSIONS = """
insert into ads.conversions_daily (app, org_id, platform, account_id, level, entity_id, date, action,
    attribution_window,
    label, count, value, currency, is_counted, is_final, sync_run_id)
select 'clearlift', 'o', 'google', '1', 'campaign', 'e' || n % 1000, date '2026-01-01' + n / 1000, 'purchase', '', '',
    1, 1, 'USD', true, true, gen_random_uuid()
from generate_series(0, 19999) n
"""
FACTS = """
insert into ads.campaign_metrics_daily (app, org_id, platform, account_id, campaign_id, date, impressions, clicks,
    spend,
    conversions, conversions_value, currency, time_zone, attribution_window, is_final, sync_run_id)
select 'clearlift', 'o', 'google', '1', 'e' || n % 1000, date '2026-01-01' + n / 1000, 1, 1, 1, 1, 1, 'USD', 'UTC', '',
    true, gen_random_uuid()
from generate_series(0, 19999) n
"""
LOOKED_UP = {"Index Scan", "Index Only Scan", "Bitmap Heap Scan", "Function Scan", "Values Scan"}


def nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every node of a plan."""
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def read_for_each_row(plan: Mapping[str, Any]) -> list[str]:
    """What nested loops read whole for each row of their other side."""
    loops = [node["Plans"][1] for node in nodes(plan) if node["Node Type"] == "Nested Loop"]
    return [inner["Node Type"] for inner in loops if inner["Node Type"] not in LOOKED_UP]


@pytest.mark.parametrize("name", ["levels_agree", "conversions_differ", "count_conversions"])
def test_no_statement_over_whole_tables_reads_one_for_each_row_of_another(postgres: Postgres, name: str) -> None:
    statement = read_sql(f"ads/{name}.sql")
    with postgres.connection() as connection:
        # Statistics that autovacuum makes are made by nobody inside a transaction.
        connection.execute(CONVERSIONS)
        connection.execute(FACTS)
        row = connection.execute("explain (format json) " + statement, dict(PARAMETERS)).fetchone()
        assert row is not None
        (found,) = row["QUERY PLAN"]
        connection.rollback()
    assert read_for_each_row(found["Plan"]) == [], json.dumps(found, indent=1)

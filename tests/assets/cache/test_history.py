"""Dashboards over a long history: the days of the longest range are read, and none before them."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from assets.cache.rankings import statement
from resources.postgres import Postgres
from resources.sql_files import read_sql
from tests.assets.cache.warmed_cache import CLEARLIFT, DASHBOARDS, WarmedCache

TODAY = date(2026, 3, 20)
# The longest range and the period before it; of attribution a day more, because the last day may not be credited yet.
LONGEST = {"attribution": 181}
# Where the planner reads each range by itself.
ALL_RANGES = 2 * (1 + 7 + 30 + 90)
DAYS = 2000
ROWS = {
    "rollups.daily": "'a', day, 'page_view', '', '', '', '', '', 1, 1, 1, 0",
    "rollups.daily_totals": "'a', day, 1, 1, 1, 0, '', ''",
    "rollups.daily_pages": "'a', day, '', '', 1, 1, 1, 0",
    "rollups.daily_sources": "'a', day, '', '', 1, 1, 1, 0",
    "rollups.daily_campaigns": "'a', day, '', '', '', 1, 1, 1, 0",
    "attribution.credits (day, org_tag, account_day, platform, account_id, campaign_id, reason, visits, model,"
    " currency, conversions, revenue, app)": "day, 'a', day, 'google', '1', 'c', '', 0, 'last', '', 1, 1",
    "ads.campaign_metrics_daily": (
        "'o', 'c', day, 'google', '1', 1, 1, 1, 0, 0, 'EUR', 'UTC', 'default', true, gen_random_uuid()"
    ),
}
"""Every table that dashboards read by days, and a row of it."""


STATEMENTS = {"summary": read_sql("cache/summary.sql")} | {f.name: statement(f) for f in CLEARLIFT.cache}


@pytest.fixture
def history(warmed_cache: WarmedCache) -> Postgres:
    """One row a day up to today in each table; in roll-ups also for another app with the same tag."""
    postgres = warmed_cache.event_lake.postgres
    postgres.execute(
        "insert into attribution.organizations (org_tag, org_id, conversion_types, window_days, app) "
        "values ('a', 'o', '{purchase}', 30, 'clearlift')"
    )
    for table, row in ROWS.items():
        postgres.execute(
            f"insert into {table} select {row}, app "
            "from (select %s - n as day from generate_series(0, %s) as n) as days, unnest(%s::text[]) as app",
            [TODAY, DAYS - 1, ["clearlift", "other"] if table.startswith("rollups") else ["clearlift"]],
        )
        postgres.execute(f"analyze {table.split()[0]}")
    postgres.execute(
        "insert into attribution.windows (app, day, version, sequence, types_change, touches, conversions, built_at,"
        " credited) select 'clearlift', %s - n, 1, 1, 0, 0, 1, now(), 0 from generate_series(0, %s) as n",
        [TODAY, DAYS - 1],
    )
    return postgres


@pytest.mark.parametrize("name", [*DASHBOARDS, "attribution"])
def test_no_day_before_the_longest_range_is_read(history: Postgres, name: str) -> None:
    # By a cursor, as a warming draws them: it is planned in its own way.
    explained = f"explain (analyze, format json) declare dashboard cursor for {STATEMENTS[name]}"
    (row,) = history.fetch(explained, {"app": "clearlift", "today": TODAY, "tags": ["a"]})
    read = list(_read(row["QUERY PLAN"][0]["Plan"]))
    assert LONGEST.get(name, 180) <= max(days for _, days in read) <= ALL_RANGES, read


def _read(node: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """Rows that each scan of a table of days looked at, those that it dropped included."""
    relation = node.get("Relation Name", "")
    if "daily" in relation or relation == "credits":
        dropped = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
        yield f"{node['Node Type']} of {relation}", node["Actual Loops"] * (node["Actual Rows"] + dropped)
    for inner in node.get("Plans", []):
        yield from _read(inner)

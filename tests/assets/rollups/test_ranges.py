"""Distinct counts over 7, 30 and 90 days by sketch, beside exact ones: the error stated, and sums that are equal."""

import random
from datetime import timedelta

import pytest

from assets.apps.clearlift import APP
from assets.rollups import sketch
from assets.rollups.build_periods import PeriodRollUp
from assets.rollups.periods import Period
from assets.windows import Window, midnight, month_of
from resources.postgres import copy_in
from tests.assets.rollups.event_lake import START, EventLake

SEEDS = 16
STATED = 0.02
COLUMNS = ("app", "org_tag", "day", "events", "visitors", "sessions", "value", "visitor_sketch", "session_sketch")


def visits(seed: int, days: int, each: int = 1_500) -> list[set[str]]:
    """Visitors by day: some come back, most do not."""
    chance = random.Random(seed)
    return [{f"{seed}-{chance.randrange(60_000)}" for _ in range(each)} for _ in range(days)]


@pytest.mark.parametrize("days", [7, 30, 90])
def test_the_error_over_a_range_is_the_stated_one(days: int) -> None:
    errors = []
    for seed in range(SEEDS):
        by_day = visits(seed, days)
        exact = len(set().union(*by_day))
        assert exact > sketch.K
        errors.append(sketch.count(sketch.merge(map(sketch.sketch, by_day))) / exact - 1)
    standard = (sum(error**2 for error in errors) / SEEDS) ** 0.5
    assert 0 < standard <= STATED
    assert max(map(abs, errors)) <= 3 * STATED


def test_what_is_small_is_exact_and_sums_are_equal_over_any_range(event_lake: EventLake) -> None:
    """A quarter of days in Postgres, a small organisation and a large one: months of it, and all of it from months."""
    days = [START.date() + timedelta(days=n) for n in range(92)]  # March, April, May
    exact: dict[str, set[str]] = {}
    rows = []
    for org, each in (("large", 1_500), ("small", 12)):
        for day, ids in zip(days, visits(hash(each), len(days), each), strict=True):
            exact.setdefault(org, set()).update(ids)
            made = sketch.sketch(ids)
            rows.append((APP.name, org, day, len(ids) * 3, len(ids), len(ids), f"{len(ids)}.25", made, made))
    with event_lake.postgres.connection() as connection:
        copy_in(connection, "rollups.daily_totals", COLUMNS, rows)
    PeriodRollUp(APP, Period.MONTHLY, event_lake.postgres, event_lake.clock).run(
        Window(START, month_of((midnight(days[-1])).date()).end)
    )
    for org, ids in exact.items():
        found = event_lake.postgres.fetch(
            "select events, value, visitors, exact, visitor_sketch from rollups.monthly_totals where org_tag = %(org)s",
            {"org": org},
        )
        assert len(found) == 3
        mine = [row for row in rows if row[1] == org]
        assert sum(row["events"] for row in found) == sum(int(str(row[3])) for row in mine)
        assert float(sum(row["value"] for row in found)) == sum(float(str(row[6])) for row in mine)
        assert all(row["exact"] == (org == "small") for row in found)
        counted = sketch.count(sketch.merge(bytes(row["visitor_sketch"]) for row in found))
        assert counted == len(ids) if org == "small" else abs(counted / len(ids) - 1) <= 3 * STATED

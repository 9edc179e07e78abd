"""A large day is matched row by row, also over tables of which the planner knows nothing, as in a first backfill."""

from collections.abc import Iterator
from typing import Any

import pytest

from assets.attribution.labels import learn_labels
from assets.attribution.text import key
from resources.postgres import Connection
from resources.sql_files import read_sql
from tests.assets.attribution.attribution_stores import AttributionStores
from tests.assets.attribution.strategies import prepare
from tests.assets.rollups.event_lake import at, event

TOUCHES = 2_000
TABLES = ("touches", "conversions", "sign_ins")


def test_a_new_day_leaves_statistics_behind(attribution_stores: AttributionStores) -> None:
    prepare(attribution_stores)
    attribution_stores.touches(1, 2)
    attribution_stores.event_lake.append(
        *(
            event(timestamp=at(2, n), session_id=f"s{n}", gclid="gA", user_id="u", event_type="conversion")
            for n in range(9)
        )
    )
    attribution_stores.touches(2, 3)
    known = attribution_stores.postgres.fetch(
        "select relname, reltuples from pg_class where oid = any(%s::regclass[])",
        [[f"attribution.{table}" for table in TABLES]],
    )
    assert {row["relname"]: row["reltuples"] for row in known} == {"touches": 9, "conversions": 9, "sign_ins": 1}


@pytest.mark.parametrize("statement", ["match", "mark_touched"])
def test_no_touch_is_compared_with_each_other_one(attribution_stores: AttributionStores, statement: str) -> None:
    prepare(attribution_stores)
    attribution_stores.touches(1, 2)
    with attribution_stores.postgres.connection() as connection:
        learn_labels(connection, attribution_stores.app)
        fill(connection)
        parameters = {"app": attribution_stores.app.name, "default_days": 30}
        explained = f"explain (analyze, timing off, format json) {read_sql(f'attribution/{statement}.sql')}"
        (row,) = connection.execute(explained, parameters).fetchall()
        connection.rollback()
    assert max(dropped(row["QUERY PLAN"][0]["Plan"])) < 20 * TOUCHES


def fill(connection: Connection) -> None:
    """A day of touches that name a campaign and an ad, of browsers that convert and sign in; without statistics."""
    connection.execute("delete from pg_temp.rematched")
    series = f"from generate_series(1, {TOUCHES}) as n cross join lateral (select int4send(n) as id) as known"
    connection.execute(
        "insert into attribution.touches (app, day, org_tag, visitor, browser, session, at, session_begins,"
        " session_ends, named_platform, utm_campaign, campaign_key, utm_content, content_key)"
        " select 'clearlift', %(day)s, 'a3f7c2', id, id, id, at, at, at, 'google', 'brand', %(brand)s, 'blue', %(blue)s"
        f" {series} cross join lateral (select %(day)s::timestamptz + n * interval '1 s' as at) as moment",
        {"day": at(2), "brand": key("brand"), "blue": key("blue")},
    )
    connection.execute(
        "insert into attribution.conversions (app, day, org_tag, event, visitor, browser, at, value)"
        f" select 'clearlift', %(day)s, 'a3f7c2', id, id, id, %(day)s::timestamptz + interval '1 day', 1 {series}",
        {"day": at(2)},
    )
    connection.execute(
        "insert into attribution.sign_ins (app, day, org_tag, visitor, person, first_at, last_at)"
        f" select 'clearlift', %(day)s, 'a3f7c2', id, id, %(day)s, %(day)s {series}",
        {"day": at(2)},
    )
    connection.execute(
        "insert into changed_touches (day, browser, at) select day, browser, at from attribution.touches"
    )
    connection.execute(
        "insert into rematched (day, org_tag, visitor, session, at)"
        " select day, org_tag, visitor, session, at from attribution.touches"
    )


def dropped(node: dict[str, Any]) -> Iterator[float]:
    """How many pairs of rows each join looked at for nothing."""
    yield node.get("Rows Removed by Join Filter", 0) * node["Actual Loops"]
    for inner in node.get("Plans", []):
        yield from dropped(inner)

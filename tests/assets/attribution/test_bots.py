"""Known bots: stored and marked, but no visit and no conversion; how many there were is a figure."""

from datetime import date

import polars as pl
import pytest

from assets.attribution.bots import listed_on, marked
from resources.sql_files import read_sql
from tests.assets.attribution.attribution_stores import AttributionStores
from tests.assets.attribution.strategies import prepare
from tests.assets.attribution.test_credits import SUMS
from tests.assets.rollups.event_lake import at, event

GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36"


@pytest.mark.parametrize(
    ("agent", "bot"),
    [
        (GOOGLEBOT, True),
        ("Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", True),
        ("facebookexternalhit/1.1", True),
        (CHROME, False),
        ("", False),
        (None, False),
    ],
)
def test_a_bot_is_known_by_its_user_agent(agent: str | None, bot: bool) -> None:
    events = pl.DataFrame({"user_agent": [agent], "name": [0]}, schema={"user_agent": pl.String, "name": pl.Int64})
    found = marked(events)
    assert found["bot"].to_list() == [bot]
    assert found["name"].to_list() == [None if bot else 0]


def test_the_list_says_when_it_was_made() -> None:
    assert listed_on() > date(2026, 1, 1)


def test_bots_make_no_visit_and_no_conversion_and_are_counted(attribution_stores: AttributionStores) -> None:
    prepare(attribution_stores)
    attribution_stores.event_lake.append(
        event(timestamp=at(1, 1), session_id="bot", anonymous_id="b", gclid="gA", user_agent=GOOGLEBOT),
        event(timestamp=at(1, 2), session_id="bot", anonymous_id="b", event_type="conversion", event_value=5.0,
            user_agent=GOOGLEBOT),
        event(timestamp=at(1, 3), session_id="person", gclid="gA", user_agent=CHROME),
        event(timestamp=at(1, 4), session_id="buys", event_type="conversion", event_value=7.0, user_agent=CHROME),
    )  # fmt: skip
    counts = attribution_stores.touches(1, 2)
    attribution_stores.credit()
    assert (counts.bots, counts.touches, counts.conversions) == (2, 1, 2)
    (day,) = attribution_stores.postgres.fetch("select bots from attribution.windows")
    assert day["bots"] == 2
    stored = attribution_stores.postgres.fetch("select bot, credit_day, value from attribution.conversions order by at")
    assert [tuple(row.values()) for row in stored] == [(True, None, 5), (False, at(1).date(), 7)]
    (sums,) = attribution_stores.postgres.fetch(
        "select sum(visits) as visits, sum(revenue) filter (where model = 'last') as revenue from attribution.credits"
    )
    assert (sums["visits"], sums["revenue"]) == (1, 7)
    assert attribution_stores.postgres.fetch(read_sql("attribution/differing_sums.sql"), SUMS) == []

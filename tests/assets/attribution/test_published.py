"""Published figures of two attribution packages come out of their inputs, which are written here as our events."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.assets.attribution.attribution_stores import AttributionStores, Campaign
from tests.assets.attribution.strategies import A
from tests.assets.rollups.event_lake import at, event

# Snowplow's attribution package: the customer, the moments of its visits in 2023 with their campaign, and what the last
# of them brought. Its session index is 1 for each, so that the id recurs for weeks. The first visit of the fifth one
# is in its published path without a moment.
SNOWPLOW = """
f000170187170673177: 06-08 18:28:30 1, 06-08 21:18:32 1 = 50
f0009028775170427694: 06-11 16:33:03 1 = 20.42
f0008284662789123943: 07-07 14:05:55 1 = 200
f0006911334202687206: 07-16 05:08:37 2, 07-17 05:08:37 2, 07-19 05:26:51 2 = 66.5
f0006148050225777094: 07-13 05:10:07 2, 07-14 05:10:07 2, 07-25 07:18:46 1, 07-25 08:52:34 1 = 140
f0005094333993051683: 07-27 23:22:15 1, 07-30 12:55:24 1 = 24
"""
# dbt Labs' attribution playbook: a customer, the moments of its sessions in February 2020 with source and campaign, and
# when it bought for how much. A session without a campaign is named by its source here.
PLAYBOOK = """
1170: 03T12:15:00 facebook_ads/10percentpromocode, 03T14:19:28 direct = 03T14:20:08 15
2014: 04T04:29:51 direct = 04T04:30:21 15
2265: 04T09:42:55 facebook_ads/freeshipping = 04T09:43:35 10
1106: 04T09:30:50 direct, 04T12:12:05 direct = 04T09:55:00 10
745: 03T12:29:32 facebook_ads/10percentpromocode, 03T18:50:24 adwords/branded_search, 04T04:50:24 direct,
 04T10:05:21 direct, 04T11:06:16 direct, 06T16:14:42 adwords/branded_search = 04T10:05:31 15
1151: 04T05:50:08 direct, 04T08:15:35 google, 07T05:42:57 direct = 04T10:13:46 10
1393: 04T12:00:47 direct = 04T12:01:07 10
3798: 04T11:27:20 facebook_ads/freeshipping = 04T12:19:48 15
3695: 04T10:21:47 direct = 04T12:28:35 15
217: 04T20:39:53 google = 04T21:05:41 15
2902: 04T21:55:56 facebook_ads/10percentpromocode, 04T21:56:22 adwords/branded_search = 05T01:08:10 15
1308: 05T09:27:10 google = 05T10:53:50 15
3442: 04T02:02:21 direct, 06T03:55:23 direct, 07T03:39:27 newsletter, 09T19:12:29 bing = 06T05:48:45 10
3680: 06T10:44:20 direct, 07T02:50:20 direct = 07T02:59:40 10
2916: 06T14:00:52 facebook_ads/10percentpromocode = 07T14:09:39 10
3691: 06T17:49:40 direct, 06T20:28:25 adwords/branded_search, 07T23:02:39 facebook_ads/freeshipping = 07T23:02:49 15
2956: 01T12:55:16 facebook_ads/10percentpromocode, 10T00:51:56 facebook_ads/freeshipping, 10T01:53:55 bing,
 10T23:03:25 newsletter = 10T01:54:54 15
1441: 10T15:16:08 direct = 10T15:16:28 15
2113: 03T13:04:26 adwords/branded_search, 03T16:16:46 facebook_ads/freeshipping, 04T04:59:37 direct, 04T11:13:30 google,
 05T09:06:09 adwords/branded_search, 07T09:38:30 google, 11T16:40:46 bing, 12T17:14:49 direct = 11T19:14:05 10
1089: 12T04:49:48 direct = 13T01:55:18 15
3344: 13T14:07:05 direct = 13T18:30:13 15
"""


@pytest.fixture
def stores(attribution_stores: AttributionStores) -> AttributionStores:
    attribution_stores.clear()
    attribution_stores.event_lake.now = at(90)
    return attribution_stores


def credited(stores: AttributionStores, what: str) -> dict[str, tuple[Decimal, ...]]:
    """First, last and linear by the name of the campaign, to the cent."""
    rows = stores.postgres.fetch(
        f"select c.name, model, sum({what}) as credit from attribution.credits"
        " join ads.campaigns c on c.id = campaign_id group by c.name, model"
    )
    found = {(row["name"], row["model"]): round(row["credit"], 2) for row in rows}
    return {
        name: tuple(found.get((name, model), Decimal(0)) for model in ("first", "last", "linear"))
        for name in {name for name, _ in found}
    }


def make(stores: AttributionStores, events: Iterable[dict[str, Any]]) -> None:
    """Append the events and make the days that have some."""
    landed = list(events)
    stores.event_lake.append(*landed)
    for day in sorted({(e["timestamp"] - at(1)).days + 1 for e in landed}):
        stores.touches(day, day + 1)
    stores.credit()
    assert stores.postgres.fetch("select sum(visits) as n from attribution.credits where reason <> ''") == [{"n": None}]


def numbers(*texts: str) -> tuple[Decimal, ...]:
    return tuple(map(Decimal, texts))


def test_snowplows_figures_of_30_days_come_out(stores: AttributionStores) -> None:
    stores.campaign(*(Campaign(f"org-{A}", "google", n, f"Campaign {n}") for n in "12"))

    def events() -> Iterable[dict[str, Any]]:
        for line in SNOWPLOW.strip().splitlines():
            customer, journey = line.split(": ")
            visits, revenue = journey.split(" = ")
            for visit in visits.split(", "):
                day, time, campaign = visit.split()
                moment = datetime.fromisoformat(f"2023-{day}T{time}").replace(tzinfo=UTC)
                moment += at(1) - datetime(2023, 6, 8, tzinfo=UTC)
                who = {"anonymous_id": customer, "session_id": "1", "utm_campaign": f"Campaign {campaign}"}
                yield event(timestamp=moment, **who)
            yield event(timestamp=moment, event_type="conversion", event_value=float(revenue), **who)

    make(stores, events())
    assert credited(stores, "revenue") == {
        "Campaign 1": numbers("294.42", "434.42", "364.42"),
        "Campaign 2": numbers("206.50", "66.50", "136.50"),
    }


def test_the_playbooks_figures_come_out(stores: AttributionStores) -> None:
    names = {
        "facebook": ("10percentpromocode", "freeshipping"),
        "google": ("branded_search", "google", "direct"),
        "microsoft": ("bing", "newsletter"),
    }
    stores.campaign(*(Campaign(f"org-{A}", of, name, name) for of, own in names.items() for name in own))

    def events() -> Iterable[dict[str, Any]]:
        for line in PLAYBOOK.replace(",\n", ",").strip().splitlines():
            customer, journey = line.split(": ")
            visits, bought = journey.split(" = ")
            for number, visit in enumerate(visits.split(", ")):
                moment, named = visit.split()
                source, _, campaign = named.partition("/")
                who = {"anonymous_id": customer, "session_id": f"{customer}-{number}", "utm_source": source}
                yield event(timestamp=march(moment), utm_campaign=campaign or source, **who)
            moment, revenue = bought.split()
            yield event(
                timestamp=march(moment), anonymous_id=customer, event_type="conversion", event_value=float(revenue)
            )

    make(stores, events())
    assert credited(stores, "conversions") == {
        "10percentpromocode": numbers("5", "1", "2.58"),
        "bing": numbers("0", "2", "0.48"),
        "branded_search": numbers("1", "1", "1.37"),
        "direct": numbers("11", "11", "10.98"),
        "freeshipping": numbers("2", "3", "2.81"),
        "google": numbers("2", "3", "2.79"),
        "newsletter": numbers("0", "0", "0"),
    }
    assert credited(stores, "revenue") == {
        "10percentpromocode": numbers("70", "10", "33.75"),
        "bing": numbers("0", "25", "6.43"),
        "branded_search": numbers("10", "15", "19.11"),
        "direct": numbers("140", "145", "141.43"),
        "freeshipping": numbers("25", "40", "36.43"),
        "google": numbers("30", "40", "37.86"),
        "newsletter": numbers("0", "0", "0"),
    }


def march(moment: str) -> datetime:
    return datetime.fromisoformat(f"2026-03-{moment}").replace(tzinfo=UTC)

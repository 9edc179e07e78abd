"""Where visits come from: a source belongs to a session's landing, and the site itself is none."""

from typing import Any

import pytest

from assets.rollups.definition import Grain
from tests.assets.rollups.event_lake import EventLake, at, event

SHOP = {"page_hostname": "www.shop.example"}


def sources(event_lake: EventLake, *events: dict[str, Any]) -> dict[tuple[str, str], tuple[int, int, int, float]]:
    """Events, visitors, sessions and value of the 2nd, by source and medium."""
    event_lake.append(*events)
    event_lake.roll_up(Grain.DAILY, at(2), at(3))
    return {
        (row["source"], row["utm_medium"]): (row["events"], row["visitors"], row["sessions"], float(row["value"]))
        for row in event_lake.postgres.fetch("select * from rollups.daily_sources")
    }


def test_a_sale_belongs_to_the_landing_and_not_to_the_site_or_the_payment_provider(event_lake: EventLake) -> None:
    found = sources(
        event_lake,
        event(timestamp=at(2, 9), referrer_domain="www.google.com", **SHOP),
        *(event(timestamp=at(2, 9, n), referrer_domain="shop.example", **SHOP) for n in (1, 2, 3)),
        event(timestamp=at(2, 9, 5), referrer_domain="checkout.pay.example", event_value=40.0, **SHOP),
    )
    assert found == {("google", ""): (5, 1, 1, 40)}


@pytest.mark.parametrize(
    ("fields", "source"),
    [
        ({"referrer_domain": "shop.example"}, "direct"),  # the site, without www
        ({"referrer_domain": "WWW.Shop.Example"}, "direct"),
        ({}, "direct"),
        ({"utm_source": "Direct"}, "direct"),
        ({"referrer_domain": "www.google.de"}, "google"),
        ({"referrer_domain": "google.co.uk"}, "google"),
        ({"referrer_domain": "GOOGLE.com.br"}, "google"),
        ({"utm_source": " Google "}, "google"),
        ({"referrer_domain": "google.shop.example"}, "google.shop.example"),
        ({"referrer_domain": "mail.google.com"}, "mail.google.com"),
        ({"referrer_domain": "m.facebook.com"}, "facebook.com"),
        ({"referrer_domain": "l.facebook.com"}, "facebook.com"),
        ({"utm_source": "news", "referrer_domain": "www.google.com"}, "news"),
    ],
)
def test_names_of_one_source_are_joined(event_lake: EventLake, fields: dict[str, Any], source: str) -> None:
    assert [name for name, _ in sources(event_lake, event(timestamp=at(2, 9), **SHOP, **fields))] == [source]


def test_another_site_of_the_organisation_is_no_source(event_lake: EventLake) -> None:
    found = sources(
        event_lake,
        event(timestamp=at(2, 8), session_id="blog", page_hostname="blog.example"),
        event(timestamp=at(2, 9), session_id="shop", referrer_domain="blog.example", **SHOP),
        event(timestamp=at(2, 9), session_id="s", org_tag="b8e9d1", referrer_domain="blog.example", **SHOP),
    )
    assert found == {("direct", ""): (2, 1, 2, 0), ("blog.example", ""): (1, 1, 1, 0)}


def test_of_events_at_one_moment_the_page_view_is_the_landing(event_lake: EventLake) -> None:
    found = sources(
        event_lake,
        event(timestamp=at(2, 9), event_id="a", event_type="click"),
        event(timestamp=at(2, 9), event_id="b", referrer_domain="news.example", utm_medium="Social"),
    )
    assert found == {("news.example", "social"): (2, 1, 1, 0)}

"""Orders, refunds and currencies: an order counts once, a refund on the day of its order, an amount in its currency."""

import json
from collections import defaultdict
from decimal import Decimal
from typing import Any

import pytest

from resources.sql_files import read_sql
from tests.assets.attribution.attribution_stores import AttributionStores
from tests.assets.attribution.strategies import CAMPAIGNS, A, prepare
from tests.assets.attribution.test_credits import SUMS
from tests.assets.rollups.event_lake import at, event

CAMPAIGN = "google:g1:12"


@pytest.fixture
def shop(attribution_stores: AttributionStores) -> AttributionStores:
    """A visitor who came by a campaign on the 1st; events of the type `refund` refund."""
    prepare(attribution_stores)
    attribution_stores.event_lake.append(event(timestamp=at(1, 1), session_id="came", gclid="gA"))
    return attribution_stores


def sold(day: int, value: float | None, order: str | None = None, **fields: Any) -> dict[str, Any]:
    """A conversion of the visitor, at noon."""
    data = {"order_id": order, "currency": fields.pop("currency", None)}
    return event(
        timestamp=at(day, 12, fields.pop("minute", 0)),
        session_id=f"s{day}",
        event_type=fields.pop("event_type", "conversion"),
        event_value=value,
        event_data=json.dumps({name: text for name, text in data.items() if text is not None}),
        **fields,
    )


def by_day(shop: AttributionStores) -> dict[int, tuple[Any, Any]]:
    """Conversions and revenue of the campaign under last touch by day of March; sums reconcile."""
    assert shop.postgres.fetch(read_sql("attribution/differing_sums.sql"), SUMS) == []
    rows = shop.postgres.fetch(
        "select extract(day from day)::integer as day, sum(conversions) as n, sum(revenue) as revenue"
        " from attribution.credits where model = 'last' and campaign_id = %s group by day",
        [CAMPAIGN],
    )
    return {row["day"]: (row["n"], row["revenue"]) for row in rows}


@pytest.mark.parametrize(
    "refund",
    [
        {"value": -30.0},
        {"value": 30.0, "event_type": "refund"},
        {"value": -30.0, "event_type": "refund", "anonymous_id": "shop's own server", "consent_marketing": False},
    ],
)
def test_a_refund_reduces_its_order_on_the_orders_day_and_is_no_conversion(
    shop: AttributionStores, refund: dict[str, Any]
) -> None:
    shop.event_lake.append(sold(2, 100.0, "o1"), sold(4, order="o1", **refund))
    shop.make(1, 7)
    assert by_day(shop) == {2: (1, 70)}


def test_a_refund_without_a_known_order_counts_on_its_own_day(shop: AttributionStores) -> None:
    shop.event_lake.append(sold(2, 100.0), sold(4, -30.0), sold(5, -5.0, "never sold"))
    shop.make(1, 7)
    assert by_day(shop) == {2: (1, 100), 4: (0, -30), 5: (0, -5)}


def test_one_order_under_two_event_ids_is_one(shop: AttributionStores) -> None:
    shop.event_lake.append(
        sold(2, 100.0, "o1"), sold(2, 100.0, "o1", minute=1), sold(3, 100.0, "o1"), sold(3, 40.0, "o2"), sold(3, 40.0)
    )
    shop.make(1, 7)
    assert by_day(shop) == {2: (1, 100), 3: (2, 80)}


@pytest.mark.parametrize("data", ['{"transaction_id": 7}', '{"unknown_fields": {"order_id": " 7 "}}'])
def test_an_order_is_named_in_other_ways_too(shop: AttributionStores, data: str) -> None:
    shop.event_lake.append(sold(2, 100.0, "7"), {**sold(3, 100.0), "event_data": data})
    shop.make(1, 7)
    assert by_day(shop) == {2: (1, 100)}


@pytest.mark.parametrize("order", ["", " ", "undefined", "null", "(not set)", "{order_id}"])
def test_a_placeholder_is_no_order(shop: AttributionStores, order: str) -> None:
    shop.event_lake.append(sold(2, 100.0, order), sold(3, 100.0, order))
    shop.make(1, 7)
    assert by_day(shop) == {2: (1, 100), 3: (1, 100)}


def test_what_comes_late_of_an_order_changes_its_days_alone(shop: AttributionStores) -> None:
    shop.event_lake.append(sold(3, 100.0, "o1"), sold(5, -30.0, "o1"), sold(6, 1.0))
    shop.make(1, 7)
    assert by_day(shop) == {3: (1, 70), 6: (1, 1)}
    shop.stale()
    shop.catch_up()
    # An earlier event of the order: now it is the conversion, and the refund moves to it.
    shop.event_lake.append(sold(2, 100.0, "o1"))
    assert [(w.start, w.end) for w in shop.stale()] == [(at(2), at(3))]
    assert shop.catch_up().changed == [at(2).date(), at(3).date()]
    assert by_day(shop) == {2: (1, 70), 6: (1, 1)}
    shop.event_lake.append(sold(4, -20.0, "o1"))
    shop.stale()
    assert shop.catch_up().changed == [at(2).date()]
    assert by_day(shop) == {2: (1, 50), 6: (1, 1)}


def test_a_refund_of_an_archived_day_counts_on_its_own(shop: AttributionStores) -> None:
    shop.event_lake.append(sold(2, 100.0, "o1"))
    shop.make(1, 7)
    shop.postgres.execute("update attribution.windows set pruned = true where day = '2026-03-02'")
    shop.event_lake.append(sold(5, -30.0, "o1"))
    shop.make(3, 7)
    assert by_day(shop) == {2: (1, 100), 5: (0, -30)}


def test_amounts_are_credited_in_the_currency_that_the_event_names(shop: AttributionStores) -> None:
    shop.event_lake.append(
        sold(2, 100.0, currency="usd"), sold(2, 50.0, minute=1), sold(2, 9.0, minute=2, currency="no currency")
    )
    shop.make(1, 7)
    found: dict[str, set[tuple[Any, Any]]] = defaultdict(set)
    for row in shop.postgres.fetch(
        "select model, currency, sum(conversions) as n, sum(revenue) as revenue from attribution.credits"
        " where model <> '' group by model, currency"
    ):
        found[row["currency"]].add((row["n"], row["revenue"]))
    assert found == {"USD": {(1, 100)}, "": {(2, 59)}}
    assert shop.postgres.fetch(read_sql("attribution/differing_sums.sql"), SUMS) == []


def test_the_view_has_the_accounts_currency_and_a_row_apart_where_no_rate_is_known(shop: AttributionStores) -> None:
    shop.event_lake.append(sold(2, 100.0, currency="USD"), sold(2, 50.0, minute=1))
    shop.make(1, 7)

    def rows() -> list[tuple[Any, ...]]:
        found = shop.postgres.fetch(
            "select currency, rate_missing, conversions, revenue, cpa, roas, reporting_currency, reporting_rate"
            " from attribution.daily where model = 'last' and campaign_id = %s and conversions + revenue > 0"
            " order by currency",
            [CAMPAIGN],
        )
        return [tuple(row.values()) for row in found]

    # The account's currency is NZD. Accounts of other currencies leave the organisation without one.
    (day,) = {row["day"] for row in shop.postgres.fetch("select day from attribution.daily where conversions > 0")}
    shop.spend(next(one for one in CAMPAIGNS if one.id == CAMPAIGN), day, "20")
    assert rows() == [("NZD", True, 2, 50, 10, None, None, None), ("USD", True, 0, 100, None, None, None, None)]
    shop.settle(f"org-{A}", currency="EUR", refund_types=["refund"])
    shop.touches(6, 7)
    for currency, rate in (("EUR", "1"), ("USD", "1.25"), ("NZD", "2")):
        shop.postgres.execute(
            "insert into attribution.exchange_rates (app, currency, day, rate) values ('clearlift', %s, %s, %s)",
            [currency, at(1).date(), rate],
        )
    # 100 USD are 160 NZD; 50 are of the organisation's currency now, which are 100 NZD.
    assert rows() == [("NZD", False, 2, 260, 10, 13, "EUR", Decimal("0.5"))]
    assert shop.credit().changed == [], "rates change no credit"

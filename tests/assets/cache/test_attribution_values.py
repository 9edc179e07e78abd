"""The value of attribution: what was spent in vain is in it, today is in it once it is credited, and sums add up."""

import json
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.assets.cache.warmed_cache import WarmedCache

TODAY = date(2026, 3, 20)
MODELS = ("first", "last", "linear", "position", "decay")


class Credited:
    """Campaigns of organisation `o` with tag `t`, their spend and their credits under every model.

    Its first event was on 1 January.
    """

    def __init__(self, warmed_cache: WarmedCache) -> None:
        self.warmed_cache, self.postgres = warmed_cache, warmed_cache.event_lake.postgres
        warmed_cache.tags("t")
        self.postgres.execute(
            "insert into attribution.organizations (app, org_tag, org_id, conversion_types, window_days)"
            " values ('clearlift', 't', 'o', '{purchase}', 30)"
        )
        self.event(date(2026, 1, 1))

    def event(self, day: date) -> None:
        self.postgres.execute(
            "insert into rollups.daily_totals values ('t', %s, 1, 1, 1, 0, '', '', 'clearlift')", [day]
        )

    def credited(self, *days: date) -> None:
        self.postgres.execute(
            "insert into attribution.windows (app, day, version, sequence, types_change, touches, conversions,"
            " built_at, credited) select 'clearlift', unnest(%s::date[]), 1, 1, 0, 0, 0, now(), 0",
            [list(days)],
        )

    def campaign(self, name: str, account: str = "1", currency: str = "EUR") -> None:
        self.postgres.execute(
            "insert into ads.ad_accounts (app, org_id, id, platform, account_id, connection_id, currency, time_zone,"
            " updated_at, raw_data) values ('clearlift', 'o', %(a)s, 'google', %(a)s, 'c', %(c)s, 'UTC', now(), '{}')"
            " on conflict do nothing",
            {"a": account, "c": currency},
        )
        self.postgres.execute(
            "insert into ads.campaigns (app, org_id, id, platform, account_id, native_id, name, currency, updated_at)"
            " values ('clearlift', 'o', %(n)s, 'google', %(a)s, %(n)s, %(n)s, %(c)s, now())",
            {"n": name, "a": account, "c": currency},
        )

    def spend(self, name: str, amount: float, day: date = TODAY, account: str = "1", currency: str = "EUR") -> None:
        self.postgres.execute(
            "insert into ads.campaign_metrics_daily (app, org_id, campaign_id, date, platform, account_id, impressions,"
            " clicks, spend, conversions, conversions_value, currency, time_zone, attribution_window, is_final,"
            " sync_run_id) values ('clearlift', 'o', %s, %s, 'google', %s, 1, 1, %s, 0, 0, %s, 'UTC', 'default', true,"
            " gen_random_uuid())",
            [name, day, account, amount, currency],
        )

    def sale(self, name: str, revenue: float, day: date = TODAY, account: str = "1", currency: str = "") -> None:
        """A conversion; a campaign without a name is the reason no_touch."""
        self.postgres.execute(
            "insert into attribution.credits (app, day, org_tag, account_day, platform, account_id, campaign_id,"
            " reason, visits, model, currency, conversions, revenue)"
            " select 'clearlift', %(d)s, 't', %(d)s, case when %(n)s = '' then '' else 'google' end,"
            " case when %(n)s = '' then '' else %(a)s end, %(n)s, case when %(n)s = '' then 'no_touch' else '' end, 0,"
            " model, %(c)s, 1, %(r)s from attribution.models",
            {"d": day, "n": name, "a": account, "c": currency, "r": revenue},
        )

    def touch(self, utm_campaign: str, reason: str, number: int = 0) -> None:
        self.postgres.execute(
            "insert into attribution.touches (app, day, org_tag, visitor, browser, session, at, session_begins,"
            " session_ends, named_platform, utm_campaign, reason) select 'clearlift', day, 't', %(n)s, %(n)s, %(n)s,"
            " day, day, day, '', %(t)s, %(r)s from (select %(d)s::date as day) as at",
            {"n": bytes([number]), "t": utm_campaign, "r": reason, "d": TODAY},
        )

    def value(self, days: str = "7d") -> dict[str, Any]:
        self.warmed_cache.warm_all("attribution")
        found: dict[str, Any] = json.loads(self.warmed_cache.held()[f"dashboard:t:attribution:{days}"])
        return found


@pytest.fixture
def shop(warmed_cache: WarmedCache) -> Credited:
    return Credited(warmed_cache)


def of(rows: list[dict[str, Any]], model: str = "last") -> list[dict[str, Any]]:
    return [row for row in rows if row["model"] == model]


def test_spend_in_vain_is_listed_and_nothing_is_hidden(shop: Credited) -> None:
    shop.credited(TODAY)
    for n in range(60):
        shop.campaign(f"c{n:02}")
        shop.sale(f"c{n:02}", 100 - n)
        shop.spend(f"c{n:02}", 1)
    shop.campaign("in vain")
    shop.spend("in vain", 10_000)
    shop.sale("", 7)
    value = shop.value()
    for model in MODELS:
        items = of(value["items"], model)
        by_spend = sorted(items, key=lambda item: item["by_spend"])
        assert (by_spend[0]["campaign"], by_spend[0]["spend"], by_spend[0]["cpa"]) == ("in vain", 10_000, None)
        # The first 50 by revenue, and with the one in vain 49 others that cost as much and brought the most.
        assert [item["campaign"] for item in items if item["by_revenue"] <= 50] == [f"c{n:02}" for n in range(50)]
        (total,), (rest,) = of(value["totals"], model), of(value["rest"], model)
        (reason,) = of(value["reasons"], model)
        assert (reason["reason"], reason["revenue"], reason["conversions"]) == ("no_touch", 7, 1)
        parts = {name: sum(item[name] for item in (*items, rest, reason)) for name in ("conversions", "revenue")}
        spent = sum(item["spend"] for item in (*items, rest))
        assert (rest["campaigns"], rest["revenue"]) == (10, sum(100 - n for n in range(50, 60)))
        assert total["currency"] == reason["currency"] == "EUR", "of all of the organisation's accounts"
        assert total["spend"] == spent == 10_060
        assert total["conversions"] == parts["conversions"] == 61
        assert total["revenue"] == parts["revenue"] == sum(100 - n for n in range(60)) + 7


def test_the_range_ends_with_the_last_day_that_is_credited(shop: Credited) -> None:
    shop.campaign("c")
    for day in (TODAY - timedelta(days=1), TODAY):
        shop.spend("c", 50, day)
    shop.credited(*(TODAY - timedelta(days=n) for n in range(1, 8)))
    shop.sale("c", 100, TODAY - timedelta(days=1))
    yesterday = shop.value()
    assert (yesterday["from"], yesterday["to"]) == ("2026-03-13", "2026-03-19")
    assert [(item["roas"], item["cpa"]) for item in of(yesterday["items"])] == [(2, 50)]
    shop.credited(TODAY)
    shop.sale("c", 100)
    today = shop.value()
    assert (today["from"], today["to"]) == ("2026-03-14", "2026-03-20")
    assert [(item["spend"], item["roas"], item["cpa"]) for item in of(today["items"])] == [(100, 2, 50)]


def test_before_anything_is_credited_nothing_is_said(shop: Credited) -> None:
    shop.campaign("c")
    shop.spend("c", 50)
    value = shop.value()
    assert (value["from"], value["to"], value["items"], value["previous"]) == (None, None, [], None)


def test_spend_of_before_the_first_event_is_not_divided_by_what_came_after(shop: Credited) -> None:
    shop.credited(*(TODAY - timedelta(days=n) for n in range(60)))
    shop.campaign("c")
    for n in range(60):
        shop.spend("c", 100, TODAY - timedelta(days=n))
    shop.postgres.execute("delete from rollups.daily_totals")
    value = shop.value("30d")
    assert (value["from"], value["to"], value["items"]) == (None, None, []), "no event, so nobody counted"
    assert {(total["spend"], total["roas"]) for total in value["totals"]} == {(0, None)}
    shop.event(TODAY - timedelta(days=1))
    shop.sale("c", 400)
    value = shop.value("30d")
    (item,) = of(value["items"])
    assert (value["from"], value["to"], value["previous"]) == ("2026-03-19", "2026-03-20", None)
    assert (item["spend"], item["cpa"], item["roas"]) == (200, 200, 2)
    assert shop.value("1d")["previous"]["totals"][0]["spend"] == 100


def test_nothing_counts_before_the_first_day_that_is_credited(shop: Credited) -> None:
    shop.credited(TODAY)
    shop.campaign("c")
    for n in range(2):
        shop.spend("c", 100, TODAY - timedelta(days=n))
    shop.sale("c", 400)
    value = shop.value()
    assert (value["from"], [item["cpa"] for item in of(value["items"])]) == ("2026-03-20", [100])


def test_where_nothing_was_paid_a_conversion_has_no_price(shop: Credited) -> None:
    shop.credited(TODAY)
    shop.campaign("c")
    shop.sale("c", 100)
    (item,) = of(shop.value()["items"])
    assert (item["conversions"], item["cpa"], item["roas"]) == (1, None, None)


def test_the_period_before_stands_beside(shop: Credited) -> None:
    shop.credited(*(TODAY - timedelta(days=n) for n in range(14)))
    shop.campaign("c")
    for days_ago, amount in ((0, 30), (7, 10), (14, 1000)):
        shop.spend("c", amount, TODAY - timedelta(days=days_ago))
        shop.sale("c", 2 * amount, TODAY - timedelta(days=days_ago))
    value = shop.value()
    (item,), (before,) = of(value["items"]), of(value["previous"]["totals"])
    assert (value["previous"]["from"], value["previous"]["to"]) == ("2026-03-07", "2026-03-13")
    was = {"visits": 0, "conversions": 1, "revenue": 20, "spend": 10, "rate_missing": False}
    assert (item["spend"], item["previous"]) == (30, was)
    assert (before["spend"], before["revenue"]) == (10, 20)
    assert shop.value("30d")["previous"] is None, "nothing was credited on its first day"


def rates(shop: Credited, **rates: str) -> None:
    for currency, rate in rates.items():
        shop.postgres.execute(
            "insert into attribution.exchange_rates (app, currency, day, rate) values ('clearlift', %s, %s, %s)"
            " on conflict (app, currency, day) do update set rate = excluded.rate",
            [currency, TODAY - timedelta(days=3), Decimal(rate)],
        )


def test_an_order_is_converted_to_the_accounts_currency_and_stays_apart_without_a_rate(shop: Credited) -> None:
    shop.credited(TODAY)
    shop.campaign("c")
    shop.spend("c", 10)
    shop.sale("c", 100, currency="USD")
    shop.sale("c", 30, currency="EUR")
    assert ratios(shop.value()["items"]) == [("EUR", True, 2, 30, 5, None), ("USD", True, 0, 100, None, None)]
    rates(shop, EUR="1", USD="1.25")
    assert ratios(shop.value()["items"]) == [("EUR", False, 2, 110, 5, 11)]


def ratios(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    names = ("currency", "rate_missing", "conversions", "revenue", "cpa", "roas")
    return [tuple(row[name] for name in names) for row in of(rows)]


def test_no_sum_has_a_return_that_lacks_revenue_or_has_that_of_another_spend(shop: Credited) -> None:
    shop.credited(*(TODAY - timedelta(days=n) for n in range(14)))
    for name, account, currency in (("e", "1", "EUR"), ("u", "2", "USD")):
        shop.campaign(name, account, currency)
        shop.spend(name, 10, account=account, currency=currency)
    shop.sale("e", 100, currency="USD")
    shop.sale("u", 50, account="2", currency="USD")
    shop.sale("u", 7, TODAY - timedelta(days=7), account="2", currency="JPY")
    value = shop.value()
    # The 100 USD stand beside the spend of `u`, and are no return on it.
    assert ratios(value["totals"]) == [("EUR", True, 1, 0, 10, None), ("JPY", False, 0, 0, None, None),
                                       ("USD", True, 1, 150, 10, None)]  # fmt: skip
    assert [(i["campaign"], i["currency"], i["roas"]) for i in of(value["items"])] == [
        ("e", "EUR", None), ("e", "USD", None), ("u", "USD", 5),
    ]  # fmt: skip
    assert [(total["currency"], total["rate_missing"]) for total in of(value["previous"]["totals"])] == [
        ("EUR", False), ("JPY", True), ("USD", True),
    ]  # fmt: skip
    assert {rest["rate_missing"] for rest in value["rest"]} == {False}


def test_currencies_are_ranked_apart_and_reported_in_one(shop: Credited) -> None:
    shop.credited(TODAY)
    for name, account, currency in (("e", "1", "EUR"), ("y", "2", "JPY")):
        shop.campaign(name, account, currency)
    shop.postgres.execute("update attribution.organizations set currency = 'EUR'")
    shop.spend("e", 10)
    shop.spend("y", 1600, account="2", currency="JPY")
    shop.sale("e", 50, currency="EUR")
    shop.sale("y", 4800, account="2", currency="JPY")
    value = shop.value()
    assert [(i["campaign"], i["by_revenue"], i["by_spend"]) for i in of(value["items"])] == [("e", 1, 1), ("y", 1, 1)]
    assert [(t["currency"], t["spend"]) for t in of(value["totals"])] == [("EUR", 10), ("JPY", 1600)]
    assert value["reporting"]["currency"] == "EUR"
    assert of(value["reporting"]["totals"]) == [
        {"model": "last", "revenue": 50, "spend": 10, "cpa": None, "roas": None, "complete": False}
    ], "what JPY brought and cost is not in it"
    rates(shop, EUR="1", JPY="160")
    assert of(shop.value()["reporting"]["totals"]) == [
        {"model": "last", "revenue": 80, "spend": 20, "cpa": 10, "roas": 4, "complete": True}
    ]
    shop.sale("e", 5, currency="CHF")
    assert of(shop.value()["reporting"]["totals"]) == [
        {"model": "last", "revenue": 80, "spend": 20, "cpa": pytest.approx(20 / 3), "roas": None, "complete": False}
    ], "all of the spend is known"


def test_a_campaign_that_matched_nothing_is_listed_with_what_it_resembles(shop: Credited) -> None:
    for name in ("Spring Sale 2026", "Summer Sale", "Brand"):
        shop.campaign(name)
    for n, (text, reason) in enumerate(
        [*[("spring_sale_2026", "unknown_campaign")] * 2, ("Brand", "ambiguous_campaign"),
         ("newsletter", "unknown_campaign"), ("found", "")]
    ):  # fmt: skip
        shop.touch(text, reason, n)
    shop.warmed_cache.warm_all("unmatched_campaigns")
    value = json.loads(shop.warmed_cache.held()["dashboard:t:unmatched_campaigns:1d"])
    assert [(item["utm_campaign"], item["touches"], item["last_day"]) for item in value["items"]] == [
        ("spring_sale_2026", 2, "2026-03-20"), ("Brand", 1, "2026-03-20"), ("newsletter", 1, "2026-03-20"),
    ]  # fmt: skip
    assert [[near["campaign"] for near in item["resembles"]] for item in value["items"]] == [
        ["Spring Sale 2026"], ["Brand"], [],
    ]  # fmt: skip

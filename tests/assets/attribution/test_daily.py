"""The view that dashboards read: spend beside credits, currencies and days of accounts, tenants."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from resources.postgres import Postgres
from tests.assets.attribution.attribution_stores import AttributionStores
from tests.assets.attribution.strategies import CAMPAIGNS, A, B, prepare
from tests.assets.rollups.event_lake import at, event

CLAIMS = "select set_config('request.jwt.claims', %s, true)"
BRAND, SPRING, ONLY = CAMPAIGNS[1], CAMPAIGNS[2], CAMPAIGNS[6]


def rows(attribution_stores: AttributionStores, where: str = "true") -> list[dict[str, Any]]:
    return list(
        attribution_stores.postgres.fetch(
            f"select * from attribution.daily where {where} order by org_tag, campaign_id, day, model"
        )
    )


def landed(attribution_stores: AttributionStores) -> None:
    """Organisation A: a conversion of each of two campaigns, and one that nobody brought. Tokyo and Nuku'alofa."""
    prepare(attribution_stores)
    attribution_stores.event_lake.append(
        event(timestamp=at(1, 12), session_id="a", gclid="gA"),
        event(timestamp=at(1, 13), session_id="b", event_type="conversion", event_value=40.0),
        event(timestamp=at(1, 16), session_id="c", anonymous_id="w", fbclid="f", utm_campaign="spring"),
        event(timestamp=at(1, 17), session_id="c", anonymous_id="w", event_type="conversion", event_value=3000.0),
        event(timestamp=at(1, 23), session_id="d", anonymous_id="x", event_type="conversion", event_value=5.0),
        event(timestamp=at(1, 23), session_id="e", org_tag=B, event_type="purchase", event_value=5.0),
    )
    attribution_stores.make(1, 3)


def test_spend_meets_credits_on_the_accounts_day_and_in_its_currency(attribution_stores: AttributionStores) -> None:
    landed(attribution_stores)
    attribution_stores.spend(BRAND, at(2).date(), "12.5")
    attribution_stores.spend(SPRING, at(2).date(), "1500")
    attribution_stores.spend(ONLY, at(1).date(), "3")
    found = [
        (r["campaign_name"], r["reason"], r["day"].day, r["currency"], r["visits"], r["conversions"], r["revenue"],
         r["spend"], r["cpa"], r["roas"])
        for r in rows(attribution_stores, f"org_tag = '{A}' and model = 'linear'")
    ]  # fmt: skip
    assert found == [
        (None, "no_touch", 1, None, 0, 1, 5, 0, None, None),
        ("spring", "", 2, "JPY", 1, 1, 3000, 1500, 1500, 2),
        ("brand", "", 2, "NZD", 1, 1, 40, Decimal("12.5"), Decimal("12.5"), Decimal("3.2")),
        ("only here", "", 1, "USD", 0, 0, 0, 3, None, 0),
    ]
    assert {r["model"] for r in rows(attribution_stores)} == {"first", "last", "linear", "position", "decay"}


def test_every_tag_of_an_organisation_shows_the_whole_of_it_once(attribution_stores: AttributionStores) -> None:
    landed(attribution_stores)
    attribution_stores.spend(BRAND, at(2).date(), "12.5")
    alone = [{**r, "org_tag": ""} for r in rows(attribution_stores, f"org_tag = '{A}'")]
    attribution_stores.d1.execute(
        "insert into org_tag_mappings (id, organization_id, short_tag) values ('t', ?, 'second')", [f"org-{A}"]
    )
    attribution_stores.event_lake.append(
        event(timestamp=at(1, 3), org_tag="second", session_id="a", gclid="gA"),
        event(timestamp=at(1, 4), org_tag="second", session_id="a", event_type="conversion", event_value=2.0),
    )
    attribution_stores.make(1, 3)
    first, second = (
        [{**r, "org_tag": ""} for r in rows(attribution_stores, f"org_tag = '{tag}'")] for tag in (A, "second")
    )
    assert first == second
    changed = [r for r in first if r not in alone]
    # Two in the afternoon of the 1st in Nuku'alofa was 5 in the afternoon there: another account day than the spend's.
    assert {(r["campaign_id"], r["day"].day, r["conversions"], r["spend"]) for r in changed} == {(BRAND.id, 1, 1, 0)}
    attribution_stores.d1.execute("delete from org_tag_mappings where id = 't'")
    attribution_stores.touches(2, 3)
    assert rows(attribution_stores, "org_tag = 'second'") == []


def by_ad(attribution_stores: AttributionStores, model: str = "last") -> dict[str, tuple[Any, ...]]:
    """Visits, conversions and spend of organisation A's ads, and of what has none by its campaign."""
    found = attribution_stores.postgres.fetch(
        "select * from attribution.daily_ads where org_tag = %s and model = %s", (A, model)
    )
    return {
        row["ad_name"] or row["campaign_id"]: (row["visits"], row["conversions"], row["spend"], row["cpa"])
        for row in found
    }


def test_ads_have_their_own_credits_and_spend_and_the_rest_of_a_campaign_has_no_ad(
    attribution_stores: AttributionStores,
) -> None:
    prepare(attribution_stores)
    tagged: dict[str, Any] = {"fbclid": "f", "utm_campaign": "spring"}
    attribution_stores.event_lake.append(
        event(timestamp=at(1, 12), session_id="a", gclid="gA", utm_content="7"),
        event(timestamp=at(1, 13), session_id="b", event_type="conversion", event_value=40.0),
        *(
            event(timestamp=at(1, 16), session_id=f"s{n}", anonymous_id=f"w{n}", utm_content=content, **tagged)
            for n, content in enumerate(["5", "7", "twice", "nobody's", "late"])
        ),
        event(timestamp=at(1, 17), session_id="c", anonymous_id="w0", event_type="conversion", event_value=3000.0),
    )
    attribution_stores.make(1, 3)
    attribution_stores.spend_of_ad(SPRING, "5", at(2).date(), "15")
    whole = rows(attribution_stores, f"org_tag = '{A}' and model = 'last'")
    assert by_ad(attribution_stores) == {
        "red": (1, 1, 0, None),  # as Google says of the click, not as the address says
        "blue": (1, 1, 15, 15),
        "twice": (1, 0, 0, None),  # by its id, which counts before another one's name
        SPRING.id: (3, 0, 0, None),
    }
    attribution_stores.campaign(replace(SPRING, ads=(("10", "late"),)))
    attribution_stores.catch_up()
    assert by_ad(attribution_stores)["late"] == (1, 0, 0, None)
    assert by_ad(attribution_stores)[SPRING.id] == (2, 0, 0, None)
    assert rows(attribution_stores, f"org_tag = '{A}' and model = 'last'") == whole, "campaigns have what they had"


def relations(postgres: Postgres) -> list[str]:
    found = postgres.fetch(
        "select relname as name from pg_class"
        " where relnamespace = 'attribution'::regnamespace and relkind in ('r', 'v', 'm') order by 1"
    )
    return [row["name"] for row in found]


def seen(postgres: Postgres, claims: object, relation: str, role: str = "authenticated") -> list[dict[str, Any]]:
    with postgres.connection() as connection:
        connection.execute(CLAIMS, (json.dumps(claims) if claims is not None else "",))
        connection.execute(f"set local role {role}")
        return connection.execute(f"select * from attribution.{relation}").fetchall()


def test_an_organisation_sees_its_own_rows_and_none_of_another(attribution_stores: AttributionStores) -> None:
    landed(attribution_stores)
    attribution_stores.spend(BRAND, at(2).date(), "1")
    for campaign in (BRAND, CAMPAIGNS[7]):
        attribution_stores.spend_of_ad(campaign, "7", at(2).date(), "1")
    # An unknown click and an asked day of each organisation.
    for org in (A, B):
        attribution_stores.event_lake.append(
            event(org_tag=org, timestamp=at(2, 3), session_id="u", gclid=f"unknown-{org}", user_id="somebody")
        )
    attribution_stores.make(1, 3)
    attribution_stores.event_lake.roll_up_days(at(1).date(), 3)  # of which the first days with events are taken
    attribution_stores.postgres.execute(
        "insert into attribution.click_days (app, org_id, account_id, day, asked_at, unknown)"
        " select distinct app, org_id, account_id, day, now(), unknown"
        " from attribution.unknown_clicks"
    )
    attribution_stores.postgres.execute(
        "insert into attribution.exchange_rates (app, currency, day, rate)"
        " select app, 'EUR', '2026-03-01', 1 from unnest(array['clearlift', 'other']) as app"
    )
    found = relations(attribution_stores.postgres)
    assert len(found) == 20
    for relation in found:
        everything = seen(attribution_stores.postgres, None, relation, "service_role")
        assert everything, relation
        if relation == "counted_since":  # of roll-ups, which organisations do not read
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                seen(attribution_stores.postgres, {"org_id": f"org-{A}"}, relation)
            continue
        if relation == "windows":
            assert seen(attribution_stores.postgres, {"org_id": f"org-{A}"}, relation) == []
            continue
        if relation in ("models", "exchange_rates"):  # of no organisation; rates are those of the app
            mine = seen(attribution_stores.postgres, {"org_id": f"org-{A}"}, relation)
            assert mine == [row for row in everything if row.get("app", "clearlift") == "clearlift"]
            continue
        owners = {row.get("org_id") or f"org-{row['org_tag']}" for row in everything}
        assert owners >= {f"org-{A}", f"org-{B}"}, relation
        for claims in ({"org_id": f"org-{A}"}, {"app_metadata": {"org_id": f"org-{A}"}}):
            own = [r for r in everything if (r.get("org_id") or f"org-{r['org_tag']}") == f"org-{A}"]
            mine = seen(attribution_stores.postgres, claims, relation)
            assert sorted(map(repr, mine)) == sorted(map(repr, own)), relation
        for nobody in (None, {}, {"org_id": "org-c"}, {"user_metadata": {"org_id": f"org-{A}"}}, {"org_id": ""}):
            assert seen(attribution_stores.postgres, nobody, relation) == [], relation


def test_an_organisation_writes_nothing_and_anon_reads_nothing(attribution_stores: AttributionStores) -> None:
    landed(attribution_stores)
    for relation in relations(attribution_stores.postgres):
        for role, statement in (
            ("anon", f"select 1 from attribution.{relation}"),
            ("authenticated", f"delete from attribution.{relation}"),
        ):
            with pytest.raises(psycopg.Error, match=r"permission denied|cannot delete"):
                acted(attribution_stores.postgres, role, statement)


def acted(postgres: Postgres, role: str, statement: str) -> None:
    with postgres.connection() as connection:
        connection.execute(CLAIMS, (json.dumps({"org_id": f"org-{A}"}),))
        connection.execute(f"set local role {role}")
        connection.execute(statement)


def test_every_table_has_its_security_on_and_every_view_its_readers(attribution_stores: AttributionStores) -> None:
    for row in attribution_stores.postgres.fetch(
        "select relname, relkind::text, relrowsecurity, reloptions from pg_class"
        " where relnamespace = 'attribution'::regnamespace and relkind in ('r', 'v')"
    ):
        secured = row["relrowsecurity"] or "security_invoker=true" in (row["reloptions"] or [])
        assert secured, row["relname"]

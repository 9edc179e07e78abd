"""Two apps with the same tags, organisations, accounts and events in one Postgres: neither changes the other."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from assets.apps import App
from assets.apps.clearlift import APP as CLEARLIFT
from assets.attribution.assets import build
from assets.attribution.build import Touches
from assets.attribution.match import lock_of
from assets.partitions import Calendar
from assets.windows import day_window
from resources import migrations
from resources.sql_files import read_sql
from tests.assets.attribution.attribution_stores import HORIZON, AttributionStores, Campaign
from tests.assets.attribution.strategies import CAMPAIGNS, CLICKS, A, B
from tests.assets.rollups.event_lake import EventLake, at, event

OTHER = replace(CLEARLIFT, name="other")
RELATIONS = (
    "organizations", "windows", "touches", "conversions", "sign_ins", "labels", "clicks", "click_days", "credits",
    "unknown_clicks", "visits", "daily",
)  # fmt: skip
BRAND = CAMPAIGNS[1]


@pytest.fixture
def other(attribution_stores: AttributionStores) -> AttributionStores:
    """The stand of another app: its own D1, with the same organisations; lake and Postgres are those of the first."""
    d1 = attribution_stores.event_lake.stores.d1(OTHER)
    migrations.up(migrations.D1AppliedMigrations(d1, "d1"), "clearlift/d1")
    return AttributionStores(EventLake(attribution_stores.event_lake.stores, OTHER))


@pytest.fixture
def both(
    attribution_stores: AttributionStores, other: AttributionStores
) -> tuple[AttributionStores, AttributionStores]:
    """Both apps with the same campaigns, clicks, spend and events, credited."""
    attribution_stores.event_lake.append(
        event(timestamp=at(1, 5), session_id="a", gclid="gA"),
        event(timestamp=at(1, 6), session_id="u", anonymous_id="w", gclid="gUnknown"),
        event(timestamp=at(2, 5), session_id="b", fbclid="f", utm_campaign="spring"),
        *(event(timestamp=at(day, 9), session_id=f"c{day}", event_type="conversion") for day in (1, 3, 5)),
        event(timestamp=at(3, 9), session_id="d", anonymous_id="w", event_type="conversion", user_id="somebody"),
        event(timestamp=at(3, 9), session_id="e", org_tag=B, event_type="conversion"),
    )
    for app in (attribution_stores, other):
        app.campaign(*CAMPAIGNS)
        for click, campaign in CLICKS.items():
            app.click(campaign, click)
        app.spend(BRAND, at(2).date(), "12.5")
        app.make(1, 7)
        for campaign in (CAMPAIGNS[0], CAMPAIGNS[7]):
            app.report(campaign, "nobody's")
    return attribution_stores, other


def stored(attribution_stores: AttributionStores, app: App) -> dict[str, list[str]]:
    """Every row of an app in every table and view, as text, without its name and when it was made."""
    return {
        relation: sorted(
            json.dumps(row["row"], sort_keys=True)
            for row in attribution_stores.postgres.fetch(
                f"select to_jsonb(t) - 'app' - 'built_at' as row from attribution.{relation} t where app = %s",
                [app.name],
            )
        )
        for relation in RELATIONS
    }


def late_touch(attribution_stores: AttributionStores) -> None:
    attribution_stores.event_lake.append(event(timestamp=at(3, 1), session_id="x", fbclid="f", utm_campaign="spring"))
    attribution_stores.touches(1, 7)


CHANGES: dict[str, Callable[[AttributionStores], Any]] = {
    "a late touch": late_touch,
    "a reported click": lambda attribution_stores: attribution_stores.report(BRAND, "gUnknown"),
    "a renamed campaign": lambda attribution_stores: attribution_stores.campaign(
        Campaign(f"org-{A}", "facebook", "21", "summer")
    ),
    "a new campaign": lambda attribution_stores: attribution_stores.campaign(
        Campaign(f"org-{A}", "google", "13", "spring")
    ),
    "a restated day": lambda attribution_stores: attribution_stores.spend(BRAND, at(2).date(), "7"),
    "other rules": lambda attribution_stores: attribution_stores.settle(f"org-{A}", window_days=1),
    "a tag of another organisation": lambda attribution_stores: attribution_stores.d1.execute(
        "update org_tag_mappings set organization_id = ? where short_tag = ?", [f"org-{B}", A]
    ),
    "no tag": lambda attribution_stores: attribution_stores.d1.execute("delete from org_tag_mappings"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_one_app_leaves_the_other_as_it_was(
    both: tuple[AttributionStores, AttributionStores], change: str
) -> None:
    attribution_stores, other = both
    before = stored(attribution_stores, CLEARLIFT)
    assert all(before.values()), "every table and view has rows of the first app"
    assert stored(attribution_stores, OTHER) == before, "and the same of the second"
    CHANGES[change](other)
    other.make(1, 7)
    assert stored(attribution_stores, OTHER) != before
    assert stored(attribution_stores, CLEARLIFT) == before
    if change != "a late touch":  # both apps read the same table here
        assert attribution_stores.make(1, 7).changed == []
        assert {k: v for k, v in stored(attribution_stores, CLEARLIFT).items() if k != "click_days"} == {
            k: v for k, v in before.items() if k != "click_days"
        }


def test_each_app_has_days_sums_and_a_lock_of_its_own(both: tuple[AttributionStores, AttributionStores]) -> None:
    attribution_stores, other = both
    attribution_stores.postgres.execute("update attribution.windows set changed = changed + 1 where app = 'other'")
    attribution_stores.postgres.execute("update attribution.credits set revenue = revenue + 1 where app = 'other'")
    days = "attribution/uncredited_days.sql", "attribution/differing_sums.sql", "attribution/summary.sql"
    parameters = {"since": at(1).date(), "start": at(1).date(), "end": at(1).date()}
    uncredited, differing, _ = (
        attribution_stores.postgres.fetch(read_sql(file), {**parameters, "app": CLEARLIFT.name}) for file in days
    )
    assert (uncredited, differing) == ([], [])
    assert attribution_stores.postgres.fetch(read_sql(days[0]), {**parameters, "app": OTHER.name})
    other.credit()
    assert stored(attribution_stores, OTHER)["credits"] == stored(attribution_stores, CLEARLIFT)["credits"]
    with attribution_stores.postgres.lock(lock_of(CLEARLIFT)):
        other.make(1, 2)  # it would wait for ever for a lock that both have


def test_an_organisation_of_one_app_reads_no_row_of_the_other(
    both: tuple[AttributionStores, AttributionStores],
) -> None:
    attribution_stores, other = both
    # The tag of one app's organisation is that of another organisation in the other app.
    other.d1.execute("update org_tag_mappings set organization_id = ? where short_tag = ?", [f"org-{B}", A])
    other.make(1, 7)
    for relation in (name for name in RELATIONS if name != "windows"):
        for app, claims in (
            ("clearlift", {"org_id": f"org-{A}"}),
            ("clearlift", {"org_id": f"org-{B}"}),
            ("other", {"org_id": f"org-{B}", "app_metadata": {"app": "other"}}),
        ):
            with attribution_stores.postgres.connection() as connection:
                connection.execute("select set_config('request.jwt.claims', %s, true)", (json.dumps(claims),))
                connection.execute("set local role authenticated")
                apps = connection.execute(f"select distinct app from attribution.{relation}").fetchall()
            assert {row["app"] for row in apps} <= {app}, relation
            assert apps or claims["org_id"] == f"org-{B}", relation


def test_an_app_without_rules_has_no_attribution(attribution_stores: AttributionStores) -> None:
    assert CLEARLIFT.ad_accounts is not None
    without = replace(CLEARLIFT, ad_accounts=replace(CLEARLIFT.ad_accounts, rules=None))
    assert build(without, Calendar(at(1).date()), HORIZON) == []
    lake = attribution_stores.event_lake
    with pytest.raises(ValueError, match="web events of clearlift are not attributed"):
        Touches(without, lake.events, attribution_stores.d1, attribution_stores.postgres, lake.clock, HORIZON).run(
            day_window(at(1).date())
        )

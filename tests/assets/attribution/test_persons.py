"""One person over the tags and devices of an organisation, where marketing is not refused."""

from typing import Any

import pytest

from tests.assets.attribution.attribution_stores import AttributionStores
from tests.assets.attribution.recount import recount
from tests.assets.attribution.strategies import CAMPAIGNS, CLICKS, RULES, A, B, prepare
from tests.assets.attribution.test_credits import shares
from tests.assets.rollups.event_lake import at, event

SECOND = "second"
BRAND = CAMPAIGNS[1].id


@pytest.fixture
def stores(attribution_stores: AttributionStores) -> AttributionStores:
    prepare(attribution_stores)
    return attribution_stores


def visit(day: int, hour: int, browser: str, **fields: Any) -> dict[str, Any]:
    return event(timestamp=at(day, hour), anonymous_id=browser, session_id=f"{browser}{day}{hour}", **fields)


def came(day: int, hour: int, browser: str, **fields: Any) -> dict[str, Any]:
    return visit(day, hour, browser, gclid="gA", **fields)


def bought(day: int, hour: int, browser: str, **fields: Any) -> dict[str, Any]:
    return visit(day, hour, browser, event_type="conversion", event_value=10.0, **fields)


def whose(stores: AttributionStores, *events: dict[str, Any], orgs: dict[str, str] | None = None) -> list[str]:
    """What brought the purchases, equal to a recount."""
    stores.event_lake.append(*events)
    stores.make(1, 7)
    assert stores.credits() == recount(events, CAMPAIGNS, CLICKS, RULES, {"gA": CAMPAIGNS[1].ad("8")}, orgs)
    return sorted(shares(stores))


def test_a_user_joins_the_browsers_with_which_they_are_signed_in(stores: AttributionStores) -> None:
    journey = [came(1, 5, "phone"), visit(2, 5, "phone", user_id="u"), visit(3, 5, "laptop", user_id="u")]
    assert whose(stores, *journey, bought(4, 5, "laptop")) == [BRAND]


def test_what_a_user_does_later_changes_no_earlier_purchase(stores: AttributionStores) -> None:
    journey = [came(1, 5, "phone"), bought(2, 5, "laptop", user_id="u"), visit(3, 5, "phone", user_id="u")]
    assert whose(stores, *journey) == ["no_touch"]


def test_a_browser_of_two_persons_stands_alone(stores: AttributionStores) -> None:
    shared = [came(1, 5, "tablet"), visit(2, 5, "tablet", user_id="u"), visit(2, 6, "tablet", user_id="w")]
    assert whose(stores, *shared, bought(4, 5, "laptop", user_id="u")) == ["no_touch"]


def test_a_sign_in_that_is_refused_joins_nothing_until_it_is_agreed(stores: AttributionStores) -> None:
    journey = [
        came(1, 5, "phone"),
        visit(2, 5, "phone", user_id="u", consent_marketing=False),
        bought(3, 5, "laptop", user_id="u"),
        visit(3, 6, "phone", user_id="u", consent_marketing=False),
        visit(3, 7, "phone", user_id="u", consent_marketing=True),
        bought(4, 5, "laptop"),
    ]
    assert whose(stores, *journey) == [BRAND, "no_touch"]


def test_a_sign_in_without_a_flag_after_a_refusal_counts_from_the_agreement_on(stores: AttributionStores) -> None:
    stores.event_lake.append(
        came(1, 5, "phone"),
        visit(2, 5, "phone", consent_marketing=False),
        visit(2, 6, "phone", user_id="u"),
        visit(2, 8, "phone", user_id="u", consent_marketing=True),
        visit(2, 9, "phone", user_id="u"),
    )
    stores.make(1, 4)
    assert stores.postgres.fetch("select first_at, last_at from attribution.sign_ins") == [
        {"first_at": at(2, 8), "last_at": at(2, 9)}
    ]


@pytest.mark.parametrize(("hour", "brought"), [(4, "no_touch"), (5, BRAND)])
def test_who_was_seen_once_in_the_window_is_known(stores: AttributionStores, hour: int, brought: str) -> None:
    """The window is of two days: the purchase at 5 on the 4th looks back to 5 on the 2nd."""
    named = {"utm_campaign": "other", "org_tag": B}
    journey = [
        visit(2, 3, "phone", user_id="u", org_tag=B),
        visit(2, hour, "phone", user_id="u", org_tag=B),
        visit(2, 6, "phone", **named),
    ]
    found = whose(stores, *journey, visit(4, 5, "laptop", event_type="purchase", user_id="u", org_tag=B))
    assert found == [brought if brought == "no_touch" else CAMPAIGNS[7].id]


def test_organisations_share_no_person(stores: AttributionStores) -> None:
    journey = [came(1, 5, "phone", org_tag=B), visit(2, 5, "phone", user_id="u", org_tag=B)]
    assert whose(stores, *journey, bought(4, 5, "laptop", user_id="u")) == ["no_touch"]


def test_a_setting_keeps_devices_apart_and_changes_past_days(stores: AttributionStores) -> None:
    journey = [came(1, 5, "phone"), visit(2, 5, "phone", user_id="u"), bought(4, 5, "laptop", user_id="u")]
    assert whose(stores, *journey) == [BRAND]
    stores.settle(f"org-{A}", join_devices=False)
    assert stores.catch_up().changed == [at(4).date()]
    assert sorted(shares(stores)) == ["no_touch"]


def test_the_tags_of_an_organisation_share_visitors_and_users(stores: AttributionStores) -> None:
    stores.d1.execute(
        "insert into org_tag_mappings (id, organization_id, short_tag) values ('t', ?, ?)", [f"org-{A}", SECOND]
    )
    journey = [
        came(1, 5, "phone"),
        bought(2, 5, "phone", org_tag=SECOND),
        visit(3, 5, "phone", user_id="u"),
        bought(4, 5, "laptop", org_tag=SECOND, user_id="u"),
    ]
    assert whose(stores, *journey, orgs={SECOND: f"org-{A}"}) == [BRAND]


def test_a_tag_that_moves_takes_its_visitors_along(stores: AttributionStores) -> None:
    stores.d1.execute(
        "insert into org_tag_mappings (id, organization_id, short_tag) values ('t', ?, ?)", [f"org-{B}", SECOND]
    )
    stores.event_lake.append(came(1, 5, "phone"), bought(2, 5, "phone", org_tag=SECOND, value=1))
    stores.settle(f"org-{B}")
    stores.make(1, 7)
    assert sorted(shares(stores)) == ["no_touch"]
    stores.d1.execute("update org_tag_mappings set organization_id = ? where id = 't'", [f"org-{A}"])
    stores.catch_up()
    stores.catch_up()
    assert stores.stale() == ()
    assert sorted(shares(stores)) == [BRAND]


def test_a_late_sign_in_changes_the_purchases_that_it_concerns_and_no_other_day(stores: AttributionStores) -> None:
    stores.event_lake.append(
        came(1, 5, "phone"),
        *(bought(day, 9, "laptop", user_id="u") for day in (2, 4, 5)),
        bought(5, 9, "other"),
    )
    stores.make(1, 7)
    stores.event_lake.append(visit(3, 5, "phone", user_id="u"))
    assert stores.catch_up().changed == [at(4).date(), at(5).date()]
    assert stores.stale() == ()
    # And of a second person, with whom nobody knows whose the visit was.
    stores.event_lake.append(visit(4, 12, "phone", user_id="w"))
    assert stores.catch_up().changed == [at(5).date()]

"""What a visit is: sessions of 30 minutes, one campaign or click, and consent from its moment on."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from resources.sql_files import read_sql
from tests.assets.attribution.attribution_stores import AttributionStores, Campaign
from tests.assets.attribution.recount import recount
from tests.assets.attribution.strategies import CAMPAIGNS, CLICK_ADS, CLICKS, RULES, A, prepare
from tests.assets.attribution.test_credits import SUMS, shares
from tests.assets.rollups.event_lake import at, event

MINUTE = timedelta(minutes=1)
ONE, TWO, THREE = (Campaign(f"org-{A}", "google", f"9{n}", f"campaign {n}") for n in (1, 2, 3))


@pytest.fixture
def stores(attribution_stores: AttributionStores) -> AttributionStores:
    prepare(attribution_stores)
    attribution_stores.campaign(ONE, TWO, THREE)
    return attribution_stores


def landed(when: datetime, campaign: str | None = "campaign 1", **fields: Any) -> dict[str, Any]:
    return event(**{"timestamp": when, "utm_campaign": campaign, "utm_source": campaign and "google", **fields})


def bought(when: datetime, **fields: Any) -> dict[str, Any]:
    return event(timestamp=when, event_type="conversion", event_value=12.0, **fields)


def made(stores: AttributionStores, first: int, end: int, *events: dict[str, Any]) -> list[datetime]:
    """The moments of the visits of some events, credited and equal to a recount."""
    stores.event_lake.append(*events)
    stores.make(first, end)
    assert stores.credits() == recount(events, (*CAMPAIGNS, ONE, TWO, THREE), CLICKS, RULES, CLICK_ADS)
    assert stores.postgres.fetch(read_sql("attribution/differing_sums.sql"), SUMS) == []
    return [row["at"] for row in stores.postgres.fetch("select at from attribution.visits order by at")]


def test_a_session_id_that_recurs_day_after_day_keeps_its_visits(stores: AttributionStores) -> None:
    """A tagged visit at 10 each day of 32, a purchase at 11 on the last: the visit of an hour before is the last."""
    stores.event_lake.now = at(40)
    days = [at(day, 10) for day in range(1, 33)]
    visits = made(stores, 1, 33, *(landed(day) for day in days), bought(at(32, 11)))
    assert visits == days
    assert shares(stores) == {ONE.id: (1, 1, 1)}


def test_three_campaigns_a_day_apart_under_one_session_id_each_have_a_visit(stores: AttributionStores) -> None:
    moments = [at(day, 10) for day in (1, 2, 3)]
    events = [landed(moment, f"campaign {n}") for n, moment in enumerate(moments, 1)]
    assert made(stores, 1, 5, *events, bought(at(3, 11))) == moments
    assert {key: value[:2] for key, value in shares(stores).items()} == {
        ONE.id: (1, 0),
        TWO.id: (0, 0),
        THREE.id: (0, 1),
    }


def test_a_later_ad_click_in_the_same_session_is_a_visit_and_the_last(stores: AttributionStores) -> None:
    events = [
        landed(at(1, 10), gclid="g1"),
        landed(at(1, 10, 2)),
        landed(at(1, 10, 5), gclid="g2"),
        landed(at(1, 10, 6), gclid="g2"),
        landed(at(1, 10, 9), "campaign 2"),
    ]
    assert made(stores, 1, 2, *events, bought(at(1, 10, 20))) == [at(1, 10), at(1, 10, 5), at(1, 10, 9)]
    assert shares(stores)[TWO.id][1] == 1


@pytest.mark.parametrize(("minutes", "visits"), [((0, 20, 40, 60), 1), ((0, 29.99), 1), ((0, 30), 2), ((0, 50), 2)])
def test_any_event_keeps_a_session_alive_for_30_minutes(
    stores: AttributionStores, minutes: tuple[float, ...], visits: int
) -> None:
    moments = [at(1, 10) + n * MINUTE for n in minutes]
    events = [landed(moment, "campaign 1" if moment in (moments[0], moments[-1]) else None) for moment in moments]
    assert len(made(stores, 1, 2, *events)) == visits


def test_a_visit_goes_on_past_midnight_and_is_cut_at_the_next(stores: AttributionStores) -> None:
    robot = [landed(at(1, 23) + n * 20 * MINUTE) for n in range(4 * 72)]
    assert made(stores, 1, 7, *robot) == [at(1, 23), at(3), at(4), at(5)]


def test_past_midnight_another_campaign_or_a_pause_is_a_visit_of_its_own(stores: AttributionStores) -> None:
    events = [
        landed(at(1, 23, 50)),
        landed(at(2, 0, 10), "campaign 2"),
        landed(at(2, 23, 40), "campaign 2"),
        landed(at(3, 0, 10), "campaign 2"),
        landed(at(3, 0, 5), anonymous_id="w"),
    ]
    assert made(stores, 1, 5, *events) == [at(1, 23, 50), at(2, 0, 10), at(2, 23, 40), at(3, 0, 5), at(3, 0, 10)]


def test_consent_in_a_session_counts_from_its_moment_on(stores: AttributionStores) -> None:
    events = [
        landed(at(1, 10), consent_marketing=False),
        bought(at(1, 10, 1), consent_marketing=False),
        landed(at(1, 10, 2), None, consent_marketing=True),
        bought(at(1, 10, 3), consent_marketing=True),
        landed(at(1, 12), consent_marketing=False),
        landed(at(1, 12, 40), None, consent_marketing=True),
    ]
    assert made(stores, 1, 2, *events) == [at(1, 10, 2)]
    assert shares(stores) == {"no_consent": (1, 1, 1), ONE.id: (1, 1, 1)}


def test_an_agreement_lifts_no_signal(stores: AttributionStores) -> None:
    events = [
        landed(at(1, 10), event_data='{"gpc": true}', consent_marketing=True),
        landed(at(1, 10, 2), None, consent_marketing=True),
    ]
    stores.event_lake.append(*events)
    stores.make(1, 2)
    assert stores.postgres.fetch("select * from attribution.touches") == []


def test_a_bare_fbclid_takes_no_credit_from_an_ad(stores: AttributionStores) -> None:
    events = [
        landed(at(1, 10)),
        event(timestamp=at(2, 10), fbclid="f", session_id="organic"),
        landed(at(3, 10), fbclid="f2", session_id="shared"),
    ]
    assert made(stores, 1, 5, *events, bought(at(4, 11))) == [at(1, 10), at(3, 10)]
    assert shares(stores) == {ONE.id: (1, 1, 1)}


def test_ids_in_the_address_find_a_campaign_and_its_ad(stores: AttributionStores) -> None:
    ad = ("120210000000000003", "blue")
    social = Campaign(f"org-{A}", "facebook", "120210000000000009", "of no name", ads=(ad,))
    stores.campaign(social)
    queries = [
        "?gbraid=b&gad_campaignid=91",
        "?utm_id=92",
        "?utm_source=fb&utm_campaign=misnamed&utm_content=120210000000000003",
        "?campaign_id=120210000000000009",
        "?wbraid=w",
    ]
    events = [
        event(timestamp=at(1, hour), session_id=f"s{hour}", page_search=query) for hour, query in enumerate(queries)
    ]
    stores.event_lake.append(*events)
    stores.make(1, 2)
    found = stores.postgres.fetch("select campaign_id || reason as whose, ad_id from attribution.touches order by at")
    assert [(row["whose"], row["ad_id"]) for row in found] == [
        (ONE.id, ""),
        (TWO.id, ""),
        (social.id, social.ad(ad[0])),
        (social.id, ""),
        ("unknown_click", ""),
    ]
    assert stores.credits() == recount(events, (*CAMPAIGNS, ONE, TWO, THREE, social), CLICKS, RULES, CLICK_ADS)
    assert stores.postgres.fetch("select * from attribution.unknown_clicks") == [], "Google reports no gbraid"


@pytest.mark.parametrize(
    "text",
    ["Caf%C3%A9+Sale", " Café  Sale ", "Cafe\u0301 Sale", "CAFÉ SALE", "Caf%25C3%25A9%20Sale"],
)
def test_a_name_is_found_however_it_is_written(stores: AttributionStores, text: str) -> None:
    cafe = Campaign(f"org-{A}", "google", "94", "Cafe\u0301 Sale")
    stores.campaign(cafe)
    stores.event_lake.append(landed(at(1, 10), text), bought(at(1, 11)))
    stores.make(1, 2)
    assert shares(stores) == {cafe.id: (1, 1, 1)}


def test_two_names_that_differ_in_case_are_two_campaigns(stores: AttributionStores) -> None:
    lower, upper = (Campaign(f"org-{A}", "google", n, name) for n, name in (("95", "sale"), ("96", "SALE")))
    stores.campaign(lower, upper)
    stores.event_lake.append(
        *(landed(at(1, hour), name) for hour, name in enumerate(("sale", "SALE", "Sale"), start=1)), bought(at(1, 11))
    )
    stores.make(1, 2)
    assert {key: value[1] for key, value in shares(stores).items()} == {
        lower.id: 0,
        upper.id: 0,
        "ambiguous_campaign": 1,
    }


def test_an_organisations_own_sources_name_platforms_and_reopen_their_days(stores: AttributionStores) -> None:
    social = Campaign(f"org-{A}", "facebook", "97", "campaign 1")
    stores.campaign(social)
    stores.event_lake.append(landed(at(1, 10), utm_source="Partner FB"), bought(at(1, 11)))
    stores.make(1, 7)
    assert shares(stores) == {"ambiguous_campaign": (1, 1, 1)}
    stores.settle(f"org-{A}", sources={"partner fb": "facebook"})
    assert stores.catch_up().changed == [at(1).date()]
    assert shares(stores) == {social.id: (1, 1, 1)}
    assert stores.stale() == ()

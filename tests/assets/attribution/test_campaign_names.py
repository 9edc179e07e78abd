"""A name counts as of the touch: what campaigns were called then, not what they are called now."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from tests.assets.attribution.attribution_stores import AttributionStores, Campaign
from tests.assets.attribution.recount import recount
from tests.assets.attribution.strategies import A, B
from tests.assets.attribution.test_credits import shares
from tests.assets.rollups.event_lake import at, event

SALE = Campaign(f"org-{A}", "google", "1", "Sale")
AGAIN = Campaign(f"org-{A}", "google", "2", "Sale")


@pytest.fixture
def stores(attribution_stores: AttributionStores) -> AttributionStores:
    """A visit by 'Sale' and a purchase on the 2nd and on the 5th; 'Sale' is a campaign since always."""
    attribution_stores.clear()
    attribution_stores.event_lake.append(*journey(2), *journey(5))
    attribution_stores.event_lake.now = at(1)
    attribution_stores.campaign(SALE)
    return attribution_stores


def journey(day: int) -> list[dict[str, Any]]:
    who = {"anonymous_id": f"v{day}", "session_id": f"s{day}"}
    return [
        event(timestamp=at(day, 10), utm_campaign="Sale", **who),
        event(timestamp=at(day, 11), event_type="conversion", **who),
    ]


def names(stores: AttributionStores) -> list[tuple[str, str, str, str]]:
    rows = stores.postgres.fetch(
        "select campaign_id, name, since, until from ads.campaign_names order by campaign_id, since"
    )
    return [(row["campaign_id"], row["name"], f"{row['since']:%Y-%m-%d}", f"{row['until']:%Y-%m-%d}") for row in rows]


def later(stores: AttributionStores, when: datetime, *campaigns: Campaign) -> None:
    stores.event_lake.now = when
    stores.campaign(*campaigns)


def test_a_deleted_campaign_and_a_new_one_of_its_name_share_no_day(stores: AttributionStores) -> None:
    stores.event_lake.now = at(20)
    stores.make(1, 7)
    before = stores.of_days()
    stores.delete(SALE, at(3))
    later(stores, at(4), replace(AGAIN, since=at(4)))
    stores.event_lake.now = at(20)
    assert stores.catch_up().changed == [at(5).date()]
    assert stores.of_days()[at(2).date()] == before[at(2).date()]
    assert shares(stores) == {SALE.id: (1, 1, 1), AGAIN.id: (1, 1, 1)}
    known = [replace(SALE, until=at(3)), replace(AGAIN, since=at(4))]
    assert stores.credits() == recount([*journey(2), *journey(5)], known, {}, {})


def test_between_two_campaigns_the_older_has_the_name(stores: AttributionStores) -> None:
    stores.delete(SALE, at(3))
    later(stores, at(6), replace(AGAIN, since=at(6)))
    stores.event_lake.now = at(20)
    stores.make(1, 7)
    assert shares(stores) == {SALE.id: (2, 2, 2)}


def test_a_renamed_campaign_keeps_its_past(stores: AttributionStores) -> None:
    later(stores, at(3), replace(SALE, name="Old Sale"), replace(AGAIN, since=at(3)))
    assert names(stores) == [
        (SALE.id, "Sale", "1970-01-01", "2026-03-03"),
        (SALE.id, "Old Sale", "2026-03-03", "9999-01-01"),
        (AGAIN.id, "Sale", "2026-03-03", "9999-01-01"),
    ]
    stores.event_lake.now = at(20)
    stores.make(1, 7)
    assert shares(stores) == {SALE.id: (1, 1, 1), AGAIN.id: (1, 1, 1)}


def test_a_name_that_came_later_counts_where_no_other_does(stores: AttributionStores) -> None:
    """The address had the new name before the platform did."""
    later(stores, at(3), replace(SALE, name="Old Sale"))
    later(stores, at(9), Campaign(f"org-{A}", "google", "3", "Sail"))
    stores.event_lake.append(event(timestamp=at(2, 12), utm_campaign="Old Sale", session_id="early"))
    stores.event_lake.now = at(20)
    stores.make(1, 7)
    whose = stores.postgres.fetch("select distinct campaign_id from attribution.touches")
    assert whose == [{"campaign_id": SALE.id}]


def test_an_id_counts_before_every_name(stores: AttributionStores) -> None:
    stores.campaign(replace(AGAIN, native="Sale", name="x"))
    stores.event_lake.now = at(20)
    stores.make(1, 7)
    assert list(shares(stores)) == ["google:g1:Sale"]


@pytest.mark.parametrize("times", [1, 2])
def test_the_history_of_a_campaign(stores: AttributionStores, times: int) -> None:
    for _ in range(times):  # the same list again changes nothing
        later(stores, at(2), SALE)
    stores.delete(SALE, at(3))
    stores.delete(SALE, at(4))
    stores.postgres.execute("update ads.campaigns set deleted_at = null, updated_at = %s", [at(5)])
    later(stores, at(6), replace(SALE, name="Sale 2"))
    assert names(stores) == [
        (SALE.id, "Sale", "1970-01-01", "2026-03-03"),
        (SALE.id, "Sale", "2026-03-05", "2026-03-06"),
        (SALE.id, "Sale 2", "2026-03-06", "9999-01-01"),
    ]


def test_a_campaign_of_a_later_list_lives_since_it_was_seen_and_a_deleted_one_at_no_time(
    stores: AttributionStores,
) -> None:
    stores.postgres.execute(
        "insert into ads.sync_state (app, connection_id, stream, org_id, platform, account_id, observed_at, run_id,"
        " slice_id, updated_at) values ('clearlift', 'c', 'campaigns', %s, 'google', 'g1', now(), gen_random_uuid(),"
        " gen_random_uuid(), now())",
        [SALE.org],
    )
    later(stores, at(4), AGAIN)
    stores.postgres.execute(
        "insert into ads.campaigns (app, org_id, id, platform, account_id, native_id, name, currency, deleted_at,"
        " updated_at) values ('clearlift', %s, 'google:g1:3', 'google', 'g1', '3', 'Gone', 'EUR', %s, %s)",
        [SALE.org, at(4), at(4)],
    )
    assert names(stores)[1:] == [
        (AGAIN.id, "Sale", "2026-03-04", "9999-01-01"),
        ("google:g1:3", "Gone", "2026-03-04", "2026-03-04"),
    ]


def test_an_id_that_stood_for_a_name_was_none(stores: AttributionStores) -> None:
    named_by_id = Campaign(f"org-{B}", "google", "77", "77")
    stores.campaign(named_by_id)
    later(stores, at(4), replace(named_by_id, name="Real"))
    assert (named_by_id.id, "Real", "1970-01-01", "9999-01-01") in names(stores)

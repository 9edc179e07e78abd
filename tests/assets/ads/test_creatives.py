"""Ads and what they show: those of the world, under our ids; and their days once more by creative."""

from datetime import timedelta
from typing import Any

import pytest

from sandbox.world.entities import PLATFORMS, Kind, Platform, State
from tests.assets.ads.ad_stores import AdStores

# What is added to the address is a column of its own at these.
ADDED: tuple[Platform, ...] = ("google", "facebook", "microsoft")


@pytest.mark.parametrize("platform", PLATFORMS)
def test_ads_and_what_they_show_are_those_of_the_world(tiny: AdStores, platform: Platform) -> None:
    tiny.connect(only=[platform], lookback_days=4)
    tiny.sync(platform)
    tiny.sandbox.clock.advance(timedelta(days=4))
    assert [o.error for o in tiny.sync(platform)] == [None]
    now = tiny.sandbox.clock()
    (account,) = tiny.sandbox.world.accounts(platform)
    stored = {row["id"]: row for row in tiny.postgres.fetch("select * from ads.ads where platform = %s", (platform,))}
    seen = 0
    for campaign in tiny.sandbox.world.begun(account, now):
        for group in campaign.ad_groups:
            for ad in group.ads:
                states = [one.timeline.state(now) for one in (campaign, group, ad)]
                row = stored.get(f"{platform}:{account.id}:{group.id}:{ad.id}")
                if State.REMOVED in states:
                    # Google names what is below something deleted as it was.
                    assert row is None or row["deleted_at"] is not None or states[2] is not State.REMOVED
                    continue
                assert row is not None
                assert row["deleted_at"] is None
                assert row["ad_group_id"] == f"{platform}:{account.id}:{group.id}"
                assert row["landing_page"] == ad.landing_page
                assert row["headline"] == (None if _is_without_texts(platform, campaign.kind) else ad.headline)
                added = f"utm_content={ad.utm_content}" if platform in ADDED else None
                assert row["url_parameters"] == added
                assert row["creative_id"]
                seen += 1
    assert seen >= 3


def _is_without_texts(platform: Platform, kind: Any) -> bool:
    """An ad of products shows what the catalogue has."""
    return kind is Kind.SHOPPING and platform in ("google", "microsoft")


@pytest.mark.parametrize("platform", PLATFORMS)
def test_days_by_creative_are_the_days_of_their_ads(tiny: AdStores, platform: Platform) -> None:
    tiny.connect(only=[platform], lookback_days=4)
    assert [o.error for o in tiny.sync(platform)] == [None]
    totals = [
        tiny.postgres.fetch(f"select sum(impressions) as i, sum(clicks) as c, sum(spend) as s from ads.{table}")
        for table in ("ad_metrics_daily", "creative_metrics_daily")
    ]
    assert totals[0] == totals[1]
    assert totals[0][0]["i"] > 0
    (count,) = tiny.postgres.fetch("select count(*) as rows, count(distinct creative_id) as creatives from ads.ads")
    (views,) = tiny.postgres.fetch("select count(*) as rows from ads.creatives")
    assert 0 < count["creatives"] == views["rows"] <= count["rows"]

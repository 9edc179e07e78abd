"""Advertisers, campaigns, ad groups and ads as TikTok writes them.

What does not belong here: paths and pages (`api`) and reports (`report`).
"""

from collections.abc import Iterator
from datetime import datetime

from sandbox.exchange import JSON
from sandbox.world.entities import Account, State, Timeline
from sandbox.world.world import World

_SECONDARY = {
    "CAMPAIGN": {
        State.ACTIVE: "CAMPAIGN_STATUS_ENABLE",
        State.PAUSED: "CAMPAIGN_STATUS_DISABLE",
        State.REMOVED: "CAMPAIGN_STATUS_DELETE",
        State.NOVEL: "CAMPAIGN_STATUS_TRUST_HOLD",  # no such status exists today
    },
    "ADGROUP": {
        State.ACTIVE: "ADGROUP_STATUS_DELIVERY_OK",
        State.PAUSED: "ADGROUP_STATUS_DISABLE",
        State.REMOVED: "ADGROUP_STATUS_DELETE",
        State.NOVEL: "ADGROUP_STATUS_TRUST_HOLD",
    },
    "AD": {
        State.ACTIVE: "AD_STATUS_DELIVERY_OK",
        State.PAUSED: "AD_STATUS_DISABLE",
        State.REMOVED: "AD_STATUS_DELETE",
        State.NOVEL: "AD_STATUS_TRUST_HOLD",
    },
}
_OPERATION = {State.ACTIVE: "ENABLE", State.PAUSED: "DISABLE", State.REMOVED: "DELETE", State.NOVEL: "ENABLE"}


_ZONES = {
    "America/New_York": "Etc/GMT+5",
    "Asia/Tokyo": "Etc/GMT-9",
    "Pacific/Tongatapu": "Etc/GMT-13",
    "Europe/Berlin": "Etc/GMT-1",
}


def advertiser(account: Account) -> JSON:
    return {
        "advertiser_id": account.id,
        "name": account.name,
        "currency": account.currency,
        "timezone": _ZONES[account.time_zone],  # without daylight saving; POSIX counts west of Greenwich
        "display_timezone": account.time_zone,
        "status": "STATUS_ENABLE",
        "role": "ROLE_ADVERTISER",
        "company": "Sandbox Ltd.",
        "country": "US",
    }


def campaigns(world: World, account: Account, at: datetime) -> Iterator[JSON]:
    for campaign in world.begun(account, at):
        row = {
            "advertiser_id": account.id,
            "campaign_id": str(campaign.id),
            "campaign_name": campaign.timeline.name_at(at),
            "objective_type": "WEB_CONVERSIONS",
            "budget": campaign.budget.amount / 1_000_000,
            "budget_mode": "BUDGET_MODE_DAY",
            **_states(campaign.timeline, "CAMPAIGN", at),
        }
        yield {**row, "trust_tier": "GOLD"} if at >= world.new_field_at else row


def ad_groups(world: World, account: Account, at: datetime) -> Iterator[JSON]:
    for campaign in world.begun(account, at):
        for group in campaign.ad_groups:
            yield {
                "advertiser_id": account.id,
                "campaign_id": str(campaign.id),
                "campaign_name": campaign.timeline.name_at(at),
                "adgroup_id": str(group.id),
                "adgroup_name": group.timeline.name_at(at),
                "budget": 0.0,
                "budget_mode": "BUDGET_MODE_INFINITE",
                "bid_price": group.bid / 1_000_000,
                "bid_type": "BID_TYPE_CUSTOM",
                **_states(group.timeline, "ADGROUP", at, campaign.timeline),
            }


def ads(world: World, account: Account, at: datetime) -> Iterator[JSON]:
    for campaign in world.begun(account, at):
        for group in campaign.ad_groups:
            for ad in group.ads:
                yield {
                    "advertiser_id": account.id,
                    "campaign_id": str(campaign.id),
                    "adgroup_id": str(group.id),
                    "ad_id": str(ad.id),
                    "ad_name": ad.timeline.name_at(at),
                    "ad_format": "SINGLE_VIDEO",
                    "ad_text": ad.body,
                    "landing_page_url": ad.landing_page,
                    "display_name": ad.headline,
                    "video_id": f"v{ad.id}",
                    **_states(ad.timeline, "AD", at, campaign.timeline, group.timeline),
                }


def _states(timeline: Timeline, kind: str, at: datetime, *above: Timeline) -> JSON:
    """Statuses and times; what is below something deleted is deleted. TikTok writes the times of entities in UTC."""
    state = State.REMOVED if any(one.state(at) is State.REMOVED for one in above) else timeline.state(at)
    begun = datetime.combine(timeline.starts, datetime.min.time())
    changes = [change.replace(tzinfo=None) for change in timeline.changes(at)]
    return {
        "operation_status": _OPERATION[state],
        "secondary_status": _SECONDARY[kind][state],
        "create_time": f"{begun:%Y-%m-%d %H:%M:%S}",
        "modify_time": f"{max([begun, *changes]):%Y-%m-%d %H:%M:%S}",
    }

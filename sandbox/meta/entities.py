"""Ad accounts, campaigns, ad sets and ads as Meta writes them.

What does not belong here: paths and pages (`api`).
"""

from collections.abc import Iterator, Mapping
from datetime import datetime

from sandbox.exchange import JSON
from sandbox.meta import errors
from sandbox.world.entities import Account, Ad, Campaign, State, Timeline
from sandbox.world.world import World

# Meta has its own table of minor units, which is not that of ISO 4217.
_OFFSET_OF_ONE = frozenset({"CLP", "COP", "CRC", "HUF", "IDR", "ISK", "JPY", "KRW", "PYG", "TWD", "VND"})
_STATUS = {
    State.ACTIVE: "ACTIVE",
    State.PAUSED: "PAUSED",
    State.REMOVED: "DELETED",
    State.NOVEL: "PENDING_TRUST_REVIEW",  # no such status exists today
}
GONE = frozenset({"ARCHIVED", "DELETED"})
_OF_CAMPAIGNS = frozenset({"ACTIVE", "PAUSED", "IN_PROCESS", "WITH_ISSUES"}) | GONE
_OF_AD_SETS = _OF_CAMPAIGNS | {"CAMPAIGN_PAUSED"}
# What a request may name, by edge: the statuses that Meta has today.
STATUSES = {
    "campaigns": _OF_CAMPAIGNS,
    "adsets": _OF_AD_SETS,
    "ads": _OF_AD_SETS | {"ADSET_PAUSED", "DISAPPROVED", "PENDING_BILLING_INFO", "PENDING_REVIEW", "PREAPPROVED"},
}


def account(account: Account) -> JSON:
    return {
        "id": f"act_{account.id}",
        "account_id": account.id,
        "name": account.name,
        "currency": account.currency,
        "timezone_name": account.time_zone,
        "account_status": 1,
        "disable_reason": 0,
    }


def chosen(entity: JSON, fields: tuple[str, ...]) -> JSON:
    """The id and the fields that were asked for, `creative{id,name}` with fields of its own. Refuses a field that the
    entity does not have."""
    row: JSON = {}
    for field in fields:
        name, _, inner = field.partition("{")
        if name not in entity:
            raise errors.refused(100, f"(#100) Tried accessing nonexisting field ({name})")
        value = entity[name]
        if isinstance(value, dict) and name == "creative":
            value = chosen(value, tuple(inner.removesuffix("}").split(",")) if inner else ())
        if value is not None:
            row[name] = value
    extra = {"trust_tier": "gold"} if entity.get("trust_tier") else {}
    return {**row, "id": entity["id"], **extra}


def listed(world: World, account: Account, edge: str, params: Mapping[str, str], at: datetime) -> list[JSON]:
    """Campaigns, ad sets or ads (`edge`): those of the named statuses or, by default, all but the gone ones."""
    wanted = frozenset(errors.array(params, "effective_status"))
    if unknown := wanted - STATUSES[edge]:
        raise errors.refused(100, f"(#100) param effective_status: {', '.join(sorted(unknown))} is not a status")
    entities = {"campaigns": _campaigns, "adsets": _ad_sets, "ads": _ads}[edge](world, account, at)
    if wanted:
        return [entity for entity in entities if entity["effective_status"] in wanted]
    return [entity for entity in entities if entity["effective_status"] not in GONE]


def _campaigns(world: World, account: Account, at: datetime) -> Iterator[JSON]:
    for campaign in world.begun(account, at):
        status = _STATUS[campaign.timeline.state(at)]
        yield {
            **_common(account, campaign.id, campaign.timeline, at),
            "effective_status": status,
            "objective": "OUTCOME_SALES",
            "buying_type": "AUCTION",
            "bid_strategy": "LOWEST_COST_WITHOUT_CAP",
            "daily_budget": _minor(account, campaign.budget.amount),
            "lifetime_budget": None,
            **_times(account, campaign, (campaign.timeline,), at),
            "trust_tier": at >= world.new_field_at,
        }


def _ad_sets(world: World, account: Account, at: datetime) -> Iterator[JSON]:
    for campaign in world.begun(account, at):
        above = campaign.timeline.state(at)
        for group in campaign.ad_groups:
            effective = _STATUS[group.timeline.state(at)]
            if above is State.REMOVED:
                effective = "DELETED"
            elif above is State.PAUSED and effective == "ACTIVE":
                effective = "CAMPAIGN_PAUSED"
            yield {
                **_common(account, group.id, group.timeline, at),
                "campaign_id": str(campaign.id),
                "effective_status": effective,
                "daily_budget": None,
                "lifetime_budget": None,
                "bid_amount": int(_minor(account, group.bid)),
                "billing_event": "IMPRESSIONS",
                "optimization_goal": "OFFSITE_CONVERSIONS",
                **_times(account, campaign, (campaign.timeline, group.timeline), at),
            }


def _ads(world: World, account: Account, at: datetime) -> Iterator[JSON]:
    for campaign in world.begun(account, at):
        for group in campaign.ad_groups:
            states = [campaign.timeline.state(at), group.timeline.state(at)]
            for ad in group.ads:
                effective = _STATUS[ad.timeline.state(at)]
                if State.REMOVED in states:
                    effective = "DELETED"
                elif effective == "ACTIVE" and State.PAUSED in states:
                    effective = "CAMPAIGN_PAUSED" if states[0] is State.PAUSED else "ADSET_PAUSED"
                yield {
                    **_common(account, ad.id, ad.timeline, at),
                    "campaign_id": str(campaign.id),
                    "adset_id": str(group.id),
                    "effective_status": effective,
                    "creative": _creative(ad),
                    **_times(account, campaign, (campaign.timeline, ad.timeline), at),
                }


def _creative(ad: Ad) -> JSON:
    return {
        "id": str(ad.id + 7),
        "name": f"creative of {ad.id}",
        "title": ad.headline,
        "body": ad.body,
        "object_type": "SHARE",
        "link_url": None,
        "object_url": None,
        "url_tags": f"utm_content={ad.utm_content}",
        "object_story_spec": {"link_data": {"link": ad.landing_page, "message": ad.body}},
    }


def _common(account: Account, identity: int, timeline: Timeline, at: datetime) -> JSON:
    status = _STATUS[timeline.state(at)]
    return {
        "id": str(identity),
        "account_id": account.id,
        "name": timeline.name_at(at),
        "status": status,
        "configured_status": status,
    }


def _times(account: Account, campaign: Campaign, timelines: tuple[Timeline, ...], at: datetime) -> JSON:
    begun = datetime.combine(campaign.timeline.starts, datetime.min.time(), account.zone)
    changes = [change for timeline in timelines for change in timeline.changes(at)]
    started = begun.strftime("%Y-%m-%dT%H:%M:%S%z")
    updated = max([begun, *changes]).astimezone(account.zone).strftime("%Y-%m-%dT%H:%M:%S%z")
    return {"created_time": started, "start_time": started, "updated_time": updated, "stop_time": None}


def _minor(account: Account, micros: int) -> str:
    return str(micros // (1_000_000 if account.currency in _OFFSET_OF_ONE else 10_000))

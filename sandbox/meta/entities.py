"""Ad accounts, campaigns and ad sets as Meta writes them.

What does not belong here: paths and pages (`api`).
"""

from collections.abc import Iterator, Mapping
from datetime import datetime

from sandbox.exchange import JSON
from sandbox.meta import errors
from sandbox.world.entities import Account, Campaign, State, Timeline
from sandbox.world.world import World

# Meta has its own table of minor units, which is not that of ISO 4217.
_OFFSET_OF_ONE = frozenset({"CLP", "COP", "CRC", "HUF", "IDR", "ISK", "JPY", "KRW", "PYG", "TWD", "VND"})
_STATUS = {
    State.ACTIVE: "ACTIVE",
    State.PAUSED: "PAUSED",
    State.REMOVED: "DELETED",
    State.NOVEL: "PENDING_TRUST_REVIEW",  # no such status exists today
}
_SHOWN_BY_DEFAULT = frozenset(_STATUS.values()) - {"DELETED"} | {"CAMPAIGN_PAUSED"}


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
    """The id and the fields that were asked for. Refuses a field that the entity does not have."""
    unknown = [field for field in fields if field not in entity]
    if unknown:
        raise errors.refused(100, f"(#100) Tried accessing nonexisting field ({unknown[0]})")
    row = {field: entity[field] for field in fields if entity[field] is not None}
    extra = {"trust_tier": "gold"} if entity.get("trust_tier") else {}
    return {**row, "id": entity["id"], **extra}


def listed(world: World, account: Account, edge: str, params: Mapping[str, str], at: datetime) -> list[JSON]:
    """Campaigns or ad sets (`edge`). It lists deleted ones only on request, and those in the novel status always."""
    wanted = frozenset(errors.array(params, "effective_status")) or _SHOWN_BY_DEFAULT
    entities = _campaigns(world, account, at) if edge == "campaigns" else _ad_sets(world, account, at)
    novel = _STATUS[State.NOVEL]
    return [entity for entity in entities if entity["effective_status"] in wanted | {novel}]


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

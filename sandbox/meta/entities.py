"""Ad accounts, campaigns and ad sets as Meta writes them.

What does not belong here: paths and pages (`api`).
"""

import json
from collections.abc import Iterator, Mapping
from datetime import date, datetime

from sandbox.exchange import JSON
from sandbox.meta import errors
from sandbox.world.entities import Account, AdGroup, Campaign, State
from sandbox.world.world import World, exists

# Meta's own table of minor units, which is not ISO 4217's.
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


def accounts(world: World) -> list[JSON]:
    return [account(each) for each in world.accounts("facebook")]


def chosen(entity: JSON, fields: tuple[str, ...]) -> JSON:
    """The asked fields and the id. A field that no campaign, ad set or account has is refused, as Meta does."""
    unknown = [field for field in fields if field not in entity]
    if unknown:
        raise errors.refused(100, f"(#100) Tried accessing nonexisting field ({unknown[0]})")
    row = {field: entity[field] for field in fields if entity[field] is not None}
    extra = {"trust_tier": "gold"} if entity.get("trust_tier") else {}
    return {**row, "id": entity["id"], **extra}


def statuses(params: Mapping[str, str]) -> frozenset[str]:
    """The effective statuses that a list shows: deleted ones only where they are asked for by name."""
    try:
        if "effective_status" in params:
            return frozenset(json.loads(params["effective_status"]))
        for condition in json.loads(params.get("filtering") or "[]"):
            if condition["field"].endswith("effective_status") and condition["operator"] == "IN":
                return frozenset(condition["value"])
    except (ValueError, TypeError, KeyError):
        raise errors.refused(100, "(#100) effective_status or filtering is not valid JSON of its form.") from None
    return _SHOWN_BY_DEFAULT


def listed(world: World, account: Account, edge: str, wanted: frozenset[str], at: datetime) -> list[JSON]:
    """Campaigns or ad sets (`edge`) of an account in the wanted statuses. A novel status is always shown."""
    entities = _campaigns(world, account, at) if edge == "campaigns" else _ad_sets(world, account, at)
    novel = _STATUS[State.NOVEL]
    return [entity for entity in entities if entity["effective_status"] in wanted | {novel}]


def _campaigns(world: World, account: Account, at: datetime) -> Iterator[JSON]:
    for campaign in world.tree(account).campaigns:
        if exists(campaign.timeline, account, at):
            status = _STATUS[campaign.timeline.state(at)]
            yield {
                "id": str(campaign.id),
                "account_id": account.id,
                "name": campaign.timeline.name_at(at),
                "status": status,
                "configured_status": status,
                "effective_status": status,
                "objective": "OUTCOME_SALES",
                "buying_type": "AUCTION",
                "bid_strategy": "LOWEST_COST_WITHOUT_CAP",
                "daily_budget": _minor(account, campaign.budget.amount),
                "lifetime_budget": None,
                **_times(account, campaign.timeline.starts, campaign, None, at),
                "trust_tier": at >= world.new_field_at,
            }


def _ad_sets(world: World, account: Account, at: datetime) -> Iterator[JSON]:
    for campaign, group in world.tree(account).ad_groups():
        if exists(campaign.timeline, account, at):
            status = _STATUS[group.timeline.state(at)]
            above = campaign.timeline.state(at)
            effective = status
            if above is State.REMOVED:
                effective = "DELETED"
            elif above is State.PAUSED and status == "ACTIVE":
                effective = "CAMPAIGN_PAUSED"
            yield {
                "id": str(group.id),
                "account_id": account.id,
                "campaign_id": str(campaign.id),
                "name": group.timeline.name_at(at),
                "status": status,
                "configured_status": status,
                "effective_status": effective,
                "daily_budget": None,
                "lifetime_budget": None,
                "bid_amount": int(_minor(account, group.bid)),
                "billing_event": "IMPRESSIONS",
                "optimization_goal": "OFFSITE_CONVERSIONS",
                **_times(account, campaign.timeline.starts, campaign, group, at),
            }


def _times(account: Account, starts: date, campaign: Campaign, group: AdGroup | None, at: datetime) -> JSON:
    begun = datetime.combine(starts, datetime.min.time(), account.zone)
    lives = [campaign.timeline] if group is None else [campaign.timeline, group.timeline]
    changes = [
        change
        for life in lives
        for change in (life.renamed_at, life.removed_at, life.paused_at, life.novel_at)
        if change is not None and change <= at
    ]
    begun_text = begun.strftime("%Y-%m-%dT%H:%M:%S%z")
    updated = max([begun, *changes]).astimezone(account.zone).strftime("%Y-%m-%dT%H:%M:%S%z")
    return {"created_time": begun_text, "start_time": begun_text, "updated_time": updated, "stop_time": None}


def _minor(account: Account, micros: int) -> str:
    return str(micros // (1_000_000 if account.currency in _OFFSET_OF_ONE else 10_000))

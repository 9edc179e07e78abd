"""Accounts, campaigns, ad groups, keywords and budgets as Microsoft Advertising writes them.

Deleted entities are not returned: they vanish. What does not belong here: paths and headers (`api`).
"""

from collections.abc import Iterator
from datetime import datetime

from sandbox.apps import MICROSOFT_CUSTOMER_ID
from sandbox.exchange import JSON
from sandbox.microsoft import zones
from sandbox.world.entities import Account, AdGroup, Campaign, Kind, State
from sandbox.world.world import World, exists

STATUS = {
    State.ACTIVE: "Active",
    State.PAUSED: "Paused",
    State.REMOVED: "Deleted",
    State.NOVEL: "UnderAppeal",  # no such status exists today
}
_TYPE = {Kind.SEARCH: "Search", Kind.SHOPPING: "Shopping", Kind.BLENDED: "PerformanceMax"}


def account(account: Account) -> JSON:
    return {
        "Id": account.id,
        "Name": account.name,
        "Number": f"F{account.id}",
        "AccountLifeCycleStatus": "Active",
        "CurrencyCode": account.currency,
        "TimeZone": zones.name(account.time_zone),
        "ParentCustomerId": MICROSOFT_CUSTOMER_ID,
        "PauseReason": None,
    }


def _alive(world: World, account: Account, at: datetime) -> Iterator[Campaign]:
    for campaign in world.tree(account).campaigns:
        if exists(campaign.timeline, account, at) and campaign.timeline.state(at) is not State.REMOVED:
            yield campaign


def campaigns(world: World, account: Account, types: frozenset[str], at: datetime) -> Iterator[JSON]:
    for campaign in _alive(world, account, at):
        if _TYPE[campaign.kind] in types:
            row = {
                "Id": str(campaign.id),
                "Name": campaign.timeline.name_at(at),
                "Status": STATUS[campaign.timeline.state(at)],
                "CampaignType": _TYPE[campaign.kind],
                "BudgetType": "DailyBudgetStandard",
                "BudgetId": str(campaign.budget.id) if campaign.budget.shared else None,
                "DailyBudget": campaign.budget.amount / 1_000_000,
                "TimeZone": zones.name(account.time_zone),
            }
            yield {**row, "TrustTier": "Gold"} if at >= world.new_field_at else row


def ad_groups(world: World, account: Account, campaign_id: str, at: datetime) -> list[JSON] | None:
    """The ad groups of a campaign; None where there is no such campaign."""
    for campaign in _alive(world, account, at):
        if str(campaign.id) == campaign_id:
            return [_ad_group(group, at) for group in campaign.ad_groups if _is_alive(group, at)]
    return None


def _is_alive(group: AdGroup, at: datetime) -> bool:
    return group.timeline.state(at) is not State.REMOVED


def _ad_group(group: AdGroup, at: datetime) -> JSON:
    return {
        "Id": str(group.id),
        "Name": group.timeline.name_at(at),
        "Status": STATUS[group.timeline.state(at)],
        "CpcBid": {"Amount": group.bid / 1_000_000},
        "Network": "OwnedAndOperatedAndSyndicatedSearch",
        "PrivacyStatus": "Active",
    }


def keywords(world: World, account: Account, ad_group_id: str, at: datetime) -> list[JSON] | None:
    """The keywords of an ad group; None where there is no such ad group."""
    for campaign in _alive(world, account, at):
        for group in campaign.ad_groups:
            if str(group.id) == ad_group_id and _is_alive(group, at):
                return [
                    {
                        "Id": str(word.id),
                        "Text": word.text,
                        "MatchType": word.match_type.title(),
                        "Status": STATUS[word.timeline.state(at)],
                        "EditorialStatus": "Active",
                        "Bid": {"Amount": word.bid / 1_000_000},
                    }
                    for word in group.keywords
                    if word.timeline.state(at) is not State.REMOVED
                ]
    return None


def budgets(world: World, account: Account, at: datetime) -> list[JSON]:
    """The shared budgets, each with the number of campaigns that spend it."""
    shared = [campaign.budget for campaign in _alive(world, account, at) if campaign.budget.shared]
    return [
        {
            "Id": str(budget.id),
            "Name": budget.name,
            "Amount": budget.amount / 1_000_000,
            "BudgetType": "DailyBudgetStandard",
            "AssociationCount": shared.count(budget),
        }
        for budget in dict.fromkeys(shared)
    ]

"""Accounts, campaigns, ad groups, keywords, statuses and time zones as Microsoft Advertising writes them.

Microsoft does not list deleted entities. What does not belong here: paths and headers (`api`).
"""

from collections.abc import Iterator
from datetime import datetime

from sandbox.apps import MICROSOFT_CUSTOMER_ID
from sandbox.exchange import JSON
from sandbox.world.entities import Account, AdGroup, Campaign, Kind, State, Timeline
from sandbox.world.world import World

STATUS = {
    State.ACTIVE: "Active",
    State.PAUSED: "Paused",
    State.REMOVED: "Deleted",
    State.NOVEL: "UnderAppeal",  # no such status exists today
}
_TYPE = {Kind.SEARCH: "Search", Kind.SHOPPING: "Shopping", Kind.BLENDED: "PerformanceMax"}

# Microsoft's names of time zones. It reports in DEFAULT_ZONE if a request names none.
DEFAULT_ZONE = "PacificTimeUSCanadaTijuana"
ZONES = {
    DEFAULT_ZONE: "America/Los_Angeles",
    "EasternTimeUSCanada": "America/New_York",
    "OsakaSapporoTokyo": "Asia/Tokyo",
    "Nukualofa": "Pacific/Tongatapu",
    "AmsterdamBerlinBernRomeStockholmVienna": "Europe/Berlin",
    "GreenwichMeanTimeDublinEdinburghLisbonLondon": "Europe/London",
}


def account(account: Account) -> JSON:
    return {
        "Id": account.id,
        "Name": account.name,
        "Number": f"F{account.id}",
        "AccountLifeCycleStatus": "Active",
        "CurrencyCode": account.currency,
        "TimeZone": _zone(account),
        "ParentCustomerId": MICROSOFT_CUSTOMER_ID,
        "PauseReason": None,
    }


def campaigns(world: World, account: Account, types: frozenset[str], at: datetime) -> list[JSON]:
    rows = [_campaign(account, campaign, at) for campaign in _alive(world, account, at)]
    extra = {"TrustTier": "Gold"} if at >= world.new_field_at else {}
    return [{**row, **extra} for row in rows if row["CampaignType"] in types]


def ad_groups(world: World, account: Account, campaign_id: str, at: datetime) -> list[JSON] | None:
    """The ad groups of a campaign. None: there is no such campaign."""
    for campaign in _alive(world, account, at):
        if str(campaign.id) == campaign_id:
            return [_ad_group(group, at) for group in _alive_groups(campaign, at)]
    return None


def keywords(world: World, account: Account, ad_group_id: str, at: datetime) -> list[JSON] | None:
    """The keywords of an ad group. None: there is no such ad group."""
    for campaign in _alive(world, account, at):
        for group in _alive_groups(campaign, at):
            if str(group.id) == ad_group_id:
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
                    if _is_alive(word.timeline, at)
                ]
    return None


def _zone(account: Account) -> str:
    return next(name for name, zone in ZONES.items() if zone == account.time_zone)


def _is_alive(timeline: Timeline, at: datetime) -> bool:
    return timeline.state(at) is not State.REMOVED


def _alive(world: World, account: Account, at: datetime) -> Iterator[Campaign]:
    return (campaign for campaign in world.begun(account, at) if _is_alive(campaign.timeline, at))


def _alive_groups(campaign: Campaign, at: datetime) -> Iterator[AdGroup]:
    return (group for group in campaign.ad_groups if _is_alive(group.timeline, at))


def _campaign(account: Account, campaign: Campaign, at: datetime) -> JSON:
    return {
        "Id": str(campaign.id),
        "Name": campaign.timeline.name_at(at),
        "Status": STATUS[campaign.timeline.state(at)],
        "CampaignType": _TYPE[campaign.kind],
        "BudgetType": "DailyBudgetStandard",
        "BudgetId": str(campaign.budget.id) if campaign.budget.shared else None,
        "DailyBudget": campaign.budget.amount / 1_000_000,
        "TimeZone": _zone(account),
    }


def _ad_group(group: AdGroup, at: datetime) -> JSON:
    return {
        "Id": str(group.id),
        "Name": group.timeline.name_at(at),
        "Status": STATUS[group.timeline.state(at)],
        "CpcBid": {"Amount": group.bid / 1_000_000},
        "Network": "OwnedAndOperatedAndSyndicatedSearch",
        "PrivacyStatus": "Active",
    }

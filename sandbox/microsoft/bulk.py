"""The Bulk service's file: all entities of an account, one a line, with the columns of every kind of entity.

Microsoft lists no deleted entities. What does not belong here: jobs and links (`api`).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.exchange import JSON, unanswered
from sandbox.faults import Fault, whole_list
from sandbox.microsoft import errors
from sandbox.microsoft.entities import STATUS, zone
from sandbox.microsoft.files import packed
from sandbox.world.entities import Account, Ad, AdGroup, Campaign, Keyword, Kind, State, Timeline
from sandbox.world.world import World

_TYPE = {Kind.SEARCH: "Search", Kind.SHOPPING: "Shopping", Kind.BLENDED: "PerformanceMax"}
_COLUMNS = (
    "Type", "Status", "Id", "Parent Id", "Campaign", "Ad Group", "Name", "Sync Time", "Time Zone", "Budget Id",
    "Budget Name", "Budget", "Budget Type", "Campaign Type", "Cpc Bid", "Network Distribution", "Privacy Status",
    "Keyword", "Match Type", "Bid", "Editorial Status", "Headline", "Description", "Promotion", "Final Url",
    "Final Url Suffix", "Trust Tier",
)  # fmt: skip
_WANTED = {"DownloadFileType": "Csv", "CompressionType": "Zip", "DataScope": "EntityData", "FormatVersion": "6.0"}
_ENTITIES = frozenset({"Campaigns", "AdGroups", "Ads", "Keywords"})


@dataclass(frozen=True, slots=True)
class Download:
    """A checked request for the entities of an account, as they are at a moment."""

    account: Account
    entities: frozenset[str]
    at: datetime


def checked(request: Mapping[str, Any], account: Account, at: datetime) -> Download:
    """Raises `RefusedError` for a request that Microsoft refuses or the sandbox does not answer."""
    if unknown := request.keys() - {"AccountIds", "DownloadEntities", "LastSyncTimeInUTC", *_WANTED}:
        raise unanswered(f"downloads with {', '.join(sorted(unknown))}")
    entities = frozenset(request.get("DownloadEntities") or ())
    if not entities:
        raise errors.bad_request(1001, "BulkServiceNullOrEmptyEntities", "DownloadEntities is null or empty.")
    differing = {name: request.get(name) for name, value in _WANTED.items() if request.get(name, value) != value}
    if entities - _ENTITIES or differing or request.get("LastSyncTimeInUTC"):
        raise unanswered(f"downloads of {sorted(entities - _ENTITIES)} {differing}")
    return Download(account, entities, at)


def archive(world: World, download: Download, job_id: str, fault: Fault | None) -> bytes:
    """The file behind the link."""
    account, at = download.account, download.at
    kinds = {"Campaigns": [], "AdGroups": [], "Keywords": [], "Ads": []}  # type: dict[str, list[JSON]]
    extra = {"Trust Tier": "Gold"} if at >= world.new_field_at else {}
    for campaign in world.begun(account, at):
        if not _is_alive(campaign.timeline, at):
            continue
        kinds["Campaigns"].append({**_campaign(account, campaign, at), **extra})
        for group in campaign.ad_groups:
            if not _is_alive(group.timeline, at):
                continue
            kinds["AdGroups"].append(_ad_group(campaign, group, at))
            kinds["Keywords"] += [_keyword(group, word, at) for word in group.keywords if _is_alive(word.timeline, at)]
            kinds["Ads"] += [_ad(campaign, group, ad, at) for ad in group.ads if _is_alive(ad.timeline, at)]
    rows = [
        {"Type": "Format Version", "Name": "6.0"},
        {"Type": "Account", "Id": account.id, "Sync Time": at.strftime("%m/%d/%Y %H:%M:%S")},
        *(row for kind, found in kinds.items() if kind in download.entities for row in whole_list(found, fault)),
    ]
    return packed(job_id, _lines(rows))


def _lines(rows: Sequence[JSON]) -> Iterator[list[str]]:
    yield list(_COLUMNS)
    for row in rows:
        yield [_cell(row.get(name)) for name in _COLUMNS]


def _cell(value: object) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)


def _is_alive(timeline: Timeline, at: datetime) -> bool:
    return timeline.state(at) is not State.REMOVED


def _campaign(account: Account, campaign: Campaign, at: datetime) -> JSON:
    return {
        "Type": "Campaign",
        "Status": STATUS[campaign.timeline.state(at)],
        "Id": str(campaign.id),
        "Parent Id": account.id,
        "Campaign": campaign.timeline.name_at(at),
        "Campaign Type": _TYPE[campaign.kind],
        "Time Zone": zone(account),
        "Budget": f"{campaign.budget.amount / 1_000_000:.2f}",
        "Budget Type": "DailyBudgetStandard",
        "Budget Id": str(campaign.budget.id) if campaign.budget.shared else None,
    }


def _ad_group(campaign: Campaign, group: AdGroup, at: datetime) -> JSON:
    return {
        "Type": "Ad Group",
        "Status": STATUS[group.timeline.state(at)],
        "Id": str(group.id),
        "Parent Id": str(campaign.id),
        "Campaign": campaign.timeline.name_at(at),
        "Ad Group": group.timeline.name_at(at),
        "Cpc Bid": f"{group.bid / 1_000_000:.2f}",
        "Network Distribution": "OwnedAndOperatedAndSyndicatedSearch",
        "Privacy Status": "Active",
    }


def _keyword(group: AdGroup, word: Keyword, at: datetime) -> JSON:
    return {
        "Type": "Keyword",
        "Status": STATUS[word.timeline.state(at)],
        "Id": str(word.id),
        "Parent Id": str(group.id),
        "Ad Group": group.timeline.name_at(at),
        "Keyword": word.text,
        "Match Type": word.match_type.title(),
        "Bid": f"{word.bid / 1_000_000:.2f}",
        "Editorial Status": "Active",
    }


def _ad(campaign: Campaign, group: AdGroup, ad: Ad, at: datetime) -> JSON:
    shared = {
        "Status": STATUS[ad.timeline.state(at)],
        "Id": str(ad.id),
        "Parent Id": str(group.id),
        "Campaign": campaign.timeline.name_at(at),
        "Ad Group": group.timeline.name_at(at),
        "Editorial Status": "Active",
        "Final Url": f"{ad.landing_page}; {ad.landing_page}&second=1",
        "Final Url Suffix": f"utm_content={ad.utm_content}",
    }
    if campaign.kind is Kind.SHOPPING:
        return {"Type": "Product Ad", **shared, "Promotion": ad.body}
    texts = {"Headline": [{"text": ad.headline}], "Description": [{"text": ad.body}]}
    return {"Type": "Responsive Search Ad", **shared, **texts}

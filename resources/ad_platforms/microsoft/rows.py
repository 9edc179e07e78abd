"""The rows of Microsoft's entities and report files, as records.

What does not belong here: requests (client.py).
"""

import csv
import io
import zipfile
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any, BinaryIO

from resources.ad_platforms import fields
from resources.ad_platforms.fields import identity, number, text, whole
from resources.ad_platforms.microsoft.zones import IANA
from resources.ad_platforms.records import (
    DAILY,
    Account,
    AdGroup,
    Campaign,
    Fact,
    Keyword,
    MalformedPageError,
    Notes,
    Record,
    Stream,
)

LISTS = {
    Stream.ACCOUNT: "Accounts",
    Stream.CAMPAIGNS: "Campaigns",
    Stream.AD_GROUPS: "AdGroups",
    Stream.KEYWORDS: "Keywords",
}
# Microsoft sends entities with all their fields. A field that is not here is a new one.
_CAMPAIGN = """
    Id Name Status SubType CampaignType BudgetType BudgetId DailyBudget TimeZone Languages TrackingUrlTemplate
    UrlCustomParameters FinalUrlSuffix ForwardCompatibilityMap BiddingScheme BidStrategyId ExperimentId Settings
    AudienceAdsBidAdjustment AdScheduleUseSearcherTimeZone MultimediaAdsBidAdjustment StartDate EndDate GoalIds
    IsPolitical DealIds
"""
_AD_GROUP = """
    Id Name Status CpcBid CpmBid CpvBid Network PrivacyStatus StartDate EndDate Language BiddingScheme AdRotation
    AudienceAdsBidAdjustment FinalUrlSuffix ForwardCompatibilityMap Settings TrackingUrlTemplate UrlCustomParameters
    AdScheduleUseSearcherTimeZone AdGroupType MultimediaAdsBidAdjustment CommissionRate PercentCpcBid McpaBid
    FrequencyCapSettings UseOptimizedTargeting UsePredictiveTargeting
"""
_KEYWORD = """
    Id Text MatchType Status EditorialStatus Bid BiddingScheme DestinationUrl FinalAppUrls FinalMobileUrls FinalUrls
    FinalUrlSuffix ForwardCompatibilityMap Param1 Param2 Param3 TrackingUrlTemplate UrlCustomParameters
"""
_KNOWN = {
    Stream.CAMPAIGNS: frozenset(_CAMPAIGN.split()),
    Stream.AD_GROUPS: frozenset(_AD_GROUP.split()),
    Stream.KEYWORDS: frozenset(_KEYWORD.split()),
}


def read(stream: Stream, body: BinaryIO, context: Mapping[str, str], notes: Notes) -> Iterator[Record]:
    """The records of a page; a MalformedPageError if it cannot be read. A report's file is read row by row.

    `context`: `account_id` for a page of accounts, because Microsoft lists all; `campaign_id` and `ad_group_id` for the
    entities below them.
    """
    if stream in DAILY:
        return _report(stream, body)
    rows = fields.rows(fields.decoded(body.read()), LISTS[stream])
    if stream is Stream.ACCOUNT:
        return (a for a in fields.records(rows, _account, notes) if a[0] == context.get("account_id"))
    if stream is Stream.CAMPAIGNS:
        return fields.records(rows, _campaign, notes)
    if stream is Stream.AD_GROUPS:
        return fields.records(rows, lambda row, n: _ad_group(row, n, context), notes)
    return fields.records(rows, lambda row, n: _keyword(row, n, context), notes)


def _account(row: Mapping[str, Any], notes: Notes) -> Account:
    native = text(row, "TimeZone")
    if native not in IANA:
        notes[f"time zone {native[:64]}"] += 1
    return Account(
        id=identity(row, "Id"),
        name=text(row, "Name", default=""),
        currency=text(row, "CurrencyCode"),
        time_zone=IANA.get(native, "UTC"),
        native_time_zone=native,
        native_status=text(row, "AccountLifeCycleStatus", default=""),
        raw=fields.raw(row),
    )


def _campaign(row: Mapping[str, Any], notes: Notes) -> Campaign:
    fields.note_unknown(notes, "Campaign.", row, _KNOWN[Stream.CAMPAIGNS])
    status = text(row, "Status", default="")
    budget = fields.optional(row, "DailyBudget")
    return Campaign(
        id=identity(row, "Id"),
        name=text(row, "Name"),
        native_status=status,
        deleted=status == "Deleted",
        budget=budget,
        budget_type=None if budget is None else "daily",
        budget_id=None if row.get("BudgetId") is None else identity(row, "BudgetId"),
        raw=fields.raw(row),
    )


def _ad_group(row: Mapping[str, Any], notes: Notes, context: Mapping[str, str]) -> AdGroup:
    fields.note_unknown(notes, "AdGroup.", row, _KNOWN[Stream.AD_GROUPS])
    status = text(row, "Status", default="")
    return AdGroup(
        id=identity(row, "Id"),
        campaign_id=context["campaign_id"],
        name=text(row, "Name"),
        native_status=status,
        deleted=status == "Deleted",
        ended=status == "Expired",
        bid=fields.optional(row.get("CpcBid") or {}, "Amount"),
        raw=fields.raw(row),
    )


def _keyword(row: Mapping[str, Any], notes: Notes, context: Mapping[str, str]) -> Keyword:
    fields.note_unknown(notes, "Keyword.", row, _KNOWN[Stream.KEYWORDS])
    status = text(row, "Status", default="")
    return Keyword(
        id=identity(row, "Id"),
        ad_group_id=context["ad_group_id"],
        campaign_id=context["campaign_id"],
        text=text(row, "Text"),
        match_type=text(row, "MatchType", default=""),
        native_status=status,
        deleted=status == "Deleted",
        bid=fields.optional(row.get("Bid") or {}, "Amount"),
        raw=fields.raw(row),
    )


def _report(stream: Stream, body: BinaryIO) -> Iterator[Fact]:
    """The facts in a ZIP of one CSV with a byte order mark."""
    try:
        with zipfile.ZipFile(body) as folder:
            names = folder.namelist()
            if len(names) != 1:
                raise MalformedPageError(f"a report of {len(names)} files")
            with folder.open(names[0]) as packed:
                lines = csv.DictReader(io.TextIOWrapper(packed, "utf-8-sig", newline=""), strict=True)
                for row in lines:
                    yield _fact(row, stream)
    except (zipfile.BadZipFile, csv.Error, UnicodeDecodeError, EOFError) as error:
        raise MalformedPageError(f"a report that cannot be unpacked ({type(error).__name__})") from None


def _fact(row: Mapping[str, str | None], stream: Stream) -> Fact:
    cells = {name: None if value in ("--", "") else value for name, value in row.items()}
    if None in row or None in row.values():
        raise MalformedPageError("a line with more or fewer cells than the header")
    of_campaign, of_group = stream is not Stream.ACCOUNT_DAYS, "AdGroupId" in cells
    of_keyword = stream is Stream.KEYWORD_DAYS
    status = "KeywordStatus" if of_keyword else "AdGroupStatus" if of_group else "CampaignStatus"
    return Fact(
        day=_day(cells.get("TimePeriod")),
        campaign_id=identity(cells, "CampaignId") if of_campaign else "",
        ad_group_id=identity(cells, "AdGroupId") if of_group else "",
        keyword_id=identity(cells, "KeywordId") if of_keyword else "",
        impressions=whole(cells, "Impressions"),
        clicks=whole(cells, "Clicks"),
        spend=number(cells.get("Spend"), "Spend"),
        conversions=number(cells.get("ConversionsQualified"), "ConversionsQualified"),
        conversions_value=number(cells.get("Revenue"), "Revenue"),
        names={
            "campaign_name": text(cells, "CampaignName", default=""),
            "ad_group_name": text(cells, "AdGroupName", default=""),
            "text": text(cells, "Keyword", default=""),
            "match_type": text(cells, "BidMatchType", default=""),
            "native_status": text(cells, status, default=""),
        },
    )


def _day(value: str | None) -> date:
    """Microsoft writes days as 2026-10-01 or, in files of another format, as 10/1/2026."""
    if value is not None and "/" in value:
        try:
            return datetime.strptime(value, "%m/%d/%Y").date()  # noqa: DTZ007
        except ValueError:
            raise MalformedPageError("TimePeriod: not a day") from None
    return fields.day(value, "TimePeriod")

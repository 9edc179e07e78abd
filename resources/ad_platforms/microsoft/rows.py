"""The rows of Microsoft's entities and of its report files, as records.

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
# Microsoft's entities come with all that they have; what of it is new is told by what is not in here.
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
    """The records of a page; raises MalformedPageError. A report's file is read as a stream, row by row.

    `context`: `account_id` of an account page (Microsoft lists all), `campaign_id` and `ad_group_id` of what is below.
    """
    if stream in DAILY:
        return _report(stream, body)
    found = fields.rows(fields.decoded(body.read()), LISTS[stream])
    if stream is Stream.ACCOUNT:
        return (a for a in fields.each(found, _account, notes) if a[0] == context.get("account_id"))
    if stream is Stream.CAMPAIGNS:
        return fields.each(found, _campaign, notes)
    if stream is Stream.AD_GROUPS:
        return fields.each(found, lambda row, n: _ad_group(row, n, context), notes)
    return fields.each(found, lambda row, n: _keyword(row, n, context), notes)


def _account(row: Mapping[str, Any], notes: Notes) -> Account:
    native = text(row, "TimeZone")
    if native not in IANA:
        notes[f"time zone {native[:64]}"] += 1
    return Account(
        identity(row, "Id"),
        text(row, "Name", default=""),
        text(row, "CurrencyCode"),
        IANA.get(native, "UTC"),
        native,
        text(row, "AccountLifeCycleStatus", default=""),
        fields.raw(row),
    )


def _campaign(row: Mapping[str, Any], notes: Notes) -> Campaign:
    fields.note_unknown(notes, "Campaign.", row, _KNOWN[Stream.CAMPAIGNS])
    status = text(row, "Status", default="")
    budget = fields.optional(row, "DailyBudget")
    return Campaign(
        identity(row, "Id"),
        text(row, "Name"),
        status,
        status == "Deleted",
        False,
        budget,
        None if budget is None else "daily",
        None if row.get("BudgetId") is None else identity(row, "BudgetId"),
        None,
        None,
        fields.raw(row),
    )


def _ad_group(row: Mapping[str, Any], notes: Notes, context: Mapping[str, str]) -> AdGroup:
    fields.note_unknown(notes, "AdGroup.", row, _KNOWN[Stream.AD_GROUPS])
    status = text(row, "Status", default="")
    return AdGroup(
        identity(row, "Id"),
        context["campaign_id"],
        text(row, "Name"),
        status,
        status == "Deleted",
        status == "Expired",
        fields.optional(row.get("CpcBid") or {}, "Amount"),
        None,
        None,
        None,
        None,
        fields.raw(row),
    )


def _keyword(row: Mapping[str, Any], notes: Notes, context: Mapping[str, str]) -> Keyword:
    fields.note_unknown(notes, "Keyword.", row, _KNOWN[Stream.KEYWORDS])
    status = text(row, "Status", default="")
    return Keyword(
        identity(row, "Id"),
        context["ad_group_id"],
        context["campaign_id"],
        text(row, "Text"),
        text(row, "MatchType", default=""),
        status,
        status == "Deleted",
        False,
        fields.optional(row.get("Bid") or {}, "Amount"),
        None,  # only reports tell it
        fields.raw(row),
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
        raise MalformedPageError("a line with more or fewer cells than the head")
    of_campaign, of_group = stream is not Stream.ACCOUNT_DAYS, "AdGroupId" in cells
    of_keyword = stream is Stream.KEYWORD_DAYS
    status = "KeywordStatus" if of_keyword else "AdGroupStatus" if of_group else "CampaignStatus"
    return Fact(
        _day(cells.get("TimePeriod")),
        identity(cells, "CampaignId") if of_campaign else "",
        identity(cells, "AdGroupId") if of_group else "",
        identity(cells, "KeywordId") if of_keyword else "",
        whole(cells, "Impressions"),
        whole(cells, "Clicks"),
        number(cells.get("Spend"), "Spend"),
        number(cells.get("ConversionsQualified"), "ConversionsQualified"),
        number(cells.get("Revenue"), "Revenue"),
        {
            "campaign_name": text(cells, "CampaignName", default=""),
            "ad_group_name": text(cells, "AdGroupName", default=""),
            "text": text(cells, "Keyword", default=""),
            "match_type": text(cells, "BidMatchType", default=""),
            "native_status": text(cells, status, default=""),
        },
    )


def _day(value: str | None) -> date:
    """Microsoft writes days as 2026-10-01 or, in other formats of its files, as 10/1/2026."""
    if value is not None and "/" in value:
        try:
            return datetime.strptime(value, "%m/%d/%Y").date()  # noqa: DTZ007
        except ValueError:
            raise MalformedPageError("TimePeriod: not a day") from None
    return fields.day(value, "TimePeriod")

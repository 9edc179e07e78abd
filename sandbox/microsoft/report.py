"""What a report request asks of Microsoft Advertising, and the file that answers it: a ZIP of a CSV with a BOM.

What does not belong here: submitting, polling and links (`api`), and days in other zones (`zones`).
"""

import csv
import io
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sandbox.exchange import JSON
from sandbox.faults import Fault, doubled, malform
from sandbox.microsoft import errors, zones
from sandbox.microsoft.entities import STATUS
from sandbox.world.entities import Account, Level
from sandbox.world.series import Query, Series, totals
from sandbox.world.world import Row, moment

_LEVELS: dict[str, Level] = {
    "AccountPerformanceReportRequest": "account",
    "CampaignPerformanceReportRequest": "campaign",
    "AdGroupPerformanceReportRequest": "ad_group",
    "KeywordPerformanceReportRequest": "keyword",
}
_PREDEFINED = {"Today": (0, 0), "Yesterday": (1, 1), "LastSevenDays": (7, 1), "Last30Days": (30, 1)}


@dataclass(frozen=True, slots=True)
class Asked:
    """A checked report request, at a moment. `daily` is the aggregation; otherwise (Summary) a row spans the range."""

    account: Account
    level: Level
    columns: tuple[str, ...]
    since: date
    until: date
    zone: str
    daily: bool
    with_header: bool
    with_footer: bool
    with_names: bool
    name: str
    at: datetime


Cell = Callable[[Asked, Row], str]


def _money(micros: int) -> str:
    return str((Decimal(micros) / 1_000_000).quantize(Decimal("0.01")))


def _of_campaign(read: Callable[[Asked, Any], str]) -> Cell:
    return lambda asked, row: read(asked, row.campaign)


def _of_group(read: Callable[[Asked, Any], str]) -> Cell:
    return lambda asked, row: read(asked, row.ad_group)


def _of_keyword(read: Callable[[Asked, Any], str]) -> Cell:
    return lambda asked, row: read(asked, row.keyword)


def _period(asked: Asked, row: Row) -> str:
    return row.day.isoformat() if asked.daily else f"{asked.since.isoformat()} - {asked.until.isoformat()}"


_CELLS: dict[str, Cell] = {
    "TimePeriod": _period,
    "AccountId": lambda asked, _: asked.account.id,
    "AccountName": lambda asked, _: asked.account.name,
    "AccountNumber": lambda asked, _: f"F{asked.account.id}",
    "CurrencyCode": lambda asked, _: asked.account.currency,
    "Impressions": lambda _, row: str(row.fact.impressions),
    "Clicks": lambda _, row: str(row.fact.clicks),
    "Spend": lambda _, row: _money(row.fact.cost),
    "Conversions": lambda _, row: str(row.fact.conversions // 1_000_000),
    "ConversionsQualified": lambda _, row: _money(row.fact.conversions),
    "AllConversions": lambda _, row: str(row.fact.conversions // 1_000_000),
    "AllConversionsQualified": lambda _, row: _money(row.fact.conversions),
    "Revenue": lambda _, row: _money(row.fact.value),
    "AllRevenue": lambda _, row: _money(row.fact.value),
    "Ctr": lambda _, row: f"{100 * row.fact.clicks / row.fact.impressions:.2f}%" if row.fact.impressions else "--",
    "AverageCpc": lambda _, row: _money(row.fact.cost // row.fact.clicks) if row.fact.clicks else "--",
}
_CAMPAIGN_CELLS: dict[str, Cell] = {
    "CampaignId": _of_campaign(lambda _, campaign: str(campaign.id)),
    "CampaignName": _of_campaign(lambda asked, campaign: str(campaign.timeline.name_at(asked.at))),
    "CampaignStatus": _of_campaign(lambda asked, campaign: STATUS[campaign.timeline.state(asked.at)]),
}
_GROUP_CELLS: dict[str, Cell] = {
    "AdGroupId": _of_group(lambda _, group: str(group.id)),
    "AdGroupName": _of_group(lambda asked, group: str(group.timeline.name_at(asked.at))),
    "AdGroupStatus": _of_group(lambda asked, group: STATUS[group.timeline.state(asked.at)]),
}
_KEYWORD_CELLS: dict[str, Cell] = {
    "KeywordId": _of_keyword(lambda _, word: str(word.id)),
    "Keyword": _of_keyword(lambda _, word: str(word.text)),
    "KeywordStatus": _of_keyword(lambda asked, word: STATUS[word.timeline.state(asked.at)]),
    "BidMatchType": _of_keyword(lambda _, word: str(word.match_type.title())),
    "QualityScore": _of_keyword(lambda _, word: "--" if word.quality_score is None else str(word.quality_score)),
}
_COLUMNS: dict[Level, dict[str, Cell]] = {
    "account": _CELLS,
    "campaign": {**_CELLS, **_CAMPAIGN_CELLS},
    "ad_group": {**_CELLS, **_CAMPAIGN_CELLS, **_GROUP_CELLS},
    "keyword": {**_CELLS, **_CAMPAIGN_CELLS, **_GROUP_CELLS, **_KEYWORD_CELLS},
}


def asked(request: Mapping[str, Any], account: Account, at: datetime) -> Asked:
    """Raises `RefusedError` for what Microsoft does not accept. Types of values are taken on trust; names are not."""
    kind = request.get("Type")
    if kind not in _LEVELS:
        raise errors.bad_request(100, "NullRequest", f"The Type of the report request is missing or unknown: {kind}.")
    level = _LEVELS[kind]
    if request.get("Format", "Csv") != "Csv":
        raise errors.bad_request(2010, "InvalidReportFormat", "Only the format Csv is held here.")
    aggregation = request.get("Aggregation")
    if aggregation not in ("Daily", "Summary"):
        raise errors.bad_request(2012, "InvalidReportAggregation", "Aggregation must be Daily or Summary.")
    columns = tuple(request.get("Columns") or ())
    unknown = [column for column in columns if column not in _COLUMNS[level]]
    if unknown or not columns:
        raise errors.bad_request(2006, "InvalidReportColumns", f"Invalid report columns: {', '.join(unknown)}.")
    time = request.get("Time") or {}
    zone = time.get("ReportTimeZone") or zones.DEFAULT
    if zone not in zones.NAMES:
        raise errors.bad_request(2015, "InvalidReportTimeZone", f"Unknown ReportTimeZone {zone}.")
    since, until = _range(time, moment(account, at).today)
    return Asked(
        account,
        level,
        columns,
        since,
        until,
        zone,
        aggregation == "Daily",
        not request.get("ExcludeReportHeader"),
        not request.get("ExcludeReportFooter"),
        not request.get("ExcludeColumnHeaders"),
        str(request.get("ReportName") or kind),
        at,
    )


def _range(time: Mapping[str, Any], today: date) -> tuple[date, date]:
    if time.get("PredefinedTime"):
        if time["PredefinedTime"] not in _PREDEFINED:
            raise errors.bad_request(2009, "InvalidReportTime", f"Unknown PredefinedTime {time['PredefinedTime']}.")
        first, last = _PREDEFINED[time["PredefinedTime"]]
        return today - timedelta(days=first), today - timedelta(days=last)
    try:
        parts = (time["CustomDateRangeStart"], time["CustomDateRangeEnd"])
        since, until = (date(int(part["Year"]), int(part["Month"]), int(part["Day"])) for part in parts)
    except (KeyError, TypeError, ValueError):
        raise errors.bad_request(2009, "InvalidReportTime", "The custom date range is missing or no date.") from None
    if since > until:
        raise errors.bad_request(2009, "InvalidReportTime", "The custom date range ends before it starts.")
    return since, min(until, today)


def rows(series: Series, wanted: Asked) -> Iterator[Row]:
    query = Query(wanted.account, wanted.level, wanted.since, wanted.until, moment(wanted.account, wanted.at))
    found = zones.rows(series, query, wanted.zone)
    return found if wanted.daily else iter(totals(found))


def archive(series: Series, wanted: Asked, report_id: str, fault: Fault | None) -> bytes:
    """The file behind the download link."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    if wanted.with_header:
        span = f"{wanted.since.month}/{wanted.since.day}/{wanted.since.year}"
        end = f"{wanted.until.month}/{wanted.until.day}/{wanted.until.year}"
        for line in (
            f"Report Name: {wanted.name}",
            f"Report Time: {span} - {end}",
            f"Time Zone: {wanted.zone}",
            f"Last Completed Available Day: {wanted.until}",
            f"Last Completed Available Hour: {wanted.until} 23:00:00",
            "Report Aggregation: Daily" if wanted.daily else "Report Aggregation: Summary",
            "Report Filter: ",
            "Potential Incomplete Data: true",
        ):
            writer.writerow([line])
        text.write("\r\n")
    if wanted.with_names:
        writer.writerow(wanted.columns)
    cells = _COLUMNS[wanted.level]
    lines: list[JSON] = [{name: cells[name](wanted, row) for name in wanted.columns} for row in rows(series, wanted)]
    for line_cells in doubled(malform(lines, fault), fault):
        writer.writerow([line_cells.get(name, "") for name in wanted.columns])
    if wanted.with_footer:
        text.write("\r\n")
        writer.writerow(["©2026 Microsoft Corporation. All rights reserved. "])
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as folder:
        # A fixed date keeps the same report the same bytes.
        folder.writestr(zipfile.ZipInfo(f"{report_id}.csv"), b"\xef\xbb\xbf" + text.getvalue().encode())
    return packed.getvalue()

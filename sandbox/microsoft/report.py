"""What a report request asks of Microsoft Advertising, and the file that answers it: a ZIP of a CSV with a BOM.

What does not belong here: submitting, polling and links (`api`), and the names of time zones (`entities`).
"""

import csv
import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sandbox.exchange import JSON, unanswered
from sandbox.faults import Fault, whole_list
from sandbox.microsoft import errors
from sandbox.microsoft.entities import DEFAULT_ZONE, STATUS, ZONES
from sandbox.world.entities import Account, Level
from sandbox.world.facts import cents
from sandbox.world.series import Query, Series
from sandbox.world.world import moment

_LEVELS: dict[str, Level] = {
    "AccountPerformanceReportRequest": "account",
    "CampaignPerformanceReportRequest": "campaign",
    "AdGroupPerformanceReportRequest": "ad_group",
    "KeywordPerformanceReportRequest": "keyword",
}


@dataclass(frozen=True, slots=True)
class Report:
    """A checked report request by day, in the account's own time zone."""

    query: Query
    columns: tuple[str, ...]


# What a cell shows: the query and a row, whose entities are those of the report's level or above.
Cell = Callable[[Query, Any], str]

_ACCOUNT_CELLS: dict[str, Cell] = {
    "TimePeriod": lambda _, row: row.day.isoformat(),
    "AccountId": lambda query, _: query.account.id,
    "CurrencyCode": lambda query, _: query.account.currency,
    "Impressions": lambda _, row: str(row.fact.impressions),
    "Clicks": lambda _, row: str(row.fact.clicks),
    "Spend": lambda _, row: str(cents(row.fact.cost)),
    "Conversions": lambda _, row: str(row.fact.conversions // 1_000_000),
    "ConversionsQualified": lambda _, row: str(cents(row.fact.conversions)),
    "Revenue": lambda _, row: str(cents(row.fact.value)),
}
_CAMPAIGN_CELLS: dict[str, Cell] = {
    "CampaignId": lambda _, row: str(row.campaign.id),
    "CampaignName": lambda query, row: str(row.campaign.timeline.name_at(query.at)),
    "CampaignStatus": lambda query, row: STATUS[row.campaign.timeline.state(query.at)],
}
_GROUP_CELLS: dict[str, Cell] = {
    "AdGroupId": lambda _, row: str(row.ad_group.id),
    "AdGroupName": lambda query, row: str(row.ad_group.timeline.name_at(query.at)),
    "AdGroupStatus": lambda query, row: STATUS[row.ad_group.timeline.state(query.at)],
}
_KEYWORD_CELLS: dict[str, Cell] = {
    "KeywordId": lambda _, row: str(row.keyword.id),
    "Keyword": lambda _, row: str(row.keyword.text),
    "KeywordStatus": lambda query, row: STATUS[row.keyword.timeline.state(query.at)],
    "BidMatchType": lambda _, row: str(row.keyword.match_type.title()),
    "QualityScore": lambda _, row: "--" if row.keyword.quality_score is None else str(row.keyword.quality_score),
}
_COLUMNS: dict[Level, dict[str, Cell]] = {
    "account": _ACCOUNT_CELLS,
    "campaign": {**_ACCOUNT_CELLS, **_CAMPAIGN_CELLS},
    "ad_group": {**_ACCOUNT_CELLS, **_CAMPAIGN_CELLS, **_GROUP_CELLS},
    "keyword": {**_ACCOUNT_CELLS, **_CAMPAIGN_CELLS, **_GROUP_CELLS, **_KEYWORD_CELLS},
}


def checked(request: Mapping[str, Any], account: Account, at: datetime) -> Report:
    """Raises `RefusedError` for a request that Microsoft refuses or the sandbox does not answer."""
    kind = request.get("Type")
    if kind not in _LEVELS:
        raise errors.bad_request(100, "NullRequest", f"The Type of the report request is missing or unknown: {kind}.")
    level = _LEVELS[kind]
    if request.get("Format", "Csv") != "Csv":
        raise errors.bad_request(2010, "InvalidReportFormat", "The sandbox writes only the format Csv.")
    if request.get("Aggregation") != "Daily":
        raise errors.bad_request(2012, "InvalidReportAggregation", "The sandbox aggregates only by day: Daily.")
    columns = tuple(request.get("Columns") or ())
    unknown = [column for column in columns if column not in _COLUMNS[level]]
    if unknown or not columns:
        raise errors.bad_request(2006, "InvalidReportColumns", f"Invalid report columns: {', '.join(unknown)}.")
    excluded = [bool(request.get(f"Exclude{part}")) for part in ("ReportHeader", "ReportFooter", "ColumnHeaders")]
    if excluded != [True, True, False]:
        raise unanswered("reports with a header or a footer, or without column headers")
    time = request.get("Time") or {}
    zone = time.get("ReportTimeZone") or DEFAULT_ZONE
    if zone not in ZONES:
        raise errors.bad_request(2015, "InvalidReportTimeZone", f"Unknown ReportTimeZone {zone}.")
    since, until = _range(time)
    if ZONES[zone] != account.time_zone:
        raise unanswered(f"reports of this account in the zone {zone}, because their days are not the account's days")
    return Report(Query(account, level, since, min(until, moment(account, at).today), at), columns)


def _range(time: Mapping[str, Any]) -> tuple[date, date]:
    try:
        parts = (time["CustomDateRangeStart"], time["CustomDateRangeEnd"])
        since, until = (date(int(part["Year"]), int(part["Month"]), int(part["Day"])) for part in parts)
    except (KeyError, TypeError, ValueError):
        text = "The custom date range is missing or malformed. The sandbox has no PredefinedTime."
        raise errors.bad_request(2009, "InvalidReportTime", text) from None
    if since > until:
        raise errors.bad_request(2009, "InvalidReportTime", "The custom date range ends before it starts.")
    return since, until


def archive(series: Series, report: Report, report_id: str, fault: Fault | None) -> bytes:
    """The file behind the download link."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(report.columns)
    cells = _COLUMNS[report.query.level]
    lines: list[JSON] = [
        {name: cells[name](report.query, row) for name in report.columns} for row in series.slice(report.query, 0)
    ]
    for line in whole_list(lines, fault):
        writer.writerow([line.get(name, "") for name in report.columns])
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as folder:
        # With the fixed date of ZipInfo the same report always has the same bytes.
        folder.writestr(zipfile.ZipInfo(f"{report_id}.csv"), b"\xef\xbb\xbf" + text.getvalue().encode())
    return packed.getvalue()

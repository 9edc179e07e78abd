"""What a report request asks of Microsoft Advertising, and the file that answers it.

What does not belong here: submitting, polling and links (`api`), and the names of time zones (`entities`).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sandbox.exchange import JSON, unanswered
from sandbox.faults import Fault, FaultKind, whole_list
from sandbox.microsoft import errors
from sandbox.microsoft.entities import DEFAULT_ZONE, STATUS, ZONES
from sandbox.microsoft.files import packed
from sandbox.world.actions import Action, actions
from sandbox.world.entities import Account, Level
from sandbox.world.facts import NOTHING, Fact, cents
from sandbox.world.series import Query, Series
from sandbox.world.world import Row, moment

_LEVELS: dict[str, Level] = {
    "AccountPerformanceReportRequest": "account",
    "CampaignPerformanceReportRequest": "campaign",
    "AdGroupPerformanceReportRequest": "ad_group",
    "AdPerformanceReportRequest": "ad",
    "KeywordPerformanceReportRequest": "keyword",
}


_KNOWN = frozenset(
    {"Type", "ReportName", "Format", "FormatVersion", "Aggregation", "Columns", "Scope", "Time"}
    | {"ExcludeReportHeader", "ExcludeReportFooter", "ExcludeColumnHeaders", "ReturnOnlyCompleteData"}
)


@dataclass(frozen=True, slots=True)
class Report:
    """A checked report request by day, in the account's own time zone."""

    query: Query
    columns: tuple[str, ...]
    name: str
    header: bool
    footer: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a report or a part of it: its goal where it is one of a goal, and the match type that was matched."""

    row: Any
    goal: Action | None = None
    match_type: str = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.row, name)


# What a cell shows: the query and a line, whose entities are those of the report's level or above.
Cell = Callable[[Query, Any], str]

_ACCOUNT_CELLS: dict[str, Cell] = {
    "TimePeriod": lambda _, row: row.day.isoformat(),
    "AccountId": lambda query, _: query.account.id,
    "CurrencyCode": lambda query, _: query.account.currency,
    "Impressions": lambda _, line: _grouped(line, line.fact.impressions),
    "Clicks": lambda _, line: _grouped(line, line.fact.clicks),
    "Spend": lambda _, line: _grouped(line, cents(line.fact.cost)),
    "Goal": lambda _, line: line.goal.name,
    "ConversionsQualified": lambda _, line: _number(_counted(line).count),
    "Revenue": lambda _, line: _number(_counted(line).value),
    "AllConversionsQualified": lambda _, line: _number(line.goal.count),
    "AllRevenue": lambda _, line: _number(line.goal.value),
}
_BY_GOAL = frozenset({"Goal", "AllConversionsQualified", "AllRevenue"})
_NOT_BY_GOAL = frozenset({"Impressions", "Clicks", "Spend"})
_NO_ACTION = Action("", "", "primary", Decimal(0), Decimal(0))


def _counted(line: Line) -> Action:
    """What Microsoft counts in its own columns: of a line's goal, or of all."""
    found = [line.goal] if line.goal else actions("microsoft", line.row.fact)
    return next((action for action in found if action is not None and action.window == "primary"), _NO_ACTION)


def _number(value: Decimal) -> str:
    return f"{value:.2f}"


def _grouped(line: Line, value: int | Decimal) -> str:
    """Microsoft writes thousands with and without commas."""
    return f"{value:,}" if line.row.day.toordinal() % 2 else str(value)


_CAMPAIGN_CELLS: dict[str, Cell] = {
    "CampaignId": lambda _, row: str(row.campaign.id),
    "CampaignName": lambda query, row: str(row.campaign.timeline.name_at(query.at)),
    "CampaignStatus": lambda query, row: STATUS[row.campaign.timeline.state(query.at)],
}
_GROUP_CELLS: dict[str, Cell] = {
    "AdGroupId": lambda _, row: str(row.ad_group.id),
    "AdGroupName": lambda query, row: str(row.ad_group.timeline.name_at(query.at)),
}
_AD_CELLS: dict[str, Cell] = {
    "AdId": lambda _, row: str(row.ad.id),
    "AdTitle": lambda _, row: str(row.ad.headline),
    "AdStatus": lambda query, row: STATUS[row.ad.timeline.state(query.at)],
}


def _group_status(query: Query, row: Any) -> str:
    return STATUS[row.ad_group.timeline.state(query.at)]


_KEYWORD_CELLS: dict[str, Cell] = {
    "KeywordId": lambda _, row: str(row.keyword.id),
    "Keyword": lambda _, row: str(row.keyword.text),
    "KeywordStatus": lambda query, row: STATUS[row.keyword.timeline.state(query.at)],
    "BidMatchType": lambda _, line: str(line.match_type),
    "QualityScore": lambda _, row: "--" if row.keyword.quality_score is None else str(row.keyword.quality_score),
}
_COLUMNS: dict[Level, dict[str, Cell]] = {
    "account": _ACCOUNT_CELLS,
    "campaign": {**_ACCOUNT_CELLS, **_CAMPAIGN_CELLS},
    # Only here the status of an ad group is `Status`.
    "ad_group": {**_ACCOUNT_CELLS, **_CAMPAIGN_CELLS, **_GROUP_CELLS, "Status": _group_status},
    "ad": {**_ACCOUNT_CELLS, **_CAMPAIGN_CELLS, **_GROUP_CELLS, "AdGroupStatus": _group_status, **_AD_CELLS},
    "keyword": {**_ACCOUNT_CELLS, **_CAMPAIGN_CELLS, **_GROUP_CELLS, "AdGroupStatus": _group_status, **_KEYWORD_CELLS},
}


def checked(request: Mapping[str, Any], account: Account, at: datetime) -> Report:
    """Raises `RefusedError` for a request that Microsoft refuses or the sandbox does not answer."""
    if unknown := request.keys() - _KNOWN:
        raise unanswered(f"reports with {', '.join(sorted(unknown))}")
    kind = request.get("Type")
    if kind not in _LEVELS:
        raise errors.bad_request(100, "NullRequest", f"The Type of the report request is missing or unknown: {kind}.")
    level = _LEVELS[kind]
    if request.get("Format", "Csv") != "Csv":
        raise errors.bad_request(2010, "InvalidReportFormat", "The sandbox writes only the format Csv.")
    if request.get("Aggregation") != "Daily":
        raise errors.bad_request(2012, "InvalidReportAggregation", "The sandbox aggregates only by day: Daily.")
    columns = tuple(request.get("Columns") or ())
    wrong = [column for column in columns if column not in _COLUMNS[level]]
    if wrong or not columns:
        raise errors.bad_request(2006, "InvalidReportColumns", f"Invalid report columns: {', '.join(wrong)}.")
    if _NOT_BY_GOAL & set(columns) and _BY_GOAL & set(columns):
        raise unanswered("reports with impressions, clicks or spend by goal")
    if request.get("ExcludeColumnHeaders"):
        raise unanswered("reports without column headers")
    time = request.get("Time") or {}
    zone = time.get("ReportTimeZone") or DEFAULT_ZONE
    if zone not in ZONES:
        raise errors.bad_request(2015, "InvalidReportTimeZone", f"Unknown ReportTimeZone {zone}.")
    since, until = _range(time)
    if ZONES[zone] != account.time_zone:
        raise unanswered(f"reports of this account in the zone {zone}, because their days are not the account's days")
    query = Query(account, level, since, min(until, moment(account, at).today), at)
    name = str(request.get("ReportName") or kind)
    return Report(query, columns, name, not request.get("ExcludeReportHeader"), not request.get("ExcludeReportFooter"))


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
    return packed(report_id, _lines(series, report, fault))


def _lines(series: Series, report: Report, fault: Fault | None) -> Iterator[list[str]]:
    query, cells = report.query, _COLUMNS[report.query.level]
    rows: list[JSON] = [
        {name: cells[name](query, line) for name in report.columns}
        for row in series.slice(query, 0)
        for line in _parts(report, row)
    ]
    rows = whole_list(rows, fault)
    anyway = fault is not None and fault.kind is FaultKind.FOOTER_ANYWAY
    if report.header or anyway:
        yield [f"Report Name: {report.name}"]
        yield [f"Report Time: {query.since:%m/%d/%Y},{query.until:%m/%d/%Y}"]
        yield ["Report Aggregation: Daily"]
        yield ["Potential Incomplete Data: true"]
        yield [f"Rows: {len(rows)}"]
        yield []
    yield list(report.columns)
    for row in rows:
        yield [row.get(name, "") for name in report.columns]
    if report.footer or anyway:
        yield []
        yield ["©2026 Microsoft Corporation. All rights reserved. "]


def _parts(report: Report, row: Row) -> Iterator[Line]:
    """A line for each goal, or for each match type of a keyword, if the report shows these."""
    if _BY_GOAL & set(report.columns):
        yield from (Line(row, goal) for goal in actions("microsoft", row.fact))
    elif "BidMatchType" not in report.columns or row.keyword is None:
        yield Line(row)
    else:
        own, unknown = _split(row.fact)
        yield Line(row._replace(fact=own), match_type=row.keyword.match_type.title())
        if unknown != NOTHING:
            yield Line(row._replace(fact=unknown), match_type="Unknown")


def _split(fact: Fact) -> tuple[Fact, Fact]:
    """Of some days, a fifth has no known match type."""
    if fact.impressions % 3:
        return fact, NOTHING
    cost = fact.cost // 5 // 1_000_000 * 1_000_000
    unknown = Fact(fact.impressions // 5, fact.clicks // 5, cost, 0, 0, 0)
    rest = Fact(*(whole - part for whole, part in zip(fact, unknown, strict=True)))
    return rest, unknown

"""Microsoft's report files, as facts and conversions.

What does not belong here: requests (client.py) and entities (bulk.py).
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any, BinaryIO

from resources.ad_platforms import fields
from resources.ad_platforms.fields import identity, number, text, whole
from resources.ad_platforms.microsoft.files import unpacked
from resources.ad_platforms.microsoft.words import GOALS, METRICS, REPORTS
from resources.ad_platforms.records import Conversion, Fact, Level, MalformedPageError, Notes, Record

_NAMES = {
    "campaign_name": "CampaignName",
    "ad_group_name": "AdGroupName",
    "ad_name": "AdTitle",
    "text": "Keyword",
    "match_type": "BidMatchType",
}


def read(level: Level, body: BinaryIO, context: Mapping[str, str], notes: Notes) -> Iterator[Record]:
    """The facts or, where `of` of the context is `conversions`, these; a MalformedPageError if the file cannot be
    read."""
    of = context.get("of", "facts")
    report = REPORTS[level]
    known = {"TimePeriod", *report.ids, *report.attributes, *(GOALS if of == "conversions" else METRICS)}
    for row in fields.of_account(_rows(body), context.get("account"), lambda row: [row.get("AccountId")]):
        fields.note_unknown(notes, "report.", row, known)
        if of == "conversions":
            yield from _conversions(level, row)
        else:
            yield _fact(level, row)


def _rows(body: BinaryIO) -> Iterator[dict[str, str | None]]:
    """The lines below the column headers. A report's own header and footer may come although they are excluded: lines
    of one cell, such as `Report Time: 11/1/2026,11/20/2026` and the copyright."""
    header: list[str] = []
    for cells in unpacked(body):
        if len(cells) <= 1 and (not header or not cells or not cells[0] or cells[0].startswith("©")):
            continue
        if not header:
            if "TimePeriod" not in cells:
                raise MalformedPageError("a report without its column headers")
            header = cells
        elif len(cells) == len(header):
            yield {name: None if cell in ("--", "") else cell for name, cell in zip(header, cells, strict=True)}
        else:
            raise MalformedPageError("a line with more or fewer cells than the header")
    if not header:
        raise MalformedPageError("a report without its column headers")


def _ids(level: Level, row: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """Campaign, ad group, ad and keyword; '' below the level."""
    found = {name: identity(row, name) for name in REPORTS[level].ids[1:]}
    campaign, group, ad, keyword = (found.get(f"{name}Id", "") for name in ("Campaign", "AdGroup", "Ad", "Keyword"))
    return campaign, group, ad, keyword


def _fact(level: Level, row: Mapping[str, Any]) -> Fact:
    report = REPORTS[level]
    return Fact(
        _day(row.get("TimePeriod")),
        *_ids(level, row),
        impressions=whole(row, "Impressions"),
        clicks=whole(row, "Clicks"),
        spend=number(row.get("Spend"), "Spend"),
        conversions=number(row.get("ConversionsQualified"), "ConversionsQualified"),
        conversions_value=number(row.get("Revenue"), "Revenue"),
        names={
            **{name: text(row, column, default="") for name, column in _NAMES.items()},
            "native_status": text(row, report.status, default="") if report.status else "",
        },
        # A report has a row for each combination of its attributes.
        segments=tuple(row.get(name) or "" for name in report.attributes),
    )


def _conversions(level: Level, row: Mapping[str, Any]) -> Iterator[Conversion]:
    """What Microsoft itself counts of a goal (`primary`), and what it has of it besides (`secondary`)."""
    goal = text(row, "Goal", default="")
    if not goal:
        return
    day, ids = _day(row.get("TimePeriod")), _ids(level, row)
    count, value, all_count, all_value = (number(row.get(name), name) for name in GOALS[1:])
    if count or value:
        yield Conversion(day, *ids, goal, "", "primary", count, value)
    if all_count != count or all_value != value:
        yield Conversion(day, *ids, goal, "", "secondary", all_count - count, all_value - value)


def _day(value: str | None) -> date:
    """Microsoft writes days as 2026-10-01 or, in files of another format, as 10/1/2026."""
    if value is not None and "/" in value:
        try:
            return datetime.strptime(value, "%m/%d/%Y").date()  # noqa: DTZ007
        except ValueError:
            raise MalformedPageError("TimePeriod: not a day") from None
    return fields.day(value, "TimePeriod")

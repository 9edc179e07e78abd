"""The rows of TikTok's lists and reports, as records.

What does not belong here: requests (client.py).
"""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import partial
from typing import Any, BinaryIO

from resources.ad_platforms import fields
from resources.ad_platforms.fields import identity, number, part, text, whole, word
from resources.ad_platforms.records import (
    Account,
    Ad,
    AdGroup,
    Campaign,
    Conversion,
    Creative,
    Fact,
    Level,
    Notes,
    Record,
    Stream,
)
from resources.ad_platforms.tiktok import words

_KNOWN = {stream: frozenset(names) for stream, (_, names) in words.LISTS.items()}
_ACCOUNT = frozenset(words.ACCOUNT_FIELDS)
_METRICS = frozenset(words.METRICS) | fields.listed("campaign_id campaign_name adgroup_id adgroup_name ad_name")


def read(stream: Stream, body: BinaryIO, context: Mapping[str, str], notes: Notes) -> Iterator[Record]:
    """The records of a page; a MalformedPageError if it cannot be read."""
    found = fields.rows(part(fields.decoded(body.read()), "data"), "list")
    rows = fields.of_account(found, context.get("account"), _accounts)
    if stream.is_daily:
        return fields.record_lists(rows, partial(_day, stream.level), notes)
    return fields.records(rows, _READ[stream], notes)


def _accounts(row: Mapping[str, Any]) -> Iterator[Any]:
    """The advertiser that an entity or the report of an account names. Reports below the account have no column of
    it."""
    dimensions = row.get("dimensions")
    yield row.get("advertiser_id")
    yield dimensions.get("advertiser_id") if isinstance(dimensions, dict) else None


def _account(row: Mapping[str, Any], notes: Notes) -> Account:
    fields.note_unknown(notes, "advertiser.", row, _ACCOUNT)
    return Account(
        id=identity(row, "advertiser_id"),
        name=text(row, "name", default=""),
        currency=text(row, "currency"),
        # `timezone` is like Etc/GMT+5, which knows no daylight saving.
        time_zone=text(row, "display_timezone"),
        native_time_zone=text(row, "timezone", default=""),
        native_status=text(row, "status", default=""),
        raw=fields.raw(row),
    )


def _campaign(row: Mapping[str, Any], notes: Notes) -> Campaign:
    fields.note_unknown(notes, "campaign.", row, _KNOWN[Stream.CAMPAIGNS])
    word(row, "objective_type", words.OBJECTIVES, notes)
    status = text(row, "secondary_status", default="")
    budget, budget_type = _budget(row, notes)
    return Campaign(
        id=identity(row, "campaign_id"),
        name=text(row, "campaign_name"),
        native_status=status,
        deleted=status in words.DELETED,
        budget=budget,
        budget_type=budget_type,
        created_at=fields.time(row.get("create_time"), "create_time"),
        source_updated_at=fields.time(row.get("modify_time"), "modify_time"),
        raw=fields.raw(row),
    )


def _ad_group(row: Mapping[str, Any], notes: Notes) -> AdGroup:
    fields.note_unknown(notes, "adgroup.", row, _KNOWN[Stream.AD_GROUPS])
    status = text(row, "secondary_status", default="")
    budget, budget_type = _budget(row, notes)
    return AdGroup(
        id=identity(row, "adgroup_id"),
        campaign_id=identity(row, "campaign_id"),
        name=text(row, "adgroup_name"),
        native_status=status,
        deleted=status in words.DELETED,
        bid=fields.optional(row, "bid_price"),
        budget=budget,
        budget_type=budget_type,
        created_at=fields.time(row.get("create_time"), "create_time"),
        source_updated_at=fields.time(row.get("modify_time"), "modify_time"),
        raw=fields.raw(row),
    )


def _ad(row: Mapping[str, Any], notes: Notes) -> Ad:
    fields.note_unknown(notes, "ad.", row, _KNOWN[Stream.ADS])
    status, kind = text(row, "secondary_status", default=""), word(row, "ad_format", words.AD_FORMATS, notes)
    return Ad(
        id=identity(row, "ad_id"),
        ad_group_id=identity(row, "adgroup_id"),
        campaign_id=identity(row, "campaign_id"),
        name=text(row, "ad_name"),
        native_status=status,
        deleted=status in words.DELETED,
        creative=Creative(
            id=text(row, "video_id", default=""),
            kind=kind,
            headline=text(row, "display_name", default=""),
            body=text(row, "ad_text", default=""),
            landing_page=text(row, "landing_page_url", default=""),
        ),
        created_at=fields.time(row.get("create_time"), "create_time"),
        source_updated_at=fields.time(row.get("modify_time"), "modify_time"),
        raw=fields.raw(row),
    )


_READ: Mapping[Stream, Callable[[Mapping[str, Any], Notes], Record]] = {
    Stream.ACCOUNT: _account,
    Stream.CAMPAIGNS: _campaign,
    Stream.AD_GROUPS: _ad_group,
    Stream.ADS: _ad,
}


def _budget(row: Mapping[str, Any], notes: Notes) -> tuple[Decimal | None, str | None]:
    budget_type = words.BUDGETS.get(word(row, "budget_mode", words.BUDGET_MODES, notes))
    return (number(row.get("budget"), "budget"), budget_type) if budget_type else (None, None)


def _day(level: Level, row: Mapping[str, Any], notes: Notes) -> Iterator[Record]:
    """The fact of a row, and its conversions by action. `-` stands for no number at all."""
    dimensions = part(row, "dimensions")
    metrics = {name: None if value == "-" else value for name, value in part(row, "metrics").items()}
    fields.note_unknown(notes, "report.", metrics, _METRICS)
    named = {**metrics, **dimensions}
    day = fields.day(dimensions.get("stat_time_day"), "stat_time_day")
    campaign_id = identity(named, "campaign_id") if level is not Level.ACCOUNT else ""
    ad_group_id = identity(named, "adgroup_id") if level in (Level.AD_GROUP, Level.AD) else ""
    ad_id = identity(named, "ad_id") if level is Level.AD else ""
    payments = "complete_payment"
    yield Fact(
        day,
        campaign_id,
        ad_group_id,
        ad_id,
        "",
        impressions=whole(metrics, "impressions"),
        clicks=whole(metrics, "clicks"),
        spend=number(metrics.get("spend"), "spend"),
        conversions=number(metrics.get(payments), payments),
        conversions_value=number(metrics.get(words.ACTIONS[payments]), words.ACTIONS[payments]),
        names={
            "campaign_name": text(metrics, "campaign_name", default=""),
            "ad_group_name": text(metrics, "adgroup_name", default=""),
            "ad_name": text(metrics, "ad_name", default=""),
        },
    )
    if level is Level.ACCOUNT:
        return
    for action, valued in words.ACTIONS.items():
        count = number(metrics.get(action), action)
        value = number(metrics.get(valued), valued)
        if count or value:
            yield Conversion(day, campaign_id, ad_group_id, ad_id, "", action, "", "default", count, value)

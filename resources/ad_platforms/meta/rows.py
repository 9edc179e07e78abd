"""The rows of Meta's lists and insights, as records.

What does not belong here: requests (client.py) and errors (answers.py).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, BinaryIO

from resources.ad_platforms import fields
from resources.ad_platforms.fields import NOTHING, identity, listed, number, text, whole, word
from resources.ad_platforms.meta import words
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

ACCOUNT_FIELDS = ("account_id", "name", "currency", "timezone_name", "account_status")
CAMPAIGN_FIELDS = (
    "id", "account_id", "name", "status", "effective_status", "objective", "daily_budget", "lifetime_budget",
    "created_time", "updated_time",
)  # fmt: skip
AD_SET_FIELDS = (
    "id", "account_id", "campaign_id", "name", "status", "effective_status", "daily_budget", "lifetime_budget",
    "bid_amount", "created_time", "updated_time",
)  # fmt: skip
CREATIVE_FIELDS = (
    "id", "name", "title", "body", "object_type", "link_url", "object_url", "url_tags", "object_story_spec",
)  # fmt: skip
AD_FIELDS = (
    "id", "account_id", "adset_id", "campaign_id", "name", "status", "effective_status", "created_time", "updated_time",
    f"creative{{{','.join(CREATIVE_FIELDS)}}}",
)  # fmt: skip
_METRICS = ("account_id", "impressions", "clicks", "spend", "actions", "action_values", "account_currency")
INSIGHTS = {
    Level.ACCOUNT: _METRICS,
    Level.CAMPAIGN: ("campaign_id", "campaign_name", *_METRICS),
    Level.AD_GROUP: ("campaign_id", "campaign_name", "adset_id", "adset_name", *_METRICS),
    Level.AD: ("campaign_id", "campaign_name", "adset_id", "adset_name", "ad_id", "ad_name", *_METRICS),
}
_KNOWN = {
    "account.": {*ACCOUNT_FIELDS, "id"},
    "campaign.": frozenset(CAMPAIGN_FIELDS),
    "adset.": frozenset(AD_SET_FIELDS),
    "ad.": {*AD_FIELDS, "creative"},
    "creative.": frozenset(CREATIVE_FIELDS),
    "insights.": {*INSIGHTS[Level.AD], "date_start", "date_stop"},
}
# Currencies without minor units at Meta; ISO 4217 differs.
_OFFSET_ONE = listed("CLP COP CRC HUF IDR ISK JPY KRW PYG TWD VND")
_PURCHASE = words.alternatives("purchase")


def read(stream: Stream, body: BinaryIO, context: Mapping[str, str], notes: Notes) -> Iterator[Record]:
    """The records of a page; a MalformedPageError if it cannot be read.

    `context`: the account's `currency`; for insights, the `attribution` windows of the request.
    """
    page = fields.decoded(body.read())
    found = [page] if stream is Stream.ACCOUNT else fields.rows(page, "data")
    rows = fields.of_account(found, context.get("account"), accounts)
    if stream is Stream.ACCOUNT:
        return fields.records(rows, _account, notes)
    if stream.is_daily:
        windows = [window for window in context.get("attribution", "").split("+") if window]
        return fields.record_lists(rows, partial(_day, stream.level, windows), notes)
    offset = Decimal(1 if context.get("currency") in _OFFSET_ONE else 100)
    return fields.records(rows, partial(_READ[stream], offset), notes)


def accounts(row: Mapping[str, Any]) -> Iterator[str]:
    """The account that a row or a job names. An ad's creative is one of the ad's account."""
    if row.get("account_id") is not None:
        yield str(row["account_id"]).removeprefix("act_")


def _account(row: Mapping[str, Any], notes: Notes) -> Account:
    fields.note_unknown(notes, "account.", row, _KNOWN["account."])
    zone = text(row, "timezone_name")
    return Account(
        id=identity(row, "account_id"),
        name=text(row, "name", default=""),
        currency=text(row, "currency"),
        time_zone=zone,
        native_time_zone=zone,
        native_status=str(whole(row, "account_status")),
        raw=fields.raw(row),
    )


def _campaign(offset: Decimal, row: Mapping[str, Any], notes: Notes) -> Campaign:
    fields.note_unknown(notes, "campaign.", row, _KNOWN["campaign."])
    word(row, "objective", words.OBJECTIVES, notes)
    status = text(row, "effective_status", default="")
    budget, budget_type = _budget(row, offset)
    return Campaign(
        id=identity(row, "id"),
        name=text(row, "name"),
        native_status=status,
        deleted=status == "DELETED",
        ended=status == "ARCHIVED",
        budget=budget,
        budget_type=budget_type,
        created_at=fields.time(row.get("created_time"), "created_time"),
        source_updated_at=fields.time(row.get("updated_time"), "updated_time"),
        raw=fields.raw(row),
    )


def _ad_group(offset: Decimal, row: Mapping[str, Any], notes: Notes) -> AdGroup:
    fields.note_unknown(notes, "adset.", row, _KNOWN["adset."])
    status = text(row, "effective_status", default="")
    budget, budget_type = _budget(row, offset)
    bid = fields.optional(row, "bid_amount")
    return AdGroup(
        id=identity(row, "id"),
        campaign_id=identity(row, "campaign_id"),
        name=text(row, "name"),
        native_status=status,
        deleted=status == "DELETED",
        ended=status == "ARCHIVED",
        bid=None if bid is None else bid / offset,
        budget=budget,
        budget_type=budget_type,
        created_at=fields.time(row.get("created_time"), "created_time"),
        source_updated_at=fields.time(row.get("updated_time"), "updated_time"),
        raw=fields.raw(row),
    )


def _ad(_offset: Decimal, row: Mapping[str, Any], notes: Notes) -> Ad:
    fields.note_unknown(notes, "ad.", row, _KNOWN["ad."])
    status = text(row, "effective_status", default="")
    creative = row.get("creative") or {}
    fields.note_unknown(notes, "creative.", creative, _KNOWN["creative."])
    return Ad(
        id=identity(row, "id"),
        ad_group_id=identity(row, "adset_id"),
        campaign_id=identity(row, "campaign_id"),
        name=text(row, "name"),
        native_status=status,
        deleted=status == "DELETED",
        ended=status == "ARCHIVED",
        creative=Creative(
            id=identity(creative, "id") if creative else "",
            kind=text(creative, "object_type", default=""),
            headline=text(creative, "title", default=""),
            body=text(creative, "body", default=""),
            landing_page=_landing_page(creative),
            url_parameters=text(creative, "url_tags", default=""),
        ),
        created_at=fields.time(row.get("created_time"), "created_time"),
        source_updated_at=fields.time(row.get("updated_time"), "updated_time"),
        raw=fields.raw(row),
    )


_READ: Mapping[Stream, Callable[[Decimal, Mapping[str, Any], Notes], Record]] = {
    Stream.CAMPAIGNS: _campaign,
    Stream.AD_GROUPS: _ad_group,
    Stream.ADS: _ad,
}


def _landing_page(creative: Mapping[str, Any]) -> str:
    story = creative.get("object_story_spec") or {}
    video = ((story.get("video_data") or {}).get("call_to_action") or {}).get("value") or {}
    places = (creative.get("link_url"), (story.get("link_data") or {}).get("link"), video.get("link"))
    return next((place for place in places if isinstance(place, str)), text(creative, "object_url", default=""))


def _budget(row: Mapping[str, Any], offset: Decimal) -> tuple[Decimal | None, str | None]:
    """Amount and type. A budget that is not set comes as null, as "0" or not at all."""
    for name, budget_type in (("daily_budget", "daily"), ("lifetime_budget", "lifetime")):
        amount = fields.optional(row, name)
        if amount:
            return amount / offset, budget_type
    return None, None


def _day(level: Level, windows: Sequence[str], row: Mapping[str, Any], notes: Notes) -> Iterator[Record]:
    """The fact of a row, and its conversions by action and window."""
    fields.note_unknown(notes, "insights.", row, _KNOWN["insights."])
    day = fields.day(row["date_start"], "date_start")
    campaign_id = identity(row, "campaign_id") if level is not Level.ACCOUNT else ""
    ad_set_id = identity(row, "adset_id") if level in (Level.AD_GROUP, Level.AD) else ""
    ad_id = identity(row, "ad_id") if level is Level.AD else ""
    conversions = [
        Conversion(day, campaign_id, ad_set_id, ad_id, "", action, "", window, count, value)
        for action, window, count, value in _actions(row, windows, notes)
    ]
    counted = next((name for name in _PURCHASE if any(one.action == name for one in conversions)), "")
    purchases = [one for one in conversions if one.action == counted]
    yield Fact(
        day,
        campaign_id,
        ad_set_id,
        ad_id,
        "",
        impressions=whole(row, "impressions"),
        clicks=whole(row, "clicks"),
        spend=number(row.get("spend"), "spend"),
        conversions=sum((one.count for one in purchases), NOTHING),
        conversions_value=sum((one.value for one in purchases), NOTHING),
        names={
            "campaign_name": text(row, "campaign_name", default=""),
            "ad_group_name": text(row, "adset_name", default=""),
            "ad_name": text(row, "ad_name", default=""),
        },
    )
    if level is not Level.ACCOUNT:
        yield from conversions


def _actions(
    row: Mapping[str, Any], windows: Sequence[str], notes: Notes
) -> Iterator[tuple[str, str, Decimal, Decimal]]:
    """Action, window, count and value. An action that has none of the windows has Meta's own choice, `default`."""
    counts, values = (
        {text(action, "action_type"): action for action in fields.rows(row, name)}
        for name in ("actions", "action_values")
    )
    for action in dict.fromkeys((*counts, *values)):
        if not words.is_known_action(action):
            notes[f"action {action[:64]}"] += 1
        count, value = counts.get(action, {}), values.get(action, {})
        for window in [one for one in windows if one in count or one in value] or ["default"]:
            name = "value" if window == "default" else window
            numbers = number(count.get(name), "actions"), number(value.get(name), "action_values")
            if any(numbers):
                yield action, window, *numbers

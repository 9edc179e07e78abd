"""The rows of Meta's lists and insights, as records.

What does not belong here: requests (client.py) and errors (answers.py).
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, BinaryIO

from resources.ad_platforms import fields
from resources.ad_platforms.fields import identity, number, text, whole
from resources.ad_platforms.records import Account, AdGroup, Campaign, Fact, Notes, Record, Stream

ACCOUNT_FIELDS = ("account_id", "name", "currency", "timezone_name", "account_status")
CAMPAIGN_FIELDS = (
    "id", "name", "status", "effective_status", "objective", "daily_budget", "lifetime_budget", "created_time",
    "updated_time",
)  # fmt: skip
AD_SET_FIELDS = (
    "id", "campaign_id", "name", "status", "effective_status", "daily_budget", "lifetime_budget", "bid_amount",
    "created_time", "updated_time",
)  # fmt: skip
# Meta's own offsets of minor units, which are not ISO 4217's.
_OFFSET_ONE = frozenset({"CLP", "COP", "CRC", "HUF", "IDR", "ISK", "JPY", "KRW", "PYG", "TWD", "VND"})
# One purchase is told under several names: the first of these that is there counts, their sum never.
_PURCHASE = ("omni_purchase", "purchase", "offsite_conversion.fb_pixel_purchase")


def read(stream: Stream, body: BinaryIO, context: Mapping[str, str], notes: Notes) -> Iterator[Record]:
    """The records of a page; raises MalformedPageError.

    `context`: the account's `currency`; of insights, the `attribution` windows that they were asked for with.
    """
    page = fields.decoded(body.read())
    if stream is Stream.ACCOUNT:
        return fields.each([page], _account, notes)
    offset = Decimal(1 if context.get("currency") in _OFFSET_ONE else 100)
    found = fields.rows(page, "data")
    if stream is Stream.CAMPAIGNS:
        return fields.each(found, lambda row, n: _campaign(row, n, offset), notes)
    if stream is Stream.AD_GROUPS:
        return fields.each(found, lambda row, n: _ad_group(row, n, offset), notes)
    windows = [window for window in context.get("attribution", "").split("+") if window]
    return fields.each(found, lambda row, _: _fact(row, windows), notes)


def _account(row: Mapping[str, Any], notes: Notes) -> Account:
    fields.note_unknown(notes, "account.", row, (*ACCOUNT_FIELDS, "id"))
    zone = text(row, "timezone_name")
    return Account(
        identity(row, "account_id"),
        text(row, "name", default=""),
        text(row, "currency"),
        zone,
        zone,
        str(whole(row, "account_status")),
        fields.raw(row),
    )


def _campaign(row: Mapping[str, Any], notes: Notes, offset: Decimal) -> Campaign:
    fields.note_unknown(notes, "campaign.", row, CAMPAIGN_FIELDS)
    status = text(row, "effective_status", default="")
    budget, budget_type = _budget(row, offset)
    return Campaign(
        identity(row, "id"),
        text(row, "name"),
        status,
        status == "DELETED",
        False,
        budget,
        budget_type,
        None,
        fields.moment(row.get("created_time"), "created_time"),
        fields.moment(row.get("updated_time"), "updated_time"),
        fields.raw(row),
    )


def _ad_group(row: Mapping[str, Any], notes: Notes, offset: Decimal) -> AdGroup:
    fields.note_unknown(notes, "adset.", row, AD_SET_FIELDS)
    status = text(row, "effective_status", default="")
    budget, budget_type = _budget(row, offset)
    bid = fields.optional(row, "bid_amount")
    return AdGroup(
        identity(row, "id"),
        identity(row, "campaign_id"),
        text(row, "name"),
        status,
        status == "DELETED",
        False,
        None if bid is None else bid / offset,
        budget,
        budget_type,
        fields.moment(row.get("created_time"), "created_time"),
        fields.moment(row.get("updated_time"), "updated_time"),
        fields.raw(row),
    )


def _budget(row: Mapping[str, Any], offset: Decimal) -> tuple[Decimal | None, str | None]:
    """An absent budget may come as null, as "0" or not at all."""
    for name, budget_type in (("daily_budget", "daily"), ("lifetime_budget", "lifetime")):
        found = fields.optional(row, name)
        if found:
            return found / offset, budget_type
    return None, None


def _fact(row: Mapping[str, Any], windows: Sequence[str]) -> Fact:
    names = {"campaign_name": text(row, "campaign_name", default="")}
    ad_set = row.get("adset_id")
    if ad_set is not None:
        names["ad_group_name"] = text(row, "adset_name", default="")
    return Fact(
        fields.day(row["date_start"], "date_start"),
        identity(row, "campaign_id") if "campaign_name" in row or "campaign_id" in row else "",
        identity(row, "adset_id") if "adset_name" in row or ad_set is not None else "",
        "",
        whole(row, "impressions"),
        whole(row, "clicks"),
        number(row.get("spend"), "spend"),
        _purchases(row, "actions", windows),
        _purchases(row, "action_values", windows),
        names,
    )


def _purchases(row: Mapping[str, Any], name: str, windows: Sequence[str]) -> Decimal:
    """Purchases within the windows asked for; `value`, within windows of Meta's choice, where it tells none of them."""
    told = {action["action_type"]: action for action in fields.rows(row, name)}
    found: Mapping[str, Any] = next((told[each] for each in _PURCHASE if each in told), {})
    counted = [number(found[window], name) for window in windows if window in found]
    return sum(counted, fields.NOTHING) if counted else number(found.get("value"), name)

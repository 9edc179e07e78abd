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
# Currencies without minor units at Meta; ISO 4217 differs.
_OFFSET_ONE = frozenset({"CLP", "COP", "CRC", "HUF", "IDR", "ISK", "JPY", "KRW", "PYG", "TWD", "VND"})
# Meta reports one purchase under several names. Only the first of these that is there counts, never their sum.
_PURCHASE = ("omni_purchase", "purchase", "offsite_conversion.fb_pixel_purchase")


def read(stream: Stream, body: BinaryIO, context: Mapping[str, str], notes: Notes) -> Iterator[Record]:
    """The records of a page; a MalformedPageError if it cannot be read.

    `context`: the account's `currency`; for insights, the `attribution` windows of the request.
    """
    page = fields.decoded(body.read())
    if stream is Stream.ACCOUNT:
        return fields.records([page], _account, notes)
    offset = Decimal(1 if context.get("currency") in _OFFSET_ONE else 100)
    rows = fields.rows(page, "data")
    if stream is Stream.CAMPAIGNS:
        return fields.records(rows, lambda row, n: _campaign(row, n, offset), notes)
    if stream is Stream.AD_GROUPS:
        return fields.records(rows, lambda row, n: _ad_group(row, n, offset), notes)
    windows = [window for window in context.get("attribution", "").split("+") if window]
    return fields.records(rows, lambda row, _: _fact(row, windows), notes)


def _account(row: Mapping[str, Any], notes: Notes) -> Account:
    fields.note_unknown(notes, "account.", row, (*ACCOUNT_FIELDS, "id"))
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


def _campaign(row: Mapping[str, Any], notes: Notes, offset: Decimal) -> Campaign:
    fields.note_unknown(notes, "campaign.", row, CAMPAIGN_FIELDS)
    status = text(row, "effective_status", default="")
    budget, budget_type = _budget(row, offset)
    return Campaign(
        id=identity(row, "id"),
        name=text(row, "name"),
        native_status=status,
        deleted=status == "DELETED",
        budget=budget,
        budget_type=budget_type,
        created_at=fields.time(row.get("created_time"), "created_time"),
        source_updated_at=fields.time(row.get("updated_time"), "updated_time"),
        raw=fields.raw(row),
    )


def _ad_group(row: Mapping[str, Any], notes: Notes, offset: Decimal) -> AdGroup:
    fields.note_unknown(notes, "adset.", row, AD_SET_FIELDS)
    status = text(row, "effective_status", default="")
    budget, budget_type = _budget(row, offset)
    bid = fields.optional(row, "bid_amount")
    return AdGroup(
        id=identity(row, "id"),
        campaign_id=identity(row, "campaign_id"),
        name=text(row, "name"),
        native_status=status,
        deleted=status == "DELETED",
        bid=None if bid is None else bid / offset,
        budget=budget,
        budget_type=budget_type,
        created_at=fields.time(row.get("created_time"), "created_time"),
        source_updated_at=fields.time(row.get("updated_time"), "updated_time"),
        raw=fields.raw(row),
    )


def _budget(row: Mapping[str, Any], offset: Decimal) -> tuple[Decimal | None, str | None]:
    """Amount and type. A budget that is not set comes as null, as "0" or not at all."""
    for name, budget_type in (("daily_budget", "daily"), ("lifetime_budget", "lifetime")):
        amount = fields.optional(row, name)
        if amount:
            return amount / offset, budget_type
    return None, None


def _fact(row: Mapping[str, Any], windows: Sequence[str]) -> Fact:
    names = {"campaign_name": text(row, "campaign_name", default="")}
    ad_set = row.get("adset_id")
    if ad_set is not None:
        names["ad_group_name"] = text(row, "adset_name", default="")
    return Fact(
        day=fields.day(row["date_start"], "date_start"),
        campaign_id=identity(row, "campaign_id") if "campaign_name" in row or "campaign_id" in row else "",
        ad_group_id=identity(row, "adset_id") if "adset_name" in row or ad_set is not None else "",
        keyword_id="",
        impressions=whole(row, "impressions"),
        clicks=whole(row, "clicks"),
        spend=number(row.get("spend"), "spend"),
        conversions=_purchases(row, "actions", windows),
        conversions_value=_purchases(row, "action_values", windows),
        names=names,
    )


def _purchases(row: Mapping[str, Any], name: str, windows: Sequence[str]) -> Decimal:
    """Purchases within `windows`; `value`, within windows of Meta's choice, if Meta reports none of these."""
    actions = {action["action_type"]: action for action in fields.rows(row, name)}
    purchase: Mapping[str, Any] = next((actions[type_] for type_ in _PURCHASE if type_ in actions), {})
    amounts = [number(purchase[window], name) for window in windows if window in purchase]
    return sum(amounts, fields.NOTHING) if amounts else number(purchase.get("value"), name)

"""Platforms' records as rows of our tables: ids, statuses, match types.

Platforms invent new statuses and match types. One that is not listed here leaves our own column empty; the platform's
word is stored beside it, and it is counted. What does not belong here: reading a platform's pages
(resources/ad_platforms), and writing the rows (merge.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from resources.ad_platforms import AdGroup, Campaign, Fact, Keyword, MalformedPageError, Notes, Stream

ACTIVE, PAUSED, ENDED = "active", "paused", "ended"

STATUSES: Mapping[str, Mapping[str, str]] = {
    "google": {"ENABLED": ACTIVE, "PAUSED": PAUSED, "REMOVED": ENDED},
    "facebook": {
        "ACTIVE": ACTIVE,
        "IN_PROCESS": ACTIVE,
        "WITH_ISSUES": ACTIVE,
        "PENDING_REVIEW": PAUSED,
        "PAUSED": PAUSED,
        "CAMPAIGN_PAUSED": PAUSED,
        "ADSET_PAUSED": PAUSED,
        "DISAPPROVED": PAUSED,
        "ARCHIVED": ENDED,
        "DELETED": ENDED,
    },
    "tiktok": {
        "CAMPAIGN_STATUS_ENABLE": ACTIVE,
        "CAMPAIGN_STATUS_DISABLE": PAUSED,
        "CAMPAIGN_STATUS_BUDGET_EXCEED": PAUSED,
        "CAMPAIGN_STATUS_NOT_DELETE": ACTIVE,
        "CAMPAIGN_STATUS_ADVERTISER_AUDIT": PAUSED,
        "CAMPAIGN_STATUS_ADVERTISER_AUDIT_DENY": PAUSED,
        "CAMPAIGN_STATUS_ADVERTISER_ACCOUNT_PUNISH": PAUSED,
        "CAMPAIGN_STATUS_ADVERTISER_CONTRACT_PENDING": PAUSED,
        "CAMPAIGN_STATUS_DELETE": ENDED,
        "ADGROUP_STATUS_DELIVERY_OK": ACTIVE,
        "ADGROUP_STATUS_NOT_START": ACTIVE,
        "ADGROUP_STATUS_CAMPAIGN_DISABLE": PAUSED,
        "ADGROUP_STATUS_DISABLE": PAUSED,
        "ADGROUP_STATUS_BUDGET_EXCEED": PAUSED,
        "ADGROUP_STATUS_BALANCE_EXCEED": PAUSED,
        "ADGROUP_STATUS_AUDIT": PAUSED,
        "ADGROUP_STATUS_REAUDIT": PAUSED,
        "ADGROUP_STATUS_AUDIT_DENY": PAUSED,
        "ADGROUP_STATUS_CREATE": PAUSED,
        "ADGROUP_STATUS_FROZEN": PAUSED,
        "ADGROUP_STATUS_TIME_DONE": ENDED,
        "ADGROUP_STATUS_DONE": ENDED,
        "ADGROUP_STATUS_CAMPAIGN_DELETE": ENDED,
        "ADGROUP_STATUS_DELETE": ENDED,
    },
    "microsoft": {
        "Active": ACTIVE,
        "Paused": PAUSED,
        "BudgetPaused": PAUSED,
        "BudgetAndManualPaused": PAUSED,
        "Suspended": PAUSED,
        "Inactive": PAUSED,
        "Deleted": ENDED,
        "Expired": ENDED,
    },
}
ACCOUNT_STATUSES: Mapping[str, Mapping[str, str]] = {
    "google": {"ENABLED": ACTIVE, "SUSPENDED": PAUSED, "CANCELED": ENDED, "CLOSED": ENDED},
    "facebook": {
        "1": ACTIVE, "2": PAUSED, "3": PAUSED, "7": PAUSED, "8": PAUSED, "9": ACTIVE, "100": ENDED, "101": ENDED,
    },
    "tiktok": {
        "STATUS_ENABLE": ACTIVE, "STATUS_LIMIT": PAUSED, "STATUS_PENDING_CONFIRM": PAUSED, "STATUS_DISABLE": ENDED,
    },
    "microsoft": {
        "Active": ACTIVE, "Pause": PAUSED, "Pending": PAUSED, "Draft": PAUSED, "Suspended": PAUSED, "Inactive": ENDED,
    },
}  # fmt: skip
MATCH_TYPES = {"EXACT": "exact", "PHRASE": "phrase", "BROAD": "broad"}


@dataclass(frozen=True)
class AccountContext:
    """What every row of an account's slice shares.

    currency: the account's. run_id, observed_at: of the slice. now: when the rows are written.
    """

    org_id: str
    platform: str
    account_id: str
    currency: str
    run_id: str
    observed_at: datetime
    now: datetime

    def id(self, *native: str) -> str:
        """Our id of an entity: `platform:account:native`, or `platform:account:ad group:criterion`."""
        return ":".join((self.platform, self.account_id, *native))


CAMPAIGN_COLUMNS = (
    "org_id", "id", "platform", "account_id", "native_id", "name", "status", "native_status", "budget", "budget_type",
    "budget_id", "currency", "created_at", "source_updated_at", "updated_at", "deleted_at", "last_seen_run_id",
    "raw_data",
)  # fmt: skip
AD_GROUP_COLUMNS = (
    "org_id", "id", "campaign_id", "platform", "account_id", "native_id", "name", "status", "native_status",
    "bid_amount", "budget", "budget_type", "currency", "created_at", "source_updated_at", "updated_at", "deleted_at",
    "last_seen_run_id", "raw_data",
)  # fmt: skip
KEYWORD_COLUMNS = (
    "org_id", "id", "ad_group_id", "platform", "account_id", "native_id", "text", "match_type", "status",
    "native_status", "bid", "quality_score", "currency", "updated_at", "deleted_at", "last_seen_run_id", "raw_data",
)  # fmt: skip
FACT_COLUMNS = ("entity_id", "date", "impressions", "clicks", "spend", "conversions", "conversions_value")
# Columns that say which entity it is, and columns that change with every load. All others are the platform's to change.
FIXED_COLUMNS = frozenset(
    {"org_id", "id", "platform", "account_id", "native_id", "updated_at", "deleted_at", "last_seen_run_id"}
)


def campaign(record: Campaign, account: AccountContext, notes: Notes) -> tuple[Any, ...]:
    """A row in the order of CAMPAIGN_COLUMNS."""
    status = _status(record, account, notes)
    return (
        account.org_id, account.id(record.id), account.platform, account.account_id, record.id, record.name, status,
        record.native_status or None, record.budget, record.budget_type, record.budget_id, account.currency,
        record.created_at, record.source_updated_at, account.now, _deleted_at(record, account), account.run_id,
        record.raw,
    )  # fmt: skip


def ad_group(record: AdGroup, account: AccountContext, notes: Notes) -> tuple[Any, ...]:
    """A row in the order of AD_GROUP_COLUMNS."""
    status = _status(record, account, notes)
    return (
        account.org_id, account.id(record.id), account.id(record.campaign_id), account.platform, account.account_id,
        record.id, record.name, status, record.native_status or None, record.bid, record.budget, record.budget_type,
        account.currency, record.created_at, record.source_updated_at, account.now, _deleted_at(record, account),
        account.run_id, record.raw,
    )  # fmt: skip


def keyword(record: Keyword, account: AccountContext, notes: Notes) -> tuple[Any, ...]:
    """A row in the order of KEYWORD_COLUMNS, and its campaign's id, by which a missing parent is made."""
    status = _status(record, account, notes)
    match_type = _match_type(record.match_type, notes)
    return (
        account.org_id, account.id(record.ad_group_id, record.id), account.id(record.ad_group_id), account.platform,
        account.account_id, record.id, record.text, match_type, status, record.native_status or None, record.bid,
        record.quality_score, account.currency, account.now, _deleted_at(record, account), account.run_id, record.raw,
        account.id(record.campaign_id),
    )  # fmt: skip


def entity_of(fact: Fact, stream: Stream, account: AccountContext) -> str:
    """Our id of the entity of a fact; raises MalformedPageError where the id of its level is missing."""
    if stream is Stream.CAMPAIGN_DAYS and fact.campaign_id:
        return account.id(fact.campaign_id)
    if stream is Stream.AD_GROUP_DAYS and fact.ad_group_id:
        return account.id(fact.ad_group_id)
    if stream is Stream.KEYWORD_DAYS and fact.ad_group_id and fact.keyword_id:
        return account.id(fact.ad_group_id, fact.keyword_id)
    raise MalformedPageError(f"a fact without the id of its {stream.value.removesuffix('_days')}")


def is_nothing(fact: Fact) -> bool:
    """Whether all numbers of a day are zero. Such a row equals a missing one: some platforms write it, some do not."""
    return not (fact.impressions or fact.clicks or fact.spend or fact.conversions or fact.conversions_value)


def unlisted(fact: Fact, stream: Stream, *, gone: bool) -> Campaign | AdGroup | Keyword:
    """The entity of a fact that is on no list, as far as the fact describes it. gone: the list was complete."""
    names = fact.names
    status = names.get("native_status", "")
    if stream is Stream.CAMPAIGN_DAYS:
        name = names.get("campaign_name") or fact.campaign_id
        return Campaign(fact.campaign_id, name, status, gone, gone, None, None, None, None, None, "{}")
    if stream is Stream.AD_GROUP_DAYS:
        name = names.get("ad_group_name") or fact.ad_group_id
        return AdGroup(fact.ad_group_id, fact.campaign_id, name, status, gone, gone, None, None, None, None, None, "{}")
    text = names.get("text") or fact.keyword_id
    return Keyword(
        fact.keyword_id, fact.ad_group_id, fact.campaign_id, text, names.get("match_type", ""), status, gone, gone,
        None, None, "{}",
    )  # fmt: skip


def _status(record: Campaign | AdGroup | Keyword, account: AccountContext, notes: Notes) -> str | None:
    if record.deleted or record.ended:
        return ENDED
    status = STATUSES[account.platform].get(record.native_status)
    if status is None and record.native_status:
        notes[f"status {record.native_status[:64]}"] += 1
    return status


def _match_type(native: str, notes: Notes) -> str | None:
    match_type = MATCH_TYPES.get(native.upper())
    if match_type is None and native:
        notes[f"match type {native[:64]}"] += 1
    return match_type


def _deleted_at(record: Campaign | AdGroup | Keyword, account: AccountContext) -> datetime | None:
    return account.observed_at if record.deleted else None

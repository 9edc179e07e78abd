"""Platforms' records as rows of our tables: ids, statuses, match types.

Platforms invent new statuses and match types. One that is not known leaves our own column empty; the platform's word is
stored beside it, and it is counted. What does not belong here: reading a platform's pages and what its words mean
(resources/ad_platforms), and writing the rows (merge.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from resources.ad_platforms import (
    Ad,
    AdGroup,
    Campaign,
    Conversion,
    Fact,
    Keyword,
    Level,
    MalformedPageError,
    Notes,
    Status,
)

Entity: TypeAlias = Campaign | AdGroup | Ad | Keyword

MATCH_TYPES = {"EXACT": "exact", "PHRASE": "phrase", "BROAD": "broad"}


@dataclass(frozen=True)
class AccountContext:
    """What every row of an account's slice shares.

    currency: the account's. run_id, observed_at: of the slice. now: when the rows are written. statuses: the platform's
    words that we know.
    """

    org_id: str
    platform: str
    account_id: str
    currency: str
    run_id: str
    observed_at: datetime
    now: datetime
    statuses: Mapping[str, Status] = field(default_factory=dict)

    def id(self, *native: str) -> str:
        """Our id of an entity: `platform:account:native`; of an ad or keyword `platform:account:ad group:native`."""
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
AD_COLUMNS = (
    "org_id", "id", "ad_group_id", "platform", "account_id", "native_id", "name", "status", "native_status",
    "creative_id", "creative_kind", "headline", "body", "landing_page", "url_parameters", "created_at",
    "source_updated_at", "updated_at", "deleted_at", "last_seen_run_id", "raw_data",
)  # fmt: skip
KEYWORD_COLUMNS = (
    "org_id", "id", "ad_group_id", "platform", "account_id", "native_id", "text", "match_type", "status",
    "native_status", "bid", "quality_score", "currency", "updated_at", "deleted_at", "last_seen_run_id", "raw_data",
)  # fmt: skip
NUMBERS = ("impressions", "clicks", "spend", "conversions", "conversions_value")
FACT_COLUMNS = ("entity_id", "date", *NUMBERS, "segments")
CONVERSION_COLUMNS = ("entity_id", "date", "action", "attribution_window", "label", "count", "value", "segments")
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


def ad(record: Ad, account: AccountContext, notes: Notes) -> tuple[Any, ...]:
    """A row in the order of AD_COLUMNS, and its campaign's id, by which a missing parent is made."""
    own, creative = account.id(record.ad_group_id, record.id), record.creative
    return (
        account.org_id, own, account.id(record.ad_group_id), account.platform, account.account_id, record.id,
        record.name, _status(record, account, notes), record.native_status or None,
        account.id(creative.id) if creative.id else own, creative.kind or None, creative.headline or None,
        creative.body or None, creative.landing_page or None, creative.url_parameters or None, record.created_at,
        record.source_updated_at, account.now, _deleted_at(record, account), account.run_id, record.raw,
        account.id(record.campaign_id),
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


def entity_of(row: Fact | Conversion, level: Level, account: AccountContext) -> str:
    """Our id of the entity of a report's row; raises MalformedPageError where the id of its level is missing."""
    if level is Level.CAMPAIGN and row.campaign_id:
        return account.id(row.campaign_id)
    if level is Level.AD_GROUP and row.ad_group_id:
        return account.id(row.ad_group_id)
    if level is Level.AD and row.ad_group_id and row.ad_id:
        return account.id(row.ad_group_id, row.ad_id)
    if level is Level.KEYWORD and row.ad_group_id and row.keyword_id:
        return account.id(row.ad_group_id, row.keyword_id)
    raise MalformedPageError(f"a row without the id of its {level.value}")


def segments(row: Fact | Conversion) -> str:
    """The further attributes of a report's row as one text; '' where it has none."""
    return "\x1f".join(row.segments) if row.segments else ""


def is_nothing(fact: Fact) -> bool:
    """Whether all numbers of a day are zero. Such a row equals a missing one: some platforms write it, some do not."""
    return not (fact.impressions or fact.clicks or fact.spend or fact.conversions or fact.conversions_value)


def unlisted(fact: Fact, level: Level, *, gone: bool) -> Entity:
    """The entity of a fact that is on no list, as far as the fact describes it. gone: the list was complete."""
    names = fact.names
    status = names.get("native_status", "")
    if level is Level.CAMPAIGN:
        return Campaign(fact.campaign_id, names.get("campaign_name") or fact.campaign_id, status, gone, gone)
    if level is Level.AD_GROUP:
        name = names.get("ad_group_name") or fact.ad_group_id
        return AdGroup(fact.ad_group_id, fact.campaign_id, name, status, gone, gone)
    if level is Level.AD:
        name = names.get("ad_name") or fact.ad_id
        return Ad(fact.ad_id, fact.ad_group_id, fact.campaign_id, name, status, gone, gone)
    text = names.get("text") or fact.keyword_id
    match_type = names.get("match_type", "")
    return Keyword(fact.keyword_id, fact.ad_group_id, fact.campaign_id, text, match_type, status, gone, gone)


def _status(record: Entity, account: AccountContext, notes: Notes) -> str | None:
    if record.deleted or record.ended:
        return Status.ENDED.value
    status = account.statuses.get(record.native_status)
    if status is None and record.native_status:
        notes[f"status {record.native_status[:64]}"] += 1
    return None if status is None else status.value


def _match_type(native: str, notes: Notes) -> str | None:
    match_type = MATCH_TYPES.get(native.upper())
    if match_type is None and native:
        notes[f"match type {native[:64]}"] += 1
    return match_type


def _deleted_at(record: Entity, account: AccountContext) -> datetime | None:
    return account.observed_at if record.deleted else None

"""The records of all ad platforms in one form: accounts, entities and daily facts, with native ids and statuses.

What belongs here: records, pages, streams, errors. What does not: the wire format of a platform, and the use of the
records. Ids are text, money is Decimal in major units of the account's currency, days are in the account's time zone.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import BinaryIO, NamedTuple, TypeAlias

Notes: TypeAlias = Counter[str]
"""Unknown things and how often they came: `field campaign.newThing`, `status SOMETHING`."""


class Stream(StrEnum):
    """What an account can be asked for: the entities that it has now, or the facts of its days."""

    ACCOUNT = "account"
    CAMPAIGNS = "campaigns"
    AD_GROUPS = "ad_groups"
    KEYWORDS = "keywords"
    ACCOUNT_DAYS = "account_days"
    CAMPAIGN_DAYS = "campaign_days"
    AD_GROUP_DAYS = "ad_group_days"
    KEYWORD_DAYS = "keyword_days"


DAILY = frozenset({Stream.ACCOUNT_DAYS, Stream.CAMPAIGN_DAYS, Stream.AD_GROUP_DAYS, Stream.KEYWORD_DAYS})
OF_KEYWORDS = frozenset({Stream.KEYWORDS, Stream.KEYWORD_DAYS})


class AccountDays(NamedTuple):
    """Days of an account, from `since` to `until`, both included."""

    since: date
    until: date


class Account(NamedTuple):
    """An ad account. `time_zone` is an IANA name, `native_time_zone` the platform's own; `raw` is JSON text."""

    id: str
    name: str
    currency: str
    time_zone: str
    native_time_zone: str
    native_status: str
    raw: str


class Campaign(NamedTuple):
    """A campaign. `ended`: it is over, although the status does not say so. `deleted`: the platform says so."""

    id: str
    name: str
    native_status: str
    deleted: bool
    ended: bool = False
    budget: Decimal | None = None
    budget_type: str | None = None
    budget_id: str | None = None
    created_at: datetime | None = None
    source_updated_at: datetime | None = None
    raw: str = "{}"


class AdGroup(NamedTuple):
    """An ad group of a campaign."""

    id: str
    campaign_id: str
    name: str
    native_status: str
    deleted: bool
    ended: bool = False
    bid: Decimal | None = None
    budget: Decimal | None = None
    budget_type: str | None = None
    created_at: datetime | None = None
    source_updated_at: datetime | None = None
    raw: str = "{}"


class Keyword(NamedTuple):
    """A keyword; its id is unique within its ad group. `match_type` is the platform's own word."""

    id: str
    ad_group_id: str
    campaign_id: str
    text: str
    match_type: str
    native_status: str
    deleted: bool
    ended: bool = False
    bid: Decimal | None = None
    quality_score: int | None = None
    raw: str = "{}"


class Fact(NamedTuple):
    """One day of an account, campaign, ad group or keyword: ids down to its level, '' below it.

    `names` describes the entities, because a list may not have them any more: `campaign_name`, `ad_group_name`,
    `text`, `match_type`, `native_status` (of the lowest one).
    """

    day: date
    campaign_id: str
    ad_group_id: str
    keyword_id: str
    impressions: int
    clicks: int
    spend: Decimal
    conversions: Decimal
    conversions_value: Decimal
    names: Mapping[str, str]


class Click(NamedTuple):
    """A paid click: its id, as it is in the URL of the landing page, and its campaign."""

    id: str
    campaign_id: str


Record: TypeAlias = Account | Campaign | AdGroup | Keyword | Fact


@dataclass(slots=True)
class Page:
    """One answer of a platform: its body without tokens but otherwise unchanged, and the context to read it with."""

    body: BinaryIO = field(repr=False)
    context: Mapping[str, str] = field(default_factory=dict)


class PlatformError(Exception):
    """A platform did not give what was requested. `again`: a new request from the start may succeed."""

    def __init__(self, code: str, message: str, *, again: bool = False) -> None:
        super().__init__(f"{message} (code {code})")
        self.code = code
        self.again = again


class MalformedPageError(Exception):
    """A page that cannot be read; the message names the field and shows no value."""


class RemoteJob:
    """The platform's own job for a report. `id` is that of a running one, or None."""

    def __init__(self, job_id: str | None = None) -> None:
        self.id = job_id

    def started(self, job_id: str) -> None:
        """Store the id of a new job, before the wait for it begins."""
        self.id = job_id

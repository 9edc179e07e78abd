"""What every ad platform yields, in one vocabulary: accounts, entities and daily facts, with native ids and statuses.

What belongs here: records, pages, streams, errors. What does not: any platform's wire form, and what becomes of the
records. Ids are text, money is Decimal in major units of the account's currency, days are the account's own.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import BinaryIO, NamedTuple, TypeAlias

Notes: TypeAlias = Counter[str]
"""What was met and not known: `field campaign.newThing`, `status SOMETHING`, by how often."""


class Stream(StrEnum):
    """What can be asked of an account: what is in it (as of now), or what its days were worth."""

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
    """Days of an account, both ends included."""

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
    """A campaign. `ended`: it is over though its status alone does not say so; `deleted`: the platform says it is."""

    id: str
    name: str
    native_status: str
    deleted: bool
    ended: bool
    budget: Decimal | None
    budget_type: str | None
    budget_id: str | None
    created_at: datetime | None
    source_updated_at: datetime | None
    raw: str


class AdGroup(NamedTuple):
    """An ad group of a campaign."""

    id: str
    campaign_id: str
    name: str
    native_status: str
    deleted: bool
    ended: bool
    bid: Decimal | None
    budget: Decimal | None
    budget_type: str | None
    created_at: datetime | None
    source_updated_at: datetime | None
    raw: str


class Keyword(NamedTuple):
    """A keyword; its id is unique within its ad group. `match_type` as the platform writes it."""

    id: str
    ad_group_id: str
    campaign_id: str
    text: str
    match_type: str
    native_status: str
    deleted: bool
    ended: bool
    bid: Decimal | None
    quality_score: int | None
    raw: str


class Fact(NamedTuple):
    """One day of an account, campaign, ad group or keyword: ids down to its level, '' below it.

    `names` tells of the entities, for one that no list shows any more: `campaign_name`, `ad_group_name`, `text`,
    `match_type`, `native_status` (of the lowest).
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
    """A paid click: its id as the landing page's address carries it, and whose it is."""

    id: str
    campaign_id: str


Record: TypeAlias = Account | Campaign | AdGroup | Keyword | Fact


@dataclass(slots=True)
class Page:
    """One answer of a platform: its body as it came (nothing but tokens cut out), and what reading it needs besides."""

    body: BinaryIO = field(repr=False)
    context: Mapping[str, str] = field(default_factory=dict)


class PlatformError(Exception):
    """A platform did not give what was asked. `again`: asking anew from the start may help."""

    def __init__(self, code: str, message: str, *, again: bool = False) -> None:
        super().__init__(f"{message} (code {code})")
        self.code = code
        self.again = again


class MalformedPageError(Exception):
    """A page that cannot be read; the text names the field and shows no value of it."""


class RemoteJob:
    """The platform's own job behind a slice: `id` where one runs already; `started` is told of a new one at once."""

    def __init__(self, job_id: str | None = None) -> None:
        self.id = job_id

    def started(self, job_id: str) -> None:
        """Remember a job before it is waited for."""
        self.id = job_id

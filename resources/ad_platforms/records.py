"""The records of all ad platforms in one form: accounts, entities and daily facts, with native ids and statuses.

What belongs here: records, pages, streams, errors. What does not: the wire format of a platform, and the use of the
records. Ids are text, money is Decimal in major units of the account's currency, days are in the account's time zone.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import BinaryIO, NamedTuple, TypeAlias

Notes: TypeAlias = Counter[str]
"""Unknown things and how often they came: `field campaign.newThing`, `status SOMETHING`."""


LONGEST_ACCOUNT = 32
"""Characters of an account's id that an error shows."""


class Level(StrEnum):
    """What a fact or an entity describes."""

    ACCOUNT = "account"
    CAMPAIGN = "campaign"
    AD_GROUP = "ad_group"
    AD = "ad"
    KEYWORD = "keyword"


class Stream(StrEnum):
    """What an account can be asked for: the entities that it has now, the facts of its days, the clicks of one day."""

    ACCOUNT = "account"
    CAMPAIGNS = "campaigns"
    AD_GROUPS = "ad_groups"
    ADS = "ads"
    KEYWORDS = "keywords"
    ACCOUNT_DAYS = "account_days"
    CAMPAIGN_DAYS = "campaign_days"
    AD_GROUP_DAYS = "ad_group_days"
    AD_DAYS = "ad_days"
    KEYWORD_DAYS = "keyword_days"
    CLICKS = "clicks"

    @property
    def is_daily(self) -> bool:
        """Whether its records are the facts of days."""
        return self in DAILY

    @property
    def level(self) -> Level:
        """The level of its records. A click is one of an ad."""
        return _LEVELS[self]


_LEVELS = {
    Stream.ACCOUNT: Level.ACCOUNT,
    Stream.CAMPAIGNS: Level.CAMPAIGN,
    Stream.AD_GROUPS: Level.AD_GROUP,
    Stream.ADS: Level.AD,
    Stream.KEYWORDS: Level.KEYWORD,
    Stream.ACCOUNT_DAYS: Level.ACCOUNT,
    Stream.CAMPAIGN_DAYS: Level.CAMPAIGN,
    Stream.AD_GROUP_DAYS: Level.AD_GROUP,
    Stream.AD_DAYS: Level.AD,
    Stream.KEYWORD_DAYS: Level.KEYWORD,
    Stream.CLICKS: Level.AD,
}
DAILY = frozenset(
    {Stream.ACCOUNT_DAYS, Stream.CAMPAIGN_DAYS, Stream.AD_GROUP_DAYS, Stream.AD_DAYS, Stream.KEYWORD_DAYS}
)
OF_KEYWORDS = frozenset({Stream.KEYWORDS, Stream.KEYWORD_DAYS})


class Status(StrEnum):
    """Our own words for the status of an account or an entity; each platform says which of its words mean which."""

    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"


class AccountDays(NamedTuple):
    """Days of an account, from `since` to `until`, both included."""

    since: date
    until: date

    @property
    def length(self) -> int:
        """How many days there are."""
        return (self.until - self.since).days + 1

    def cut(self, length: int) -> "Iterator[AccountDays]":
        """The same days as ranges of at most `length` days."""
        since = self.since
        while since <= self.until:
            until = min(self.until, since + timedelta(days=length - 1))
            yield AccountDays(since, until)
            since = until + timedelta(days=1)


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


class Creative(NamedTuple):
    """What an ad shows, in the platform's words; '' where it says nothing.

    kind: the platform's own word. url_parameters: what it adds to the landing page's address.
    """

    id: str = ""
    kind: str = ""
    headline: str = ""
    body: str = ""
    landing_page: str = ""
    url_parameters: str = ""


class Ad(NamedTuple):
    """An ad; its id is unique within its ad group."""

    id: str
    ad_group_id: str
    campaign_id: str
    name: str
    native_status: str
    deleted: bool
    ended: bool = False
    creative: Creative = Creative()
    created_at: datetime | None = None
    source_updated_at: datetime | None = None
    raw: str = "{}"


class Fact(NamedTuple):
    """A row of a report: one day of an account, campaign, ad group, ad or keyword, or a part of it.

    Ids go down to the row's level and are '' below it. `segments` are the row's further attributes: rows of one entity
    and day with different segments are parts, which add up; a row that comes with the same segments again is the same
    row delivered twice. conversions, conversions_value: those that the platform's `counting` names. `names` describes
    the entities, because a list may not have them any more: `campaign_name`, `ad_group_name`, `ad_name`, `text`,
    `match_type`, `native_status` (of the lowest one).
    """

    day: date
    campaign_id: str
    ad_group_id: str
    ad_id: str
    keyword_id: str
    impressions: int
    clicks: int
    spend: Decimal
    conversions: Decimal
    conversions_value: Decimal
    names: Mapping[str, str]
    segments: tuple[str, ...] = ()


class Conversion(NamedTuple):
    """The conversions of one action within one attribution window, of an entity's day; ids and segments as of a Fact.

    action: the platform's word, which stays. label: its name for people, '' where the action is one. The windows of one
    action do not overlap, so that they add up.
    """

    day: date
    campaign_id: str
    ad_group_id: str
    ad_id: str
    keyword_id: str
    action: str
    label: str
    window: str
    count: Decimal  # type: ignore[assignment]  # no one asks a record how often it holds a value
    value: Decimal
    segments: tuple[str, ...] = ()


class Click(NamedTuple):
    """A paid click: its id, as it is in the URL of the landing page, and what brought it; '' where it is not known."""

    id: str
    campaign_id: str
    ad_group_id: str = ""
    ad_id: str = ""


Record: TypeAlias = Account | Campaign | AdGroup | Ad | Keyword | Fact | Conversion | Click


@dataclass(slots=True)
class Page:
    """One answer of a platform: its body without tokens but otherwise unchanged, and the context to read it with.

    `account` of the context is the one that was asked for.
    """

    body: BinaryIO = field(repr=False)
    context: Mapping[str, str] = field(default_factory=dict)


class PlatformError(Exception):
    """A platform did not give what was requested. `again`: a new request from the start may succeed."""

    def __init__(self, code: str, message: str, *, again: bool = False) -> None:
        super().__init__(f"{message} (code {code})")
        self.code = code
        self.again = again


class OtherAccountError(PlatformError):
    """An answer names another account than the one that was asked for; nothing of it may be stored."""

    def __init__(self, asked: str, came: str) -> None:
        named = came if came.isalnum() and len(came) <= LONGEST_ACCOUNT else "another one"
        super().__init__(
            "other_account",
            f"account {asked} was asked for, and the answer is of {named}; nothing of it was stored",
        )


class MalformedPageError(Exception):
    """A page that cannot be read; the message names the field and shows no value."""


class RemoteJob:
    """What is remembered of a report between two requests for it.

    id: the running jobs, in the client's own words, or None. days: the longest range of days that the platform made a
    report of for this account and stream; None as long as it refused none.
    """

    def __init__(self, job_id: str | None = None, days: int | None = None) -> None:
        self.id = job_id
        self.days = days

    def running(self, days: AccountDays) -> str | None:
        """The running job of a range of days, if it is this one's."""
        range_of_days, _, job_id = (self.id or "").partition(" ")
        return job_id if job_id and range_of_days == f"{days.since}/{days.until}" else None

    def run(self, days: AccountDays, job_id: str) -> None:
        """Remember the job of a range of days."""
        self.started(f"{days.since}/{days.until} {job_id}")

    def started(self, job_id: str) -> None:
        """Store the id of a new job, before the wait for it begins."""
        self.id = job_id

    def narrowed(self, days: int) -> None:
        """Store that a longer range than `days` was refused."""
        self.days = days

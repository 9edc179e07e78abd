"""The parts of an advertising account: campaigns, ad groups, ads, keywords, and how each of them changes over time.

Plain data. What does not belong here: how the parts are generated (`catalogue`) and the metrics of their days
(`facts`).
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Literal, get_args
from zoneinfo import ZoneInfo

Platform = Literal["google", "facebook", "tiktok", "microsoft"]
Level = Literal["account", "campaign", "ad_group", "ad", "keyword"]
PLATFORMS: tuple[Platform, ...] = get_args(Platform)


class State(StrEnum):
    """The state of an entity. NOVEL is a state that the platforms introduced after the connectors were written."""

    ACTIVE = "active"
    PAUSED = "paused"
    REMOVED = "removed"
    NOVEL = "novel"


class Kind(StrEnum):
    """The lowest level of a campaign's facts: SEARCH has keywords, SHOPPING has only ad groups, and BLENDED (Google's
    Performance Max) has not even ad groups."""

    SEARCH = "search"
    SHOPPING = "shopping"
    BLENDED = "blended"


@dataclass(frozen=True, slots=True)
class Account:
    """An advertising account. `time_zone` is an IANA name; `currency` is ISO 4217."""

    platform: Platform
    id: str
    name: str
    currency: str
    time_zone: str

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def cent(self) -> int:
        """The smallest coin of the currency, in micros."""
        return 1_000_000 if self.currency == "JPY" else 10_000


@dataclass(frozen=True, slots=True)
class Timeline:
    """The events in the life of an entity. It has facts from the day `starts` to the day of its pause or removal."""

    name: str
    starts: date
    paused_at: datetime | None = None
    removed_at: datetime | None = None
    renamed_at: datetime | None = None
    later_name: str = ""
    novel_at: datetime | None = None

    def state(self, at: datetime) -> State:
        for since, state in (
            (self.removed_at, State.REMOVED),
            (self.novel_at, State.NOVEL),
            (self.paused_at, State.PAUSED),
        ):
            if since is not None and at >= since:
                return state
        return State.ACTIVE

    def changes(self, at: datetime) -> list[datetime]:
        """The times of all changes until `at`."""
        changes = (self.renamed_at, self.removed_at, self.paused_at, self.novel_at)
        return [change for change in changes if change is not None and change <= at]

    def name_at(self, at: datetime) -> str:
        return self.later_name if self.renamed_at is not None and at >= self.renamed_at else self.name

    def last_day(self, zone: ZoneInfo) -> date:
        ends = [end for end in (self.paused_at, self.removed_at) if end is not None]
        return min(ends).astimezone(zone).date() if ends else date.max


@dataclass(frozen=True, slots=True)
class Keyword:
    """A keyword of an ad group. Google's criterion ids repeat: a text has the same id in every ad group."""

    id: int
    text: str
    match_type: Literal["EXACT", "PHRASE", "BROAD"]
    bid: int
    quality_score: int | None
    timeline: Timeline


@dataclass(frozen=True, slots=True)
class Ad:
    """An ad of an ad group. The address of its landing page carries `utm_content`."""

    id: int
    headline: str
    body: str
    landing_page: str
    utm_content: str
    timeline: Timeline


@dataclass(frozen=True, slots=True)
class AdGroup:
    id: int
    bid: int
    timeline: Timeline
    keywords: tuple[Keyword, ...]
    ads: tuple[Ad, ...]


@dataclass(frozen=True, slots=True)
class Budget:
    """A daily budget, in micros. Several campaigns spend a shared budget, which counts once."""

    id: int
    amount: int
    shared: bool


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign. The addresses of its landing pages carry `utm_campaign`, which a rename does not change."""

    id: int
    kind: Kind
    utm_campaign: str
    budget: Budget
    timeline: Timeline
    ad_groups: tuple[AdGroup, ...]


@dataclass(frozen=True, slots=True)
class Leaf:
    """An entity with facts of its own. `key` is the seed of the facts, `index` the position in the campaign."""

    key: bytes
    index: int
    first_day: date
    last_day: date
    campaign: Campaign
    ad_group: AdGroup | None
    ad: Ad | None
    keyword: Keyword | None


@dataclass(frozen=True, slots=True)
class Tree:
    """Everything that an account ever has: past, present and future."""

    campaigns: tuple[Campaign, ...]
    leaves: tuple[Leaf, ...]

"""What an advertising account is made of: campaigns, ad groups, keywords, and how each of them changes over time.

Plain data. What does not belong here: how the things are made up (`catalogue`) and what their days were worth
(`facts`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Literal, get_args
from zoneinfo import ZoneInfo

Platform = Literal["google", "facebook", "tiktok", "microsoft"]
Level = Literal["account", "campaign", "ad_group", "keyword"]
PLATFORMS: tuple[Platform, ...] = get_args(Platform)


class State(StrEnum):
    """What an entity is. NOVEL is a state that a platform has invented since the connectors were written."""

    ACTIVE = "active"
    PAUSED = "paused"
    REMOVED = "removed"
    NOVEL = "novel"


class Kind(StrEnum):
    """How deep a campaign's facts go: SEARCH to the keyword, SHOPPING to the ad group, and BLENDED (Google's
    Performance Max) no further than the campaign, which has no ad groups at all."""

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
    """When an entity began and what happened to it. It earns facts from `starts` to the day of its pause or removal."""

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

    def name_at(self, at: datetime) -> str:
        return self.later_name if self.renamed_at is not None and at >= self.renamed_at else self.name

    def deleted_at(self, at: datetime) -> datetime | None:
        return self.removed_at if self.removed_at is not None and at >= self.removed_at else None

    def last_day(self, zone: ZoneInfo) -> date:
        ends = [moment for moment in (self.paused_at, self.removed_at) if moment is not None]
        return min(ends).astimezone(zone).date() if ends else date.max


@dataclass(frozen=True, slots=True)
class Keyword:
    """A keyword of an ad group. Google's criterion ids are an ad group's own: the same text has the same id in each."""

    id: int
    text: str
    match_type: Literal["EXACT", "PHRASE", "BROAD"]
    bid: int
    quality_score: int | None
    timeline: Timeline


@dataclass(frozen=True, slots=True)
class AdGroup:
    id: int
    bid: int
    timeline: Timeline
    keywords: tuple[Keyword, ...]


@dataclass(frozen=True, slots=True)
class Budget:
    """A daily budget, in micros. A shared one is spent by several campaigns and counts once."""

    id: int
    amount: int
    shared: bool
    name: str


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign. `utm_campaign` is what its landing pages' addresses carry; a later rename does not touch it."""

    id: int
    kind: Kind
    utm_campaign: str
    budget: Budget
    timeline: Timeline
    ad_groups: tuple[AdGroup, ...]


@dataclass(frozen=True, slots=True)
class Leaf:
    """The lowest entity that earns facts of its own. `key` seeds them; `index` is its place in its campaign."""

    key: bytes
    index: int
    first_day: date
    last_day: date
    campaign: Campaign
    ad_group: AdGroup | None
    keyword: Keyword | None


@dataclass(frozen=True, slots=True)
class Tree:
    """An account with all that was ever in it."""

    account: Account
    campaigns: tuple[Campaign, ...]
    leaves: tuple[Leaf, ...]

    def ad_groups(self) -> Iterator[tuple[Campaign, AdGroup]]:
        return ((campaign, group) for campaign in self.campaigns for group in campaign.ad_groups)

    def keywords(self) -> Iterator[tuple[Campaign, AdGroup, Keyword]]:
        return ((campaign, group, word) for campaign, group in self.ad_groups() for word in group.keywords)

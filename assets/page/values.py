"""What KV serves to one organisation's dashboard, as records. Pure.

docs/cache.md says what the values hold; fields that no page shows are left out. What does not belong here: asking KV
(served.py), and how they are shown (dashboard.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import msgspec


class Sums(msgspec.Struct):
    """Sums of a range; visitors and sessions are distinct in all of it."""

    events: int
    page_views: int
    visitors: int
    sessions: int
    event_value_sum: float
    exact: bool


class Summary(Sums, kw_only=True):
    """The same with those of the period before, where that is known."""

    since: str = msgspec.field(name="from")
    to: str
    previous: Sums | None = None


class Point(msgspec.Struct):
    """One hour or day."""

    at: str
    events: int
    visitors: int
    sessions: int


class Series(msgspec.Struct):
    """Hours of the range 1d, days of the others; windows without events have no point."""

    since: str = msgspec.field(name="from")
    to: str
    items: list[Point]


class Ranked(msgspec.Struct, kw_only=True):
    """A page, source or campaign, or the sums of those that are not listed; what its kind does not have is empty."""

    hostname: str = ""
    path: str = ""
    source: str = ""
    medium: str = ""
    campaign: str = ""
    views: int = 0
    events: int = 0
    daily_sessions: int
    daily_visitors: int
    pages: int = 0
    sources: int = 0
    campaigns: int = 0


class Top(msgspec.Struct):
    """The first of them, and the sums of the rest."""

    items: list[Ranked]
    rest: Ranked


class Credit(msgspec.Struct, kw_only=True):
    """What a campaign, or all of them, brought and cost by a model and in a currency."""

    model: str
    currency: str | None
    platform: str = ""
    campaign: str | None = None
    campaign_id: str = ""
    reason: str = ""
    visits: int
    conversions: float
    revenue: float
    spend: float
    rate_missing: bool = False
    cpa: float | None = None
    roas: float | None = None
    by_revenue: int = 0


class Attribution(msgspec.Struct):
    """By model and currency: all, campaigns, and what has no campaign.

    since: None before any day with events is credited.
    """

    since: str | None = msgspec.field(name="from")
    to: str | None
    totals: list[Credit]
    items: list[Credit]
    reasons: list[Credit]


class UnmatchedCampaign(msgspec.Struct):
    """A value of utm_campaign that names no campaign."""

    utm_campaign: str
    reason: str
    touches: int
    last_day: str


class Unmatched(msgspec.Struct):
    """Those with the most touches."""

    items: list[UnmatchedCampaign]


class Account(msgspec.Struct):
    """An ad account, without its name."""

    platform: str
    account_id: str
    is_active: bool
    sync_status: str | None
    last_synced_at: str | None


KINDS: Mapping[str, type] = {
    "summary": Summary,
    "series": Series,
    "top_pages": Top,
    "top_sources": Top,
    "top_campaigns": Top,
    "attribution": Attribution,
    "unmatched_campaigns": Unmatched,
    "connections": list[Account],
}
"""The families of a dashboard, by their names, and what their values are."""
Value = TypeVar("Value")


@dataclass(frozen=True)
class Served:
    """What KV gave at a moment for an organisation and a range; faults: why a value is missing, by its family."""

    app: str
    org_tag: str
    range: str
    now: datetime
    values: Mapping[str, object]
    faults: Mapping[str, str]

    def value(self, family: str, kind: type[Value]) -> Value | None:
        """The value of a family; None where there is none."""
        found = self.values.get(family)
        return found if isinstance(found, kind) else None

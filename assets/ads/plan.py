"""What of a connection is synced: its streams, its days, and the slices that they are asked for in. Pure.

Days are the account's own. The day in progress is always part of it, and never final.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from assets.ads.config import SyncConfig

# Platforms keep daily data for 37 months.
KEPT_DAYS = 37 * 30
DAY = timedelta(days=1)

# A connection's streams by name, parents before children, lists before the days of what they list.
LISTS = ("campaigns", "ad_groups", "keywords")
DAILY = ("campaign_days", "ad_group_days", "keyword_days")
OF_AD_GROUPS = frozenset({"ad_groups", "ad_group_days"})
OF_KEYWORDS = frozenset({"keywords", "keyword_days"})


class Span(NamedTuple):
    """Days of an account, both ends included."""

    since: date
    until: date


class Mode(StrEnum):
    """window: the days asked for. recent: those, the account's own yesterday and today, and whatever is missing before
    them. lookback: the full look-back.
    """

    WINDOW = "window"
    RECENT = "recent"
    LOOKBACK = "lookback"


@dataclass(frozen=True)
class Asked:
    """What a run was asked for: days from `since` to `until`, both included, on a UTC day `today`."""

    mode: Mode
    since: date
    until: date
    today: date


def streams(config: SyncConfig, offered: Collection[str]) -> list[str]:
    """The streams of a connection in the order in which they are merged, of those that its platform offers."""
    left_out: set[str] = set()
    if not config.include_ad_groups:
        left_out |= OF_AD_GROUPS | OF_KEYWORDS  # a keyword without its ad group would be an orphan
    if not config.include_keywords:
        left_out |= OF_KEYWORDS
    return [s for s in (*LISTS, *DAILY) if s in offered and s not in left_out]


def local_day(at: datetime, time_zone: str) -> date:
    """The account's day at a moment."""
    return at.astimezone(ZoneInfo(time_zone)).date()


def window(asked: Asked, local_today: date, config: SyncConfig, synced_through: date | None) -> Span | None:
    """The days of one stream to ask for; None where they all lie in the account's future or beyond what is kept.

    A range up to today's UTC day stands for the account's own day in progress, which may be a day ahead or behind.
    """
    until = local_today if asked.until >= asked.today else min(asked.until, local_today)
    since = asked.since
    look_back = local_today - timedelta(days=config.lookback_days)
    if asked.mode is Mode.LOOKBACK:
        since, until = look_back, local_today
    if asked.mode is Mode.RECENT:
        # Where today has not begun yet, the day before it is this day there: its own yesterday is a day further back.
        since = min(since, local_today - DAY)
    if asked.mode is not Mode.WINDOW:
        # Never synced: all of the look-back. Behind: from the last day that is there, which was not final.
        since = min(since, look_back if synced_through is None else synced_through)
    if asked.until >= asked.today:
        since = min(since, local_today)
    since = max(since, local_today - timedelta(days=KEPT_DAYS))
    return Span(since, until) if since <= until else None


def slices(days: Span, longest: int) -> Iterator[Span]:
    """The window in ranges of at most `longest` days, from the oldest on."""
    since = days.since
    while since <= days.until:
        until = min(since + timedelta(days=longest - 1), days.until)
        yield Span(since, until)
        since = until + DAY


def final_until(days: tuple[date, date], local_today: date) -> date:
    """The last day of a range that was over when it was observed; before the first where none was."""
    return min(days[1], local_today - DAY)

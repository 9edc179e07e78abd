"""What of a connection is synced: its streams, its days, and the slices that the days are cut into. Pure.

Days are the account's own. The day in progress is always one of them, and it is never final. What does not belong here:
the settings themselves (config.py).
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

# How long a list of entities is taken for complete: facts come hourly, and what is new has its facts' names meanwhile.
LISTED_FOR = timedelta(days=1)

# A connection's streams by name: parents before children, lists before the days of what they list.
LISTS = ("campaigns", "ad_groups", "ads", "keywords")
DAILY = ("campaign_days", "ad_group_days", "ad_days", "keyword_days")
OF_AD_GROUPS = frozenset({"ad_groups", "ad_group_days"})
OF_ADS = frozenset({"ads", "ad_days"})
OF_KEYWORDS = frozenset({"keywords", "keyword_days"})


class DayRange(NamedTuple):
    """Days of an account, both ends included."""

    since: date
    until: date


class SyncMode(StrEnum):
    """Which days a run syncs.

    window: the requested days. recent: those, the account's own yesterday and today, and every missing day before
    them. lookback: the full look-back.
    """

    WINDOW = "window"
    RECENT = "recent"
    LOOKBACK = "lookback"


@dataclass(frozen=True)
class SyncRequest:
    """What a run is to sync: days from `since` to `until`, both included, on a UTC day `today`."""

    mode: SyncMode
    since: date
    until: date
    today: date


def streams(config: SyncConfig, offered: Collection[str]) -> list[str]:
    """The streams of a connection in the order in which they are merged, of those that its platform offers."""
    left_out: set[str] = set()
    if not config.include_ad_groups:
        left_out |= OF_AD_GROUPS | OF_ADS | OF_KEYWORDS  # an ad without its ad group would be an orphan
    if not config.include_ads:
        left_out |= OF_ADS
    if not config.include_keywords:
        left_out |= OF_KEYWORDS
    return [stream for stream in (*LISTS, *DAILY) if stream in offered and stream not in left_out]


def is_listed_anew(mode: SyncMode, listed_at: datetime | None, now: datetime) -> bool:
    """Whether a sync requests a list that was requested at `listed_at` last: in each look-back, else once a day."""
    return mode is SyncMode.LOOKBACK or listed_at is None or now - listed_at >= LISTED_FOR


def local_day(at: datetime, time_zone: str) -> date:
    """The account's day at a moment."""
    return at.astimezone(ZoneInfo(time_zone)).date()


def window(request: SyncRequest, local_today: date, config: SyncConfig, synced_through: date | None) -> DayRange | None:
    """The days of one stream to request; None where all of them lie in the account's future or are kept no longer.

    A range up to today's UTC day stands for the account's own day in progress, which may be a day ahead or behind.
    """
    until = local_today if request.until >= request.today else min(request.until, local_today)
    since = request.since
    look_back = local_today - timedelta(days=config.lookback_days)
    if request.mode is SyncMode.LOOKBACK:
        since, until = look_back, local_today
    if request.mode is SyncMode.RECENT:
        # Where today has not begun yet, the day before it is the day in progress: yesterday is one day further back.
        since = min(since, local_today - DAY)
    if request.mode is not SyncMode.WINDOW:
        # Never synced: all of the look-back. Behind: from the last stored day on, because that day was not final.
        since = min(since, look_back if synced_through is None else synced_through)
    if request.until >= request.today:
        since = min(since, local_today)
    since = max(since, local_today - timedelta(days=KEPT_DAYS))
    return DayRange(since, until) if since <= until else None


def slices(days: DayRange, longest: int) -> Iterator[DayRange]:
    """The window in ranges of at most `longest` days, the oldest first."""
    since = days.since
    while since <= days.until:
        until = min(since + timedelta(days=longest - 1), days.until)
        yield DayRange(since, until)
        since = until + DAY


def final_until(days: tuple[date, date], local_today: date) -> date:
    """The last day of a range that was over when it was observed; a day before the range where none was."""
    return min(days[1], local_today - DAY)

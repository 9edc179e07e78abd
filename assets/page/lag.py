"""The section of the way from the landing zone to KV: how long what landed took until the cache served it."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from assets.apps import App
from assets.cache.families import families
from assets.cache.today import p95
from assets.page import figures
from assets.page.blocks import Block, Chart, Figure, Figures, Line, Note, Section, Standing
from assets.page.source import Source
from assets.windows import HOUR
from resources.counts import counted

NAME, TITLE = "lag", "From landing to KV"
SHOWN = timedelta(days=7)
ROLLED_UP = ("rollups", "hourly")
# The run that ingests a batch rolls it up and shows it, too; the hourly runs do where that failed.
ROLLED_UP_AT_ONCE, SHOWN_AT_ONCE = ("rollups", "today"), ("cache", "today")
# Above it, a batch that KV does not serve yet waits for something that failed.
LONG = timedelta(minutes=15)
SAYS = (
    "How long a batch took from its landing in R2 until KV served it: ingested, rolled up, and each family that reads"
    " hours warmed. The last 7 days, by the hour of landing."
)


@dataclass(frozen=True)
class Batch:
    """A batch that was taken: when it landed, and when KV served it; None where it does not yet."""

    landed: datetime
    served: datetime | None


@dataclass(frozen=True)
class Lag:
    """The batches of an app that landed lately, in order of landing."""

    app: str
    now: datetime
    batches: Sequence[Batch]


def read(source: Source) -> list[Lag]:
    """The batches of every app that collects events."""
    return [_of(source, app) for app in source.collecting()]


def _of(source: Source, app: App) -> Lag:
    since = source.now - SHOWN

    def made(*assets: tuple[str, str]) -> list[datetime]:
        return sorted(at for name in assets for at in source.made([app.name, *name], since))

    hours = made(ROLLED_UP, ROLLED_UP_AT_ONCE)
    reading = [family.name for family in families(app) if ROLLED_UP in family.reads]
    warmed = [made(("cache", name), SHOWN_AT_ONCE) for name in reading]
    batches = [
        Batch(row["landed_at"], served(row["committed_at"], hours, warmed))
        for row in source.fetch("landed", app=app.name, since=since)
    ]
    return Lag(app.name, source.now, batches)


def served(committed: datetime, rolled_up: Sequence[datetime], warmed: Sequence[Sequence[datetime]]) -> datetime | None:
    """When what was committed at a moment was in KV: each step is the first that ended after the one before it.

    rolled_up: when roll-ups ended. warmed: the same of each family that must be warm. All in order of time.
    """
    rolled = _after(rolled_up, committed)
    ends = [_after(of_family, rolled) for of_family in warmed] if rolled is not None else []
    return max((end for end in ends if end is not None), default=None) if None not in ends else None


def _after(moments: Sequence[datetime], at: datetime) -> datetime | None:
    place = bisect_right(moments, at)
    return moments[place] if place < len(moments) else None


def section(lags: Sequence[Lag]) -> Section:
    """How it is shown."""
    blocks: list[Block] = []
    for lag in lags:
        blocks += _blocks(lag)
    return Section(NAME, TITLE, SAYS, blocks or [Note("No app collects events.")])


def _blocks(lag: Lag) -> list[Block]:
    day = lag.now - timedelta(days=1)
    took = [batch.served - batch.landed for batch in lag.batches if batch.served and batch.landed >= day]
    waiting = [batch.landed for batch in lag.batches if batch.served is None]
    oldest = lag.now - waiting[0] if waiting else None
    note = f"oldest: {figures.duration(oldest)}" if oldest else ""
    shown = Figures(
        [
            Figure(f"{lag.app}: median", figures.duration(_median(took)), "of a day"),
            Figure(f"{lag.app}: 95th percentile", figures.duration(_p95(took)), "of a day"),
            Figure(
                f"{lag.app}: taken, not served",
                counted(len(waiting), "batch", "batches") if lag.batches else figures.count(None),
                note,
                Standing.WARNING if oldest is not None and oldest > LONG else Standing.PLAIN,
            ),
        ]
    )
    return [shown, _chart(lag)]


def _median(took: Sequence[timedelta]) -> timedelta | None:
    return timedelta(seconds=median(each.total_seconds() for each in took)) if took else None


def _p95(took: Sequence[timedelta]) -> timedelta | None:
    return timedelta(seconds=p95([each.total_seconds() for each in took])) if took else None


def _chart(lag: Lag) -> Chart:
    last = lag.now.replace(minute=0, second=0, microsecond=0)
    hours = [last - back * HOUR for back in reversed(range(SHOWN // HOUR))]
    by_hour: dict[datetime, list[float]] = {}
    for batch in lag.batches:
        if batch.served is not None:
            hour = batch.landed.replace(minute=0, second=0, microsecond=0)
            by_hour.setdefault(hour, []).append((batch.served - batch.landed).total_seconds() / 60)
    lines = [
        Line("median", [round(median(by_hour[hour]), 2) if hour in by_hour else None for hour in hours]),
        Line("longest", [round(max(by_hour[hour]), 2) if hour in by_hour else None for hour in hours]),
    ]
    return Chart(f"{lag.app}: landing to KV", "minutes, by hour of landing", hours, lines, step="hour")

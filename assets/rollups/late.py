"""Late data: the windows of an app that are stale and are to be built again, and those that are too old for that.

An hour or day is stale when a commit changed it after it was built. A week or month is stale when one of its days was
built again. Windows of today are built again as soon as something landed (today.py), older ones at most once in a
pause. A window older than the horizon is not built again automatically; it is reported, with the command that builds
it. What does not belong here: what a commit changed (follow.py).
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any

from assets.apps import App
from assets.events.pruned import PrunedDays, within
from assets.rollups.definition import VERSION, Grain
from assets.rollups.periods import VERSION as PERIOD_VERSION
from assets.rollups.periods import Period
from assets.windows import DAY, HOUR, Window, joined, midnight, touching
from resources.counts import counted
from resources.postgres import Postgres
from resources.sql_files import read_sql

# The ranges of days beyond the horizon that are reported with their command.
COMMANDS = 3
# How far around a day a backfill reads: it builds the sessions of the days around it, which read the days around those.
REACH = 4 * DAY
# A window counts as late so long after its end. Until then its schedule (hh:10, 00:30, 00:45, 00:50) builds it.
SETTLING: Mapping[Grain | Period, timedelta] = {
    Grain.HOURLY: timedelta(minutes=15),
    Grain.DAILY: timedelta(minutes=45),
    Period.WEEKLY: timedelta(minutes=75),
    Period.MONTHLY: timedelta(minutes=75),
}
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True)
class StaleWindows:
    """Windows to build again, joined into as few ranges as possible."""

    hours: tuple[Window, ...]
    days: tuple[Window, ...]
    weeks: tuple[Window, ...] = ()
    months: tuple[Window, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.hours or self.days or self.weeks or self.months)

    def ready(self, period: Period) -> tuple[Window, ...]:
        """The stale weeks or months that can be built now, because none of their days is stale."""
        ranges = self.weeks if period is Period.WEEKLY else self.months
        windows = (window for wide in ranges for window in period.covering(wide))
        return tuple(touching(window for window in windows if not any(window.clipped(day) for day in self.days)))


@dataclass(frozen=True)
class LateDays:
    """Days that changed too long ago to be built again automatically, and the events that they have not counted yet.

    pruned: days that a backfill would read and that are in the archive only. They are to be restored first. pending:
    the events by the start of their day.
    """

    pruned: PrunedDays
    days: tuple[Window, ...] = ()
    pending: Mapping[datetime, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.days)

    @property
    def events(self) -> int:
        """All of these events."""
        return sum(self.pending.values())

    def events_of(self, window: Window) -> int:
        """Those of one range of days."""
        return sum(events for day, events in self.pending.items() if window.start <= day < window.end)

    def restores(self, window: Window) -> str:
        """The command that first brings back what a backfill of a range of days would read; empty where none is."""
        reads = Window(window.start - REACH, window.end + REACH)
        if not any(reads.clipped(pruned) for pruned in self.pruned.windows):
            return ""
        return self.pruned.commands.partition("; ")[0].strip("`")

    def __str__(self) -> str:
        """One line with the commands that build the days again; empty where there are none."""
        if not self:
            return ""
        count = sum(1 for window in self.days for _ in window.steps(DAY))
        commands = "; ".join(
            f"clearlift backfill rollups --from {window.start:%Y-%m-%d} --to {window.end:%Y-%m-%d}"
            for window in self.days[:COMMANDS]
        )
        if self.pruned:
            commands = f"{self.pruned.commands}; {commands}"
        more = f"; and {counted(len(self.days) - COMMANDS, 'more range')}" if len(self.days) > COMMANDS else ""
        late = f"{counted(self.events, 'late event')} in {counted(count, 'day')}, too old to be rolled up automatically"
        return f"{late}: {commands}{more}; then clearlift backfill attribution of the same days"


def stale(
    app: App,
    postgres: Postgres,
    since: datetime,
    now: datetime,
    *,
    earliest: datetime | None = None,
    pause: timedelta = timedelta(0),
) -> StaleWindows:
    """Hours and days from `since` on, and weeks and months from those of `earliest` (by default of `since`) on.

    A window that has not ended, or that has only just ended, is left to its schedule, and the hours of today to
    `of_today`. One that was built within the `pause` before `now` waits until the pause is over.
    """
    first = (earliest or since).date()
    settled = now - HOUR - SETTLING[Grain.HOURLY]
    rows = _fetch(
        app,
        postgres,
        {
            Grain.HOURLY: (since, min(settled, midnight(now.date()) - _INSTANT)),
            Grain.DAILY: (since, now - DAY - SETTLING[Grain.DAILY]),
            # The period in which the settling began has not ended by then.
            **{p: (p.of(first).start, p.of((now - SETTLING[p]).date()).start - _INSTANT) for p in Period},
        },
        now - pause if pause else None,
    )
    starts = _starts(rows)
    hours, days = (tuple(joined(starts[grain.value], grain.step)) for grain in Grain)
    weeks, months = (tuple(touching(p.of(at.date()) for at in starts[p.value])) for p in Period)
    return StaleWindows(hours, days, weeks, months)


def of_today(app: App, postgres: Postgres, now: datetime) -> StaleWindows:
    """The stale hours and day of today, as far as they have begun."""
    begun = (midnight(now.date()), now)
    starts = _starts(_fetch(app, postgres, dict.fromkeys(Grain, begun)))
    return StaleWindows(*(tuple(joined(starts[grain.value], grain.step)) for grain in Grain))


def beyond(app: App, postgres: Postgres, earliest: datetime, since: datetime) -> LateDays:
    """The stale days from `earliest` on that are older than `since`."""
    rows = _fetch(app, postgres, dict.fromkeys(Grain, (earliest, since - _INSTANT))) if since > earliest else []
    days = joined({midnight(row["window_start"].astimezone(UTC).date()) for row in rows}, DAY)
    if not days:
        return LateDays(PrunedDays(app))
    with postgres.connection() as connection:
        pruned = [within(connection, app, Window(day.start - REACH, day.end + REACH)) for day in days]
    pending: Counter[datetime] = Counter()
    for row in rows:
        if row["grain"] == Grain.HOURLY.value:
            pending[midnight(row["window_start"].astimezone(UTC).date())] += row["pending"]
    return LateDays(reduce(or_, pruned, PrunedDays(app)), tuple(days), pending)


def horizon(earliest: datetime, reach: timedelta, now: datetime) -> datetime:
    """The start of the UTC day that lies `reach` back, or `earliest`: from there on, stale windows are built again."""
    return max(earliest, midnight((now - reach).date()))


def _fetch(
    app: App,
    postgres: Postgres,
    bounds: Mapping[Grain | Period, tuple[datetime, datetime]],
    built_before: datetime | None = None,
) -> list[dict[str, Any]]:
    return postgres.fetch(
        read_sql("rollups/stale_windows.sql"),
        {
            "app": app.name,
            "grains": [length.value for length in bounds],
            "versions": [VERSION if isinstance(length, Grain) else PERIOD_VERSION for length in bounds],
            "since": [since for since, _ in bounds.values()],
            "until": [until for _, until in bounds.values()],
            "built_before": built_before,
        },
    )


def _starts(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[datetime]]:
    starts: dict[str, list[datetime]] = {length.value: [] for length in (*Grain, *Period)}
    for row in rows:
        starts[row["grain"]].append(row["window_start"].astimezone(UTC))
    return starts

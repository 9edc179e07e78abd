"""The condition `reconciled`: whether the aggregates that are kept agree with the events that are about to go.

For each day: its hours, the day, its week and month, the sessions and the attribution of it were made after the newest
commit that touched it. Hours and the day hold as many events as the lake, week and month as many as their days. Events
of people who were erased since may still be counted. What belongs here: comparing. What does not: making aggregates,
and dropping days.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

import polars as pl

from assets.apps import App
from assets.attribution import late as attribution
from assets.rollups import late as rollups
from assets.rollups.periods import Period
from assets.rooms import Clock
from assets.sessions import build as sessions
from assets.sessions.definition import AFTER, BEFORE
from assets.windows import Window, day_window
from resources.postgres import Postgres
from resources.sql_files import read_sql


class DayCount:
    """The events of one organisation and day, counted as roll-ups count them: each id once a window."""

    def __init__(self) -> None:
        self._seen: list[pl.DataFrame] = []

    def add(self, events: pl.DataFrame) -> None:
        """Add events of the day. The columns timestamp and event_id are read."""
        self._seen.append(events.select(hour=pl.col("timestamp").dt.truncate("1h"), id=pl.col("event_id").hash()))

    def windows(self, day: date) -> dict[tuple[str, datetime], int]:
        """Events by (grain, start of the window)."""
        events = pl.concat(self._seen) if self._seen else None
        if events is None or events.is_empty():
            return {}
        hours = events.group_by("hour").agg(pl.col("id").n_unique()).iter_rows()
        return {
            **{("hourly", hour.astimezone(UTC)): number for hour, number in hours},
            ("daily", day_window(day).start): events["id"].n_unique(),
        }


@dataclass(frozen=True)
class Reconciled:
    """What Postgres holds of an app's events. All commits of the lake must have been followed."""

    app: App
    postgres: Postgres
    clock: Clock

    def waiting(self, window: Window) -> dict[date, str]:
        """The days of a window for which something is still to be made, and what that is."""
        now = self.clock()
        stale = rollups.stale(self.app, self.postgres, window.start, now)
        away = Window(window.start - AFTER, window.end + BEFORE)
        outdated = {
            "hours": stale.hours,
            "the day": stale.days,
            "its week": stale.weeks,
            "its month": stale.months,
            "sessions": _reached(sessions.stale(self.app, self.postgres, away.start, now)),
            "attribution": attribution.stale(self.app, self.postgres, window.start, now),
        }
        by_day: dict[date, list[str]] = {}
        for what, windows in outdated.items():
            for wide in windows:
                if inside := wide.clipped(window):
                    for day in inside.days():
                        names = by_day.setdefault(day.start.date(), [])
                        if what not in names:
                            names.append(what)
        return {
            day: f"not counted since events came late or rules changed: {', '.join(names)}"
            for day, names in by_day.items()
        }

    def counted(self, org: str, window: Window) -> "RolledUpCounts":
        """What the roll-ups hold of an organisation."""
        parameters = {"app": self.app.name, "org": org, "start": window.start, "end": window.end}
        rows = self.postgres.fetch(read_sql("retention/counted.sql"), parameters)
        events = {(row["grain"], row["window_start"].astimezone(UTC)): row["events"] for row in rows}
        differ = self.postgres.fetch(read_sql("retention/periods_differ.sql"), parameters)
        periods = tuple(Period(row["grain"]).of(row["period"]) for row in differ)
        assert self.app.audience is not None, f"{self.app.name} collects no events"
        erased = self.postgres.fetch(read_sql("retention/erased.sql"), {**parameters, "name": self.app.audience.table})
        return RolledUpCounts(events, periods, {row["day"]: row["rows"] for row in erased})


@dataclass(frozen=True)
class RolledUpCounts:
    """What the roll-ups of one organisation hold: events by (grain and cut, start), and the weeks and months that are
    not the sum of their days. erased: by day, how many events of erased people they may still count.
    """

    events: Mapping[tuple[str, datetime], int]
    periods: tuple[Window, ...]
    erased: Mapping[date, int]

    def differs(self, day: date, counted: DayCount) -> str:
        """What does not agree with the events of a day; empty where all agrees."""
        window = day_window(day)
        if any(period.clipped(window) for period in self.periods):
            return "its week or month is not the sum of its days"
        expected = counted.windows(day)
        for cut in ("", "_totals"):
            stored = {
                (grain.removesuffix("_totals"), start): events
                for (grain, start), events in self.events.items()
                if grain.endswith("_totals") == bool(cut) and window.start <= start < window.end
            }
            erased, windows = self.erased.get(day, 0), stored.keys() | expected.keys()
            wrong = sorted(at for at in windows if not 0 <= stored.get(at, 0) - expected.get(at, 0) <= erased)
            if wrong:
                named = ", ".join(f"{grain} {start:%H:%M}" for grain, start in wrong[:3])
                return f"roll-ups{cut} do not hold what the lake holds: {named}"
        return ""


def _reached(stale: tuple[Window, ...]) -> Iterator[Window]:
    """The days of events that stale days of sessions are made of."""
    for window in stale:
        yield Window(window.start - BEFORE, window.end + AFTER)

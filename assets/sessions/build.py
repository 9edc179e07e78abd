"""Builds sessions, one day at a time, replaced in one transaction, from the events around it; and which days are stale.

The lock of the day is taken before the lake is read, as for roll-ups: the last to write has seen the most. What does
not belong here: what a session is (definition.py).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

import polars as pl

from assets.apps import App
from assets.events import pruned
from assets.events.table import events_table
from assets.progress import Progress, reported, silent
from assets.rollups.definition import Grain
from assets.rollups.window_events import WindowEvents
from assets.rooms import Rooms
from assets.sessions.definition import AFTER, BEFORE, VERSION, Origin, read_for, sessions
from assets.windows import DAY, Window, joined, midnight
from resources.lake import LakeTable
from resources.postgres import Connection, Postgres, copy_in
from resources.sql_files import read_sql

TABLE = "sessions.daily"
# A day is left to its schedule until the next day has ended, because its last sessions go on past midnight.
SETTLING = 2 * DAY + timedelta(minutes=70)


@dataclass
class BuiltSessions:
    """How many days were built, and their sessions by origin."""

    days: int = 0
    tracker: int = 0
    recomputed: int = 0


@dataclass
class Sessions:
    """The engine of an app."""

    app: App
    events: LakeTable
    postgres: Postgres
    clock: Callable[[], datetime]
    progress: Progress = silent

    @classmethod
    def of(cls, rooms: Rooms, app: App) -> Self:
        """The engine over the stores of an app that collects events."""
        progress = rooms.progress("days of sessions")
        return cls(app, rooms.lake.table(events_table(app)), rooms.postgres, rooms.clock, progress)

    def run(self, window: Window, org: str | None = None) -> BuiltSessions:
        """Build the sessions that start in a window (whole days) again, of one organisation or of all.

        Raises:
            PrunedError: a day that they are made from is in the archive only; nothing was built.
            ValueError: the window is not made of whole days.
        """
        if any(at != midnight(at.date()) for at in (window.start, window.end)):
            raise ValueError(f"sessions are made of whole days, not {window.start} to {window.end}")
        with self.postgres.connection() as connection:
            pruned.refuse(connection, self.app, read_for(window), org)
        built = BuiltSessions()
        for day in reported(list(window.days()), self.progress):
            with self.postgres.lock(f"{self.app.name}.sessions.{day.start:%Y-%m-%d}") as connection:
                self._replace(connection, day, org, built)
        return built

    def _replace(self, connection: Connection, day: Window, org: str | None, built: BuiltSessions) -> None:
        head = pruned.countable_head(connection, self.app, self.events, read_for(day), org)
        orgs = None if org is None else [org]
        events, _ = WindowEvents(self.events, read_for(day), orgs, head[0]).single(Grain.DAILY)
        of_day = {"app": self.app.name, "day": day.start.date()}
        connection.execute(
            f"delete from {TABLE}"
            " where app = %(app)s and day = %(day)s and (%(org)s::text is null or org_tag = %(org)s)",
            {**of_day, "org": org},
        )
        counts = {}
        for origin in Origin:
            rows = sessions(events, origin, day.start.date())
            counts[origin.value] = rows.height
            if rows.height:
                copy_in(connection, TABLE, ("app", *rows.columns), rows.with_columns(app=pl.lit(self.app.name)))
        if org is None:
            connection.execute(
                read_sql("sessions/record_day.sql"),
                {
                    **of_day,
                    **counts,
                    "version": VERSION,
                    "snapshot_id": head[0],
                    "sequence": head[1],
                    "built_at": self.clock(),
                },
            )
        built.days += 1
        built.tracker += counts[Origin.TRACKER.value]
        built.recomputed += counts[Origin.RECOMPUTED.value]


def stale(
    app: App, postgres: Postgres, since: datetime, now: datetime, pause: timedelta = timedelta(0)
) -> tuple[Window, ...]:
    """Days from `since` on whose sessions a commit may have changed since they were built, joined into ranges.

    Days that have not settled are left to their schedule. One that was built within the `pause` before `now` waits.
    """
    rows = postgres.fetch(
        read_sql("sessions/stale_days.sql"),
        {
            "app": app.name,
            "version": VERSION,
            "since": since.date(),
            "until": now - SETTLING,
            "before": AFTER // DAY,
            "after": BEFORE // DAY,
            "built_before": now - pause if pause else None,
        },
    )
    return tuple(joined((midnight(row["day"]).astimezone(UTC) for row in rows), DAY))


def built(app: App, postgres: Postgres, since: datetime) -> dict[datetime, datetime]:
    """When each day from `since` on was built last, by its start; and the first day that was ever built."""
    rows = postgres.fetch(read_sql("sessions/built_days.sql"), {"app": app.name, "since": since.date()})
    return {midnight(row["day"]): row["built_at"] for row in rows}

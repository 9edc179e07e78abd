"""Building sessions: a day at a time, replaced in one transaction, from the events around it; and which days to make.

The day's lock is taken before the lake is read, as for roll-ups: the last to write has seen the most.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from assets.events import pruned
from assets.progress import Progress, silent
from assets.rollups.build import RollUp
from assets.rollups.definition import Grain
from assets.sessions.definition import AFTER, BEFORE, VERSION, Origin, read_for, sessions
from assets.windows import DAY, Window, joined, midnight
from resources.lake import LakeTable
from resources.postgres import Connection, Postgres, copy_in
from resources.sql_files import read_sql

TABLE = "sessions.daily"
# A day is left to its schedule until the next one has ended: its last sessions go on past midnight.
SETTLING = 2 * DAY + timedelta(minutes=70)


@dataclass
class Made:
    """Sessions made, by origin, and their days."""

    days: int = 0
    tracker: int = 0
    recomputed: int = 0


@dataclass
class Sessions:
    """The engine."""

    events: LakeTable
    postgres: Postgres
    clock: Callable[[], datetime]
    progress: Progress = silent

    def run(self, window: Window, org: str | None = None) -> Made:
        """Make the sessions that start in a window (whole days) anew, of one organisation or of all.

        Raises:
            PrunedError: a day that they are made of is archived only; nothing was made.
        """
        if any(at != midnight(at.date()) for at in (window.start, window.end)):
            raise ValueError(f"sessions are made of whole days, not {window.start} to {window.end}")
        with self.postgres.connection() as connection:
            pruned.refuse(connection, read_for(window), org)
        made, days = Made(), list(window.days())
        for done, day in enumerate(days):
            self.progress(done, len(days))
            with self.postgres.lock(f"sessions.{day.start:%Y-%m-%d}") as connection:
                self._replace(connection, day, org, made)
        self.progress(len(days), len(days))
        return made

    def _replace(self, connection: Connection, day: Window, org: str | None, made: Made) -> None:
        pruned.refuse(connection, read_for(day), org)
        head = self.events.head()
        pruned.refuse(connection, read_for(day), org)
        reader = RollUp(Grain.DAILY, self.events, self.postgres, self.clock)
        events, _ = reader.read(read_for(day), org, head[0])
        connection.execute(
            f"delete from {TABLE} where day = %(day)s and (%(org)s::text is null or org_tag = %(org)s)",
            {"day": day.start.date(), "org": org},
        )
        counts = {}
        for origin in Origin:
            rows = sessions(events, origin, day.start.date())
            counts[origin.value] = rows.height
            if rows.height:
                copy_in(connection, TABLE, rows.columns, rows)
        if org is None:
            connection.execute(
                read_sql("sessions/record_day.sql"),
                {
                    "day": day.start.date(),
                    "version": VERSION,
                    "snapshot_id": head[0],
                    "sequence": head[1],
                    "built_at": self.clock(),
                    **counts,
                },
            )
        made.days += 1
        made.tracker += counts[Origin.TRACKER.value]
        made.recomputed += counts[Origin.RECOMPUTED.value]


def stale(postgres: Postgres, since: datetime, now: datetime) -> tuple[Window, ...]:
    """Days from `since` on whose sessions a commit may have changed since they were made, joined into ranges.

    Days that have not settled are left to their schedule.
    """
    rows = postgres.fetch(
        read_sql("sessions/stale_days.sql"),
        {
            "version": VERSION,
            "since": since.date(),
            "until": now - SETTLING,
            "before": AFTER // DAY,
            "after": BEFORE // DAY,
        },
    )
    return tuple(joined((midnight(row["day"]).astimezone(UTC) for row in rows), DAY))

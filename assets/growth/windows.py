"""Windows that are made again from raw events: the aggregations of hours and days, and the metrics of days.

A batch of pending events marks the windows that its events lie in, in its own transaction. Making some windows is one
transaction too: it replaces their rows and removes their marks, and no batch ends meanwhile. So a late event reopens
exactly its hour and its day, and a kill repeats work and loses nothing. What does not belong here: counting, which is
SQL.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal, Self

from assets.apps import App, Growth
from assets.progress import Progress, silent
from assets.rooms import Rooms
from assets.windows import DAY, midnight
from resources.declined import DeclinedError
from resources.postgres import Postgres
from resources.sql_files import read_sql

Kind = Literal["hour", "day", "metrics"]
# Windows of one transaction: batches of pending events wait for it.
AT_ONCE: Mapping[Kind, int] = {"hour": 24, "day": 1, "metrics": 1}
# A day's metrics are made when the day has ended; what else is reopened, also while it is in progress.
MADE_AFTER: Mapping[Kind, timedelta] = {"hour": timedelta(), "day": timedelta(), "metrics": DAY}


@dataclass(frozen=True)
class Made:
    """Windows that were made, and rows that changed with them. kept: windows of which events were deleted meanwhile.

    events: what the windows hold.
    """

    windows: int = 0
    kept: int = 0
    events: int = 0
    rows_changed: int = 0

    def __add__(self, other: "Made") -> "Made":
        return Made(
            self.windows + other.windows,
            self.kept + other.kept,
            self.events + other.events,
            self.rows_changed + other.rows_changed,
        )


@dataclass
class StaleWindows:
    """The engine over one database."""

    postgres: Postgres
    growth: Growth
    clock: Callable[[], datetime]
    progress: Progress = silent

    @classmethod
    def of(cls, rooms: Rooms, app: App, growth: Growth) -> Self:
        """The engine over an app's own database."""
        return cls(rooms.app_postgres(app), growth, rooms.clock, rooms.progress("windows of events"))

    def mark(self, day: date, *kinds: Kind) -> None:
        """Ask for the windows of a UTC day again.

        Raises:
            DeclinedError: the day has not begun, so that its marks would wait for it.
        """
        if midnight(day) > self.clock():
            raise DeclinedError(f"{day} has not begun", "name a day up to today")
        self.postgres.execute(self._sql("mark_day"), {"day": midnight(day), "kinds": list(kinds)})

    def stale(self, kind: Kind) -> list[datetime]:
        """The windows to be made now, oldest first. Those of events from the future wait."""
        until = self.clock() - MADE_AFTER[kind] + timedelta(microseconds=1)
        rows = self.postgres.fetch(self._sql("stale_windows"), {"kind": kind, "until": until})
        return [row["window_start"] for row in rows]

    def make(self, kind: Kind) -> Made:
        """Make every stale window of a kind."""
        stale, made = self.stale(kind), Made()
        for at in range(0, len(stale), AT_ONCE[kind]):
            made += self._replace(kind, stale[at : at + AT_ONCE[kind]])
            self.progress(min(at + AT_ONCE[kind], len(stale)), len(stale))
        return made

    def _replace(self, kind: Kind, windows: list[datetime]) -> Made:
        statement = self._sql("make_metrics" if kind == "metrics" else "make_windows")
        with self.postgres.connection() as connection:
            connection.execute(self._sql("lock_windows"))
            row: dict[str, Any] | None = connection.execute(statement, {"kind": kind, "windows": windows}).fetchone()
            connection.execute(self._sql("unmark_windows"), {"kind": kind, "windows": windows})
        assert row is not None  # the statement counts, and a count has a row
        return Made(row["made"], row["kept"], row["events"], row["rows_changed"])

    def _sql(self, name: str) -> str:
        return read_sql(f"{self.growth.statements}/{name}.sql")

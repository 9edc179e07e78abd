"""Taking pending events into the aggregations, batch by batch, until none is left.

A batch is one transaction of the database: its ids leave the queue, its counts are added, and the windows that its
events lie in are marked. So a kill repeats a batch or nothing, and each event is counted once. Batches of several
workers take different events. What does not belong here: exact distinct counts, which are made of whole windows
(windows.py).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from assets.apps import App, Growth
from assets.progress import Progress, silent
from assets.rooms import Rooms
from resources.postgres import Postgres
from resources.sql_files import read_sql

BATCH = 2_000
# Batches that one look of a sensor takes: ten times the events of five minutes at 400 a second.
BATCHES_AT_ONCE = 60


@dataclass(frozen=True)
class Taken:
    """What was taken: events and batches. left: events that wait still; oldest: how long the oldest of them has."""

    events: int
    batches: int
    left: int
    oldest: timedelta


@dataclass
class PendingEvents:
    """The engine over one database."""

    postgres: Postgres
    growth: Growth
    clock: Callable[[], datetime]
    batch: int = BATCH
    progress: Progress = silent

    @classmethod
    def of(cls, rooms: Rooms, app: App, growth: Growth) -> Self:
        """The engine over an app's own database."""
        return cls(rooms.app_postgres(app), growth, rooms.clock, progress=rooms.progress("pending events"))

    def run(self, batches: int | None = None) -> Taken:
        """Take batches until the queue is empty, at most so many."""
        waiting = self.waiting()
        events = number = 0
        while batches is None or number < batches:
            (took,) = self.postgres.fetch(self._sql("process_pending"), {"rows": self.batch})
            if not took["events"]:
                break
            events, number = events + took["events"], number + 1
            self.progress(events, max(events, waiting["events"]))
        left = self.waiting()
        oldest = self.clock() - left["since"] if left["since"] is not None else timedelta()
        return Taken(events, number, left["events"], oldest)

    def waiting(self) -> dict[str, Any]:
        """How many `events` are in no aggregation yet, and when the oldest of them came (`since`)."""
        (row,) = self.postgres.fetch(self._sql("pending"))
        return row

    def _sql(self, name: str) -> str:
        return read_sql(f"{self.growth.statements}/{name}.sql")

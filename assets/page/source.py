"""What sections are read from: the stores, and what the run history says of assets and runs. No Dagster here.

What belongs here: what every section is handed. What does not: reading the run history (clearlift_pipelines/page.py).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from assets.apps import App
from assets.rooms import Rooms
from assets.thresholds import Thresholds
from assets.windows import midnight
from resources.sql_files import read_sql

DAYS = 30
"""Of how many days a page shows what is counted by day, today included."""


@dataclass(frozen=True)
class RunsOfDay:
    """The runs that were created on a UTC day, how many of them failed, and the seconds of those that ended."""

    day: date
    runs: int
    failed: int
    seconds: float


@dataclass(frozen=True)
class History:
    """The run history: the runs of days, its bytes, its rows of runs, and of events where one table holds them."""

    days: Sequence[RunsOfDay]
    bytes: int
    runs: int
    events: int | None


@dataclass(frozen=True)
class Source:
    """What sections read. now: the moment (UTC) that the page is of. home: the home folder.

    made: when an asset, by its key, was made since a moment, in order of time. history: of the days since a moment.
    ran: whether anything ever ran.
    """

    rooms: Rooms
    apps: Sequence[App]
    thresholds: Thresholds
    home: Path
    now: datetime
    made: Callable[[Sequence[str], datetime], Sequence[datetime]]
    history: Callable[[datetime], History]
    ran: Callable[[], bool]

    @property
    def days(self) -> list[date]:
        """The days that are shown, in order."""
        return [self.now.date() - timedelta(days=back) for back in reversed(range(DAYS))]

    @property
    def since(self) -> datetime:
        """Where they begin."""
        return midnight(self.days[0])

    def fetch(self, statement: str, **parameters: object) -> list[dict[str, Any]]:
        """The rows of a statement of sql/page/ over our Postgres."""
        return self.rooms.postgres.fetch(read_sql(f"page/{statement}.sql"), parameters)

    def collecting(self) -> Iterator[App]:
        """The apps that collect web events."""
        return (app for app in self.apps if app.audience is not None)

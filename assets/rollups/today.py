"""Today as events land: the hours and the day of today that commits changed, made again within the same minute.

Of a window only the organisations are counted again whose events changed. What does not belong here: earlier days,
which late.py finds, and counting (build.py).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from assets.apps import App
from assets.events.table import events_table
from assets.progress import Progress, silent
from assets.rollups import late
from assets.rollups.build import OrganisationsLeftError, RollUp
from assets.rollups.definition import Grain
from assets.rollups.follow import follow
from assets.rooms import Rooms
from assets.windows import midnight
from resources.lake import LakeTable
from resources.postgres import Postgres
from resources.sql_files import read_sql


@dataclass
class BuiltToday:
    """What was done: commits followed, hours and days made again, and events counted for the day.

    left: why organisations were left out.
    """

    commits: int = 0
    hours: int = 0
    days: int = 0
    events: int = 0
    doubles: int = 0
    left: list[OrganisationsLeftError] = field(default_factory=list)


@dataclass
class Today:
    """The engine of an app."""

    app: App
    events: LakeTable
    postgres: Postgres
    clock: Callable[[], datetime]
    progress: Progress = silent

    @classmethod
    def of(cls, rooms: Rooms, app: App) -> Self:
        """The engine over the stores of an app that collects events."""
        events, progress = rooms.lake.table(events_table(app)), rooms.progress("windows of today")
        return cls(app, events, rooms.postgres, rooms.clock, progress)

    def run(self) -> BuiltToday:
        """Follow every commit, and make what is stale of today again. Windows that are left stay stale."""
        done, now = BuiltToday(), self.clock()
        while commits := follow(self.app, self.events, self.postgres, self.clock):
            done.commits += commits
        stale = late.of_today(self.app, self.postgres, now)
        windows = [(Grain.HOURLY, hours) for hours in stale.hours] + [(Grain.DAILY, day) for day in stale.days]
        for number, (grain, window) in enumerate(windows, 1):
            engine = RollUp(self.app, grain, self.events, self.postgres, self.clock)
            try:
                built = engine.catch_up(window)
            except OrganisationsLeftError as error:
                done.left.append(error)
            else:
                done.hours += built.windows if grain is Grain.HOURLY else 0
                if grain is Grain.DAILY:
                    done.days, done.events, done.doubles = built.windows, built.events, built.doubles
            self.progress(number, len(windows))
        self.postgres.execute(
            read_sql("rollups/forget_organisations.sql"), {"app": self.app.name, "today": midnight(now.date())}
        )
        return done

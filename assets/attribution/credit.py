"""Crediting conversions to campaigns, inside Postgres: each day that something changed, where its credits differ.

What does not belong here: the campaign of a touch (match.py), and touches themselves (build.py).
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Self

from assets.apps import App
from assets.attribution.labels import learn_labels
from assets.attribution.match import lock_of
from assets.attribution.rules import DEFAULT
from assets.progress import Progress, silent
from assets.rooms import Rooms
from assets.windows import Window
from resources.postgres import Connection, Postgres
from resources.sql_files import read_sql


@dataclass
class Credited:
    """How many days were credited, and those of them whose credits differ from before."""

    days: int = 0
    changed: list[date] = field(default_factory=list)


@dataclass
class Credits:
    """The engine of one app."""

    app: App
    postgres: Postgres
    progress: Progress = silent

    @classmethod
    def of(cls, rooms: Rooms, app: App, *, progress: Progress = silent) -> Self:
        """The engine over the rooms."""
        return cls(app, rooms.postgres, progress)

    def run(self, window: Window) -> Credited:
        """Credit a window's days, and every other day that touches, conversions, campaigns or rules changed."""
        with self.postgres.lock(lock_of(self.app)) as connection:
            learn_labels(connection, self.app)
        result = Credited()
        bounds = {"app": self.app.name, "start": window.start.date(), "end": window.end.date()}
        days = [row["day"] for row in self.postgres.fetch(read_sql("attribution/uncredited_days.sql"), bounds)]
        for number, day in enumerate(days):
            self.progress(number, len(days))
            with self.postgres.lock(lock_of(self.app)) as connection:
                if self._credit(connection, day):
                    result.changed.append(day)
            result.days += 1
        self.progress(len(days), len(days))
        return result

    def _credit(self, connection: Connection, day: date) -> bool:
        parameters = {"app": self.app.name, "day": day, "default_days": DEFAULT.window_days}
        connection.execute(read_sql("attribution/browsers_of_day.sql"), parameters)
        connection.execute("analyze browsers_of_day")
        connection.execute(read_sql("attribution/credits_of_day.sql"), parameters)
        row = connection.execute(read_sql("attribution/credits_differ.sql"), parameters).fetchone()
        assert row is not None  # the statement always gives one row
        if row["differ"]:
            connection.execute("delete from attribution.credits where app = %(app)s and day = %(day)s", parameters)
            connection.execute("insert into attribution.credits select * from incoming_credits")
        connection.execute(
            "update attribution.windows set credited = changed where app = %(app)s and day = %(day)s", parameters
        )
        return bool(row["differ"])

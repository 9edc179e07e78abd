"""Crediting conversions to campaigns, inside Postgres: each day that something changed for, where it differs."""

from dataclasses import dataclass, field
from datetime import date

from assets.attribution.match import LOCK, learn_labels
from assets.attribution.rules import DEFAULT
from assets.progress import Progress, silent
from assets.windows import Window
from resources.postgres import Connection, Postgres
from resources.sql_files import read_sql


@dataclass
class Credited:
    """Days whose credits were made, and those of them that differ from before."""

    days: int = 0
    changed: list[date] = field(default_factory=list)


@dataclass
class Credits:
    """The engine."""

    postgres: Postgres
    progress: Progress = silent

    def run(self, window: Window) -> Credited:
        """Credit a window's days, and every other day that touches, conversions, campaigns or rules changed for."""
        with self.postgres.lock(LOCK) as connection:
            learn_labels(connection)
        done = Credited()
        bounds = {"start": window.start.date(), "end": window.end.date()}
        days = [row["day"] for row in self.postgres.fetch(read_sql("attribution/uncredited_days.sql"), bounds)]
        for number, day in enumerate(days):
            self.progress(number, len(days))
            with self.postgres.lock(LOCK) as connection:
                if self._credit(connection, day):
                    done.changed.append(day)
            done.days += 1
        self.progress(len(days), len(days))
        return done

    def _credit(self, connection: Connection, day: date) -> bool:
        at = {"day": day, "default_days": DEFAULT.window_days}
        connection.execute(read_sql("attribution/credits_of_day.sql"), at)
        found = connection.execute(read_sql("attribution/credits_differ.sql"), at).fetchone()
        assert found is not None  # one row, always
        if found["differ"]:
            connection.execute("delete from attribution.credits where day = %(day)s", at)
            connection.execute("insert into attribution.credits select * from incoming_credits")
        connection.execute("update attribution.windows set credited = changed where day = %(day)s", at)
        return bool(found["differ"])

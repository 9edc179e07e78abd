"""Weeks and months: which they are, what they are called, and that a day made again reopens its own.

What does not belong here: making them, which build_periods.py does.
"""

from collections.abc import Iterator
from datetime import date
from enum import StrEnum

from assets.rollups.definition import Cut
from assets.windows import Window, month_of, week_of
from resources.postgres import Connection
from resources.sql_files import read_sql

# Raised when a week or month comes to mean something else. Days have a version of their own and reopen their periods.
VERSION = 1


class Period(StrEnum):
    """A length of window that is made of days, by its table's name."""

    WEEKLY = "weekly"
    MONTHLY = "monthly"

    @property
    def column(self) -> str:
        """The window's column in the period's tables: its first day."""
        return {"weekly": "week", "monthly": "month"}[self.value]

    def of(self, day: date) -> Window:
        """The ISO week (from Monday) or calendar month that a day lies in."""
        return week_of(day) if self is Period.WEEKLY else month_of(day)

    def covering(self, window: Window) -> Iterator[Window]:
        """The whole periods that a window touches, in order."""
        at = window.start
        while at < window.end:
            found = self.of(at.date())
            yield found
            at = found.end

    def ends(self, window: Window) -> tuple[date, date]:
        """The first days of the first and of the last period that a window touches."""
        touched = list(self.covering(window))
        return touched[0].start.date(), touched[-1].start.date()

    def table(self, cut: Cut) -> str:
        return f"rollups.{self.value}{'_' + cut.name if cut.name else ''}"


def reopen(connection: Connection, day: Window, sequence: int) -> None:
    """Say, in the transaction that made a day (of the lake's commit `sequence`), that its periods are to be made."""
    touched = [(period.value, window.start) for period in Period for window in period.covering(day)]
    connection.execute(
        read_sql("rollups/reopen_periods.sql"),
        {"grains": [grain for grain, _ in touched], "windows": [start for _, start in touched], "sequence": sequence},
    )

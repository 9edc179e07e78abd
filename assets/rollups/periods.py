"""Weeks and months: the windows that are made of days. Pure.

What does not belong here: building them, which build_periods.py does.
"""

from collections.abc import Iterator
from datetime import date
from enum import StrEnum

from assets.windows import Window, month_of, week_of

# Raise it when the meaning of a week or month changes. Days have their own version, and reopen their periods.
VERSION = 1


class Period(StrEnum):
    """A length of window that is made of days, by the name of its table."""

    WEEKLY = "weekly"
    MONTHLY = "monthly"

    @property
    def column(self) -> str:
        """The column of the window in the tables of the period: its first day."""
        return {"weekly": "week", "monthly": "month"}[self.value]

    def of(self, day: date) -> Window:
        """The ISO week (from Monday) or calendar month that a day lies in."""
        return week_of(day) if self is Period.WEEKLY else month_of(day)

    def covering(self, window: Window) -> Iterator[Window]:
        """The whole periods that a window touches, in order."""
        at = window.start
        while at < window.end:
            period = self.of(at.date())
            yield period
            at = period.end

    def ends(self, window: Window) -> tuple[date, date]:
        """The first days of the first and of the last period that a window touches."""
        touched = list(self.covering(window))
        return touched[0].start.date(), touched[-1].start.date()

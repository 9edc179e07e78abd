"""Calendar quarters in UTC: their names, their windows, when one is due. Pure.

What belongs here: arithmetic of quarters. What does not: which tables are archived by them.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Self

from assets.windows import DAY, Window, midnight

FORM = re.compile(r"(\d{4})Q([1-4])")


@dataclass(frozen=True, order=True)
class Quarter:
    """One quarter of a year, written `2026Q1`."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `2026Q1`; raises ValueError."""
        match = FORM.fullmatch(text.upper())
        if match is None:
            raise ValueError(f"{text!r} is no quarter; one looks like 2026Q1")
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def of(cls, day: date) -> Self:
        """The quarter that a UTC day lies in."""
        return cls(day.year, (day.month + 2) // 3)

    @property
    def start(self) -> date:
        return date(self.year, 3 * self.number - 2, 1)

    @property
    def window(self) -> Window:
        return Window(midnight(self.start), midnight(self.following.start))

    @property
    def following(self) -> "Quarter":
        return Quarter(self.year + self.number // 4, self.number % 4 + 1)

    def is_due(self, now: datetime, after_days: int) -> bool:
        """Whether its youngest row is older than `after_days`."""
        return self.window.end + timedelta(days=after_days) <= now

    def __str__(self) -> str:
        return f"{self.year:04}Q{self.number}"


def quarters(window: Window) -> list[Quarter]:
    """The quarters that a window touches, in order."""
    touched: list[Quarter] = []
    at = Quarter.of(window.start.date())
    while at.window.start < window.end:
        touched.append(at)
        at = at.following
    return touched


def due(now: date, after_days: int, number: int) -> list[Quarter]:
    """The youngest quarters whose rows are all older than `after_days` at a day, oldest first."""
    since = midnight(now) - timedelta(days=after_days)
    return [q for q in quarters(Window(since - (number + 1) * 93 * DAY, since)) if q.window.end <= since][-number:]

"""The grains of metrics: which windows they have, what each is made of, what it reopens. Pure.

Hours are UTC; weeks begin on Monday. Hours lie in the partitions of the family metrics, coarser windows in tables.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from assets.windows import Window, month_of, week_of
from resources.d1.times import moment, stamp

HOUR_OF = "substr(windowStart, 1, 13) || ':00:00.000Z'"
DAY_OF = "substr(windowStart, 1, 10) || 'T00:00:00.000Z'"
WEEK_OF = "date(windowStart, 'weekday 0', '-6 days') || 'T00:00:00.000Z'"
MONTH_OF = "substr(windowStart, 1, 7) || '-01T00:00:00.000Z'"


@dataclass(frozen=True)
class Grain:
    """A length of windows. window: SQL that gives the window of a finer one's windowStart. reopens: the coarser grains
    whose windows are to be made again when one of these was. at_once: windows that one transaction makes.
    """

    name: str
    window: str
    made_of: str
    reopens: tuple[str, ...]
    at_once: int

    @property
    def table(self) -> str:
        """Where its rows lie; those of hours in partitions, over which this is the view."""
        return "metrics" if self.name == "hourly" else f"metrics_{self.name}"

    def end(self, start: datetime) -> datetime:
        """The end of the window that starts there."""
        if self.name == "hourly":
            return start + timedelta(hours=1)
        if self.name == "daily":
            return start + timedelta(days=1)
        return (week_of if self.name == "weekly" else month_of)(start.date()).end

    def portions(self, starts: Iterable[str]) -> Iterator[list[str]]:
        """Windows as one transaction each makes them: some at once, and never of two months."""
        for _, of_month in groupby(sorted(starts), key=lambda start: start[:7]):
            windows = list(of_month)
            for at in range(0, len(windows), self.at_once):
                yield windows[at : at + self.at_once]

    def span(self, portion: list[str]) -> Window:
        """From the first window's start to the last one's end."""
        return Window(moment(portion[0]), self.end(moment(portion[-1])))

    def bounds(self, portion: list[str]) -> tuple[str, str]:
        """The span as rows are compared with it."""
        span = self.span(portion)
        return stamp(span.start), stamp(span.end)


HOURLY = Grain("hourly", HOUR_OF, "sessions and points", ("daily",), 240)
DAILY = Grain("daily", DAY_OF, "hours", ("weekly", "monthly"), 31)
WEEKLY = Grain("weekly", WEEK_OF, "days", (), 6)
MONTHLY = Grain("monthly", MONTH_OF, "days", (), 1)
GRAINS = {grain.name: grain for grain in (HOURLY, DAILY, WEEKLY, MONTHLY)}

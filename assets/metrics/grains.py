"""The grains of metrics: which windows each has, what it is made of, which coarser windows it reopens. Pure.

Hours are UTC; weeks begin on Monday. Hours lie in the partitions of a series, coarser windows in one table each.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from assets.apps import MetricSeries
from assets.windows import Window, month_of, week_of
from resources.d1.times import moment, stamp

HOUR_OF = "substr(windowStart, 1, 13) || ':00:00.000Z'"
DAY_OF = "substr(windowStart, 1, 10) || 'T00:00:00.000Z'"
WEEK_OF = "date(windowStart, 'weekday 0', '-6 days') || 'T00:00:00.000Z'"
MONTH_OF = "substr(windowStart, 1, 7) || '-01T00:00:00.000Z'"


@dataclass(frozen=True)
class MetricGrain:
    """A length of windows.

    window: SQL that gives the window of a finer window's windowStart. made_of: the finer windows; empty for hours,
    which are made of the details. reopens: the coarser grains whose windows must be made again after one of these.
    at_once: how many windows one transaction makes.
    """

    name: str
    window: str
    made_of: str
    reopens: tuple[str, ...]
    at_once: int

    def table(self, metrics: MetricSeries) -> str:
        """The table of its rows; for hours the view over their partitions."""
        return metrics.hours.name if self.name == "hourly" else f"{metrics.hours.name}_{self.name}"

    def end(self, start: datetime) -> datetime:
        """The end of the window that starts there."""
        if self.name == "hourly":
            return start + timedelta(hours=1)
        if self.name == "daily":
            return start + timedelta(days=1)
        return (week_of if self.name == "weekly" else month_of)(start.date()).end

    def portions(self, starts: Iterable[str]) -> Iterator[list[str]]:
        """The windows in groups that one transaction makes; no group has windows of two months."""
        for _, of_month in groupby(sorted(starts), key=lambda start: start[:7]):
            windows = list(of_month)
            for at in range(0, len(windows), self.at_once):
                yield windows[at : at + self.at_once]

    def span(self, portion: list[str]) -> Window:
        """From the first window's start to the last one's end."""
        return Window(moment(portion[0]), self.end(moment(portion[-1])))

    def bounds(self, portion: list[str]) -> tuple[str, str]:
        """The span as the two texts that rows are compared with."""
        span = self.span(portion)
        return stamp(span.start), stamp(span.end)


HOURLY = MetricGrain("hourly", HOUR_OF, "", ("daily",), 240)
DAILY = MetricGrain("daily", DAY_OF, "hours", ("weekly", "monthly"), 31)
WEEKLY = MetricGrain("weekly", WEEK_OF, "days", (), 6)
MONTHLY = MetricGrain("monthly", MONTH_OF, "days", (), 1)
GRAINS = {grain.name: grain for grain in (HOURLY, DAILY, WEEKLY, MONTHLY)}

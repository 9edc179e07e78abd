"""Making metrics: windows that are stale are made again from what they are made of, inside D1.

Every change of a detail marks its hour as stale, in the transaction of the change. Some windows are made in one
transaction: it replaces their rows, removes their marks and marks the coarser windows that contain them. So a kill
repeats work and loses nothing.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from string import Template

from assets.apps import App, MetricSeries, Series
from assets.metrics.grains import GRAINS, HOURLY, MetricGrain
from assets.metrics.kept import KEPT_BEFORE, kept_before
from assets.progress import Progress, silent
from assets.rooms import Rooms
from assets.series import ahead, registry
from assets.series.layout import source
from resources.d1 import D1, D1Error, Statement, bulk
from resources.d1.pace import Pace
from resources.d1.times import moment
from resources.sql_files import read_sql

TRIES = 5


@dataclass(frozen=True)
class WindowCounts:
    """How many windows were made, and how many stale ones are kept as they are because their details are gone."""

    made: int
    kept: int


@dataclass
class Metrics:
    """The engine, for one grain."""

    d1: D1
    metrics: MetricSeries
    grain: MetricGrain
    clock: Callable[[], datetime]
    pace: Pace
    progress: Progress = silent

    def run(self) -> WindowCounts:
        """Make every stale window."""
        stale = [row["windowStart"] for row in self.d1.query(read_sql("metrics/stale.sql"), [self.grain.name])]
        boundary = kept_before(self.d1)
        kept = [start for start in stale if boundary is not None and start < boundary] if self._is_hourly else []
        for page, _ in bulk.arrays(kept):
            self.d1.execute(read_sql("metrics/made.sql"), [page, self.grain.name], idempotent=True)
        wanted = stale[len(kept) :]
        if wanted and self._is_hourly:
            ahead.make(self.d1, self.metrics.hours, self.clock, moment(wanted[0]))
        done = 0
        for portion in self.grain.portions(wanted):
            self._portion(portion)
            done += len(portion)
            self.progress(done, len(wanted))
        return WindowCounts(done, len(kept))

    @property
    def _is_hourly(self) -> bool:
        return self.grain is HOURLY

    def _portion(self, portion: list[str]) -> None:
        for attempt in range(TRIES):
            try:
                self.pace.step(lambda: self.d1.batch(self._statements(portion), idempotent=True))
            except D1Error:
                # The partition may have been folded after it was looked up. The next try finds its year.
                if attempt == TRIES - 1:
                    raise
            else:
                return

    def _statements(self, portion: list[str]) -> list[Statement]:
        windows, bounds = json.dumps(portion), self.grain.bounds(portion)
        if self._is_hourly:
            # The statement itself reads the boundary, because another run may move it at the same time.
            target, boundary = self._source(self.metrics.hours, portion), KEPT_BEFORE
            details = {detail.name: self._source(detail, portion) for detail in self.metrics.details}
            fill = f"insert into {target} ({', '.join(self.metrics.hours.columns)})\n{hourly(self.metrics, details)}"
        else:
            target, boundary = self.grain.table(self.metrics), "''"
            days = GRAINS["daily"].table(self.metrics)
            finer = self._source(self.metrics.hours, portion) if self.grain.made_of == "hours" else days
            fill = Template(read_sql("metrics/coarser.sql")).substitute(
                metrics=target, finer=finer, window=self.grain.window
            )
        forget = Template(read_sql("metrics/forget.sql")).substitute(metrics=target, kept_before=boundary)
        reopen = [
            Statement(
                Template(read_sql("metrics/reopen.sql")).substitute(window=GRAINS[coarser].window),
                [windows, coarser],
            )
            for coarser in self.grain.reopens
        ]
        return [
            Statement(forget, [windows]),
            Statement(fill, [windows, *bounds]),
            *reopen,
            Statement(read_sql("metrics/made.sql"), [windows, self.grain.name]),
        ]

    def _source(self, series: Series, portion: list[str]) -> str:
        """The table that holds a portion, which lies in one month."""
        return source(registry.load(self.d1, series), self.grain.span(portion))


def hourly(metrics: MetricSeries, details: dict[str, str]) -> str:
    """A SELECT of the metrics of hours ?1 in [?2, ?3), counted from the tables that hold the details, by name."""
    measured = Template(read_sql(metrics.measured)).substitute(details)
    return Template(read_sql("metrics/hourly.sql")).substitute(measured=measured, kept_before=KEPT_BEFORE)


def of(rooms: Rooms, app: App, metrics: MetricSeries, grain: MetricGrain) -> Metrics:
    """The engine over an app's D1."""
    progress = rooms.progress(f"{grain.name} windows made")
    return Metrics(rooms.d1(app), metrics, grain, rooms.clock, Pace(), progress)

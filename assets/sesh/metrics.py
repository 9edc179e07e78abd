"""Making metrics: windows that are stale are made again from what they are made of, inside D1.

Whatever changes a session or a point marks its hour as stale in the transaction of the change. A portion of windows is
one transaction: their rows are replaced, their marks go, and the coarser windows they lie in are marked. So a kill
repeats, and loses nothing.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from string import Template

from assets.progress import Progress, silent
from assets.sesh import ahead, registry
from assets.sesh.families import METRICS, POINTS, SESSIONS, Family
from assets.sesh.grains import GRAINS, HOURLY, Grain
from assets.sesh.layout import source
from assets.sesh.places import KEPT_BEFORE, kept_before
from resources.d1 import D1, D1Error, Statement
from resources.d1.pace import Pace
from resources.d1.times import moment
from resources.sql_files import read_sql

TRIES = 5


@dataclass(frozen=True)
class Made:
    """Windows that were made, and those that were stale but are kept as they are, for their detail is gone."""

    windows: int
    kept: int


@dataclass
class Metrics:
    """The engine, of one grain."""

    d1: D1
    grain: Grain
    clock: Callable[[], datetime]
    pace: Pace
    progress: Progress = silent

    def run(self) -> Made:
        """Make every stale window."""
        stale = [row["windowStart"] for row in self.d1.query(read_sql("sesh/metrics/stale.sql"), [self.grain.name])]
        boundary = kept_before(self.d1)
        kept = [start for start in stale if boundary is not None and start < boundary] if self._is_hourly else []
        if kept:
            self.d1.execute(read_sql("sesh/metrics/made.sql"), [json.dumps(kept), self.grain.name], idempotent=True)
        wanted = stale[len(kept) :]
        if wanted and self._is_hourly:
            ahead.make(self.d1, METRICS, self.clock, moment(wanted[0]))
        done = 0
        for portion in self.grain.portions(wanted):
            self._portion(portion)
            done += len(portion)
            self.progress(done, len(wanted))
        return Made(done, len(kept))

    @property
    def _is_hourly(self) -> bool:
        return self.grain is HOURLY

    def _portion(self, portion: list[str]) -> None:
        for attempt in range(TRIES):
            try:
                self.pace.step(lambda: self.d1.batch(self._statements(portion), idempotent=True))
            except D1Error:
                # A partition that was folded since it was looked up is no more; the year answers now.
                if attempt == TRIES - 1:
                    raise
            else:
                return

    def _statements(self, portion: list[str]) -> list[Statement]:
        windows, bounds = json.dumps(portion), self.grain.bounds(portion)
        if self._is_hourly:
            # Asked for in the transaction itself: two runs may be at one hour, and one of them before it was kept.
            target, unkept = self._source(METRICS, portion), KEPT_BEFORE
            counted = Template(read_sql("sesh/metrics/hourly.sql")).substitute(
                sessions=self._source(SESSIONS, portion), points=self._source(POINTS, portion), kept_before=unkept
            )
            fill = f"insert into {target} ({', '.join(METRICS.columns)})\n{counted}"
        else:
            target, unkept = self.grain.table, "''"
            finer = self._source(METRICS, portion) if self.grain.made_of == "hours" else "metrics_daily"
            fill = Template(read_sql("sesh/metrics/coarser.sql")).substitute(
                metrics=target, finer=finer, window=self.grain.window
            )
        forget = Template(read_sql("sesh/metrics/forget.sql")).substitute(metrics=target, kept_before=unkept)
        reopen = [
            Statement(
                Template(read_sql("sesh/metrics/reopen.sql")).substitute(window=GRAINS[coarser].window),
                [windows, coarser],
            )
            for coarser in self.grain.reopens
        ]
        return [
            Statement(forget, [windows]),
            Statement(fill, [windows, *bounds]),
            *reopen,
            Statement(read_sql("sesh/metrics/made.sql"), [windows, self.grain.name]),
        ]

    def _source(self, family: Family, portion: list[str]) -> str:
        """What has a portion, which lies in one month."""
        return source(registry.load(self.d1, family), self.grain.span(portion))

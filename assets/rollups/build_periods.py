"""Builds weeks and months from the daily roll-ups, in Postgres: one period at a time, replaced in one transaction.

Sums are exact. Totals count visitors and sessions from the merged sketches of their days (exact below 8,192 distinct
ids, 1.1 % relative standard error above). The other cuts hold the sums of the days' distinct counts, in the columns
daily_visitors and daily_sessions. What does not belong here: raw events, from which only hours and days are counted.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from assets.apps import App
from assets.progress import Progress, reported, silent
from assets.rollups import sketch
from assets.rollups.build import Built
from assets.rollups.definition import CUTS, Cut, Grain
from assets.rollups.periods import VERSION, Period
from assets.rooms import Rooms
from assets.windows import Window
from resources.postgres import Connection, Postgres, copy_in
from resources.sql_files import read_sql

# Organisations whose sketches are merged at once: two full sketches a day are 4 MB an organisation and month.
ORGS_AT_ONCE = 16
_MEASURES = ("events", "visitors", "sessions", "exact", "value", "visitor_sketch", "session_sketch")
_WITHIN = "app = %(app)s and day >= %(start)s and day < %(end)s and (%(org)s::text is null or org_tag = %(org)s)"


@dataclass
class PeriodRollUp:
    """The engine of the weeks or months of an app."""

    app: App
    period: Period
    postgres: Postgres
    clock: Callable[[], datetime]
    progress: Progress = silent

    @classmethod
    def of(cls, rooms: Rooms, app: App, period: Period) -> Self:
        """The engine over the stores of an app."""
        return cls(app, period, rooms.postgres, rooms.clock, rooms.progress(f"{period.column}s rolled up"))

    def run(self, window: Window, org: str | None = None) -> Built:
        """Build the periods of a window (whole ones) again, for one organisation or for all.

        Raises:
            ValueError: the window is not made of whole periods.
        """
        periods = list(self.period.covering(window))
        if not periods or (periods[0].start, periods[-1].end) != (window.start, window.end):
            raise ValueError(
                f"{self.period.value} roll-ups are made of whole windows, not {window.start} to {window.end}"
            )
        built = Built()
        for period in reported(periods, self.progress):
            lock = f"{self.app.name}.rollups.{self.period.value}.{period.start:%Y-%m-%d}"
            with self.postgres.lock(lock) as connection:
                self._replace(connection, period, org, built)
        return built

    def _replace(self, connection: Connection, window: Window, org: str | None, built: Built) -> None:
        record = {"app": self.app.name, "grain": self.period.value, "window": window.start}
        connection.execute(read_sql("rollups/claim_period.sql"), record)
        parameters = {"app": self.app.name, "start": window.start.date(), "end": window.end.date(), "org": org}
        events = 0
        for cut in CUTS:
            table = cut.table(self.period)
            connection.execute(
                f"delete from {table} where app = %(app)s and {self.period.column} = %(start)s"
                " and (%(org)s::text is null or org_tag = %(org)s)",
                parameters,
            )
            if cut.sketched:
                rows = 0
                for totals in self._totals(connection, parameters):
                    rows += copy_in(connection, table, ("app", "org_tag", self.period.column, *_MEASURES), totals)
                    events += sum(total[3] for total in totals)
            else:
                rows = self._sums(connection, cut, parameters)
            built.add(table, rows)
        if org is None:
            connection.execute(
                read_sql("rollups/close_period.sql"),
                {**record, "version": VERSION, "events": events, "built_at": self.clock()},
            )
        built.events += events
        built.windows += 1

    def _sums(self, connection: Connection, cut: Cut, parameters: Mapping[str, Any]) -> int:
        dimensions = ", ".join(cut.dimensions)
        return connection.execute(
            f"insert into {cut.table(self.period)}"
            f" (app, org_tag, {self.period.column}, {dimensions}, events, daily_visitors, daily_sessions, value)"
            f" select app, org_tag, %(start)s::date, {dimensions},"
            " sum(events)::bigint, sum(visitors)::bigint, sum(sessions)::bigint, sum(value)"
            f" from {cut.table(Grain.DAILY)} where {_WITHIN} group by app, org_tag, {dimensions}",
            parameters,
        ).rowcount

    def _totals(self, connection: Connection, parameters: Mapping[str, Any]) -> Iterator[list[tuple[Any, ...]]]:
        """Rows of the totals, some organisations at a time."""
        tags = connection.execute(
            f"select distinct org_tag from rollups.daily_totals where {_WITHIN} order by org_tag", parameters
        ).fetchall()
        orgs = [row["org_tag"] for row in tags]
        for first in range(0, len(orgs), ORGS_AT_ONCE):
            days = connection.execute(
                read_sql("rollups/period_totals.sql"), {**parameters, "orgs": orgs[first : first + ORGS_AT_ONCE]}
            )
            yield [(self.app.name, row["org_tag"], parameters["start"], *_measures(row)) for row in days]


def _measures(row: Mapping[str, Any]) -> tuple[Any, ...]:
    visitors, sessions = sketch.merge(row["visitor_sketches"]), sketch.merge(row["session_sketches"])
    exact = sketch.is_exact(visitors) and sketch.is_exact(sessions)
    counts = (row["events"], sketch.count(visitors), sketch.count(sessions), exact, row["value"])
    return (*counts, visitors, sessions)

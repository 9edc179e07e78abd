"""Building weeks and months of the daily roll-ups, inside Postgres: a period at a time, replaced in one transaction.

Sums are exact. Totals count visitors and sessions from the merged sketches of their days (exact below 8,192 distinct
ids, 1.1 % relative standard error above); the other cuts hold the sum of the days' distinct counts, and call it
daily_visitors and daily_sessions. Raw events are not read: only hours and days are made of them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from assets.progress import Progress, silent
from assets.rollups import sketch
from assets.rollups.build import Built
from assets.rollups.definition import CUTS, Cut, Grain
from assets.rollups.periods import VERSION, Period
from assets.windows import Window
from resources.postgres import Connection, Postgres, copy_in
from resources.sql_files import read_sql

# Organisations whose sketches are merged at once: two full ones a day are 4 MB an organisation and month.
ORGS_AT_ONCE = 16
_MEASURES = ("events", "visitors", "sessions", "exact", "value", "visitor_sketch", "session_sketch")


@dataclass
class PeriodRollUp:
    """The engine of weeks or of months."""

    period: Period
    postgres: Postgres
    clock: Callable[[], datetime]
    progress: Progress = silent

    def run(self, window: Window, org: str | None = None) -> Built:
        """Make the periods of a window (whole ones) anew, of one organisation or of all."""
        windows = list(self.period.covering(window))
        if not windows or (windows[0].start, windows[-1].end) != (window.start, window.end):
            raise ValueError(
                f"{self.period.value} roll-ups are made of whole windows, not {window.start} to {window.end}"
            )
        built = Built()
        for done, each in enumerate(windows):
            self.progress(done, len(windows))
            with self.postgres.lock(f"rollups.{self.period.value}.{each.start:%Y-%m-%d}") as connection:
                self._replace(connection, each, org, built)
        self.progress(len(windows), len(windows))
        return built

    def _replace(self, connection: Connection, window: Window, org: str | None, built: Built) -> None:
        record = {"grain": self.period.value, "window": window.start}
        connection.execute(read_sql("rollups/claim_period.sql"), record)
        bounds = {"start": window.start.date(), "end": window.end.date(), "org": org}
        events = 0
        for cut in CUTS:
            table = self.period.table(cut)
            connection.execute(
                f"delete from {table} where {self.period.column} = %(start)s"
                " and (%(org)s::text is null or org_tag = %(org)s)",
                bounds,
            )
            if cut.sketched:
                rows = 0
                for part in self._totals(connection, bounds):
                    rows += copy_in(connection, table, ("org_tag", self.period.column, *_MEASURES), part)
                    events += sum(row[2] for row in part)
            else:
                rows = self._sums(connection, cut, bounds)
            built.rows[table] = built.rows.get(table, 0) + rows
        if org is None:
            connection.execute(
                read_sql("rollups/close_period.sql"),
                {**record, "version": VERSION, "events": events, "built_at": self.clock()},
            )
        built.events += events
        built.windows += 1

    def _sums(self, connection: Connection, cut: Cut, bounds: dict[str, date | str | None]) -> int:
        dimensions = ", ".join(cut.dimensions)
        return connection.execute(
            f"insert into {self.period.table(cut)}"
            f" (org_tag, {self.period.column}, {dimensions}, events, daily_visitors, daily_sessions, value)"
            f" select org_tag, %(start)s::date, {dimensions},"
            " sum(events)::bigint, sum(visitors)::bigint, sum(sessions)::bigint, sum(value)"
            f" from {cut.table(Grain.DAILY)}"
            " where day >= %(start)s and day < %(end)s and (%(org)s::text is null or org_tag = %(org)s)"
            f" group by org_tag, {dimensions}",
            bounds,
        ).rowcount

    def _totals(self, connection: Connection, bounds: dict[str, date | str | None]) -> Iterator[list[tuple[Any, ...]]]:
        """Rows of the totals' table, some organisations at a time."""
        found = connection.execute(
            "select distinct org_tag from rollups.daily_totals"
            " where day >= %(start)s and day < %(end)s and (%(org)s::text is null or org_tag = %(org)s)"
            " order by org_tag",
            bounds,
        ).fetchall()
        orgs = [row["org_tag"] for row in found]
        for first in range(0, len(orgs), ORGS_AT_ONCE):
            some = connection.execute(
                read_sql("rollups/period_totals.sql"), {**bounds, "orgs": orgs[first : first + ORGS_AT_ONCE]}
            )
            yield [self._total(row, bounds["start"]) for row in some]

    @staticmethod
    def _total(row: dict[str, Any], start: date | str | None) -> tuple[Any, ...]:
        visitors, sessions = sketch.merge(row["visitor_sketches"]), sketch.merge(row["session_sketches"])
        exact = sketch.is_exact(visitors) and sketch.is_exact(sessions)
        counts = (row["events"], sketch.count(visitors), sketch.count(sessions), exact, row["value"])
        return (row["org_tag"], start, *counts, visitors, sessions)

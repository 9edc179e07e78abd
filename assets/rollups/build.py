"""Builds hours and days: one day of windows at a time, counted from the lake and replaced in one transaction.

The lock of the day is taken before the lake is read. So of two builds of one day, the later one reads the later
snapshot, and the last to write has seen the most. What does not belong here: how events become rows (definition.py),
which organisations commits changed (changed.py), and weeks and months (build_periods.py).
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Self

import polars as pl

from assets.apps import App
from assets.events import pruned
from assets.events.table import events_table
from assets.progress import Progress, reported, silent
from assets.rollups import changed, sketch
from assets.rollups.coded import Coded
from assets.rollups.definition import CUTS, NOT_SUMMED, VERSION, Cut, Grain, aggregate, window_of
from assets.rollups.periods import Period
from assets.rollups.window_events import WindowEvents
from assets.rooms import Rooms
from assets.windows import Window, midnight
from resources.declined import DeclinedError
from resources.lake import DamagedFilesError, LakeTable
from resources.postgres import Connection, Postgres, copy_in
from resources.sql_files import read_sql


class OrganisationsLeftError(DeclinedError):
    """Organisations were left as they were in windows that are now built for all others, which stay stale."""

    def __init__(self, damaged: Sequence[DamagedFilesError]) -> None:
        together = DeclinedError.together(damaged)
        super().__init__(f"left out of the roll-ups: {together.reason}", together.next_step)


@dataclass
class Built:
    """What a build of roll-ups did: events and windows counted, doubles left out, and rows written by table.

    not_summed: events whose amount is too large to be summed and counts as none.
    left: why organisations were left out.
    """

    events: int = 0
    windows: int = 0
    doubles: int = 0
    not_summed: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    left: list[DamagedFilesError] = field(default_factory=list)

    def add(self, table: str, rows: int) -> None:
        """Count rows that were written to a table."""
        self.rows[table] = self.rows.get(table, 0) + rows


@dataclass
class RollUp:
    """The engine of one grain of an app."""

    app: App
    grain: Grain
    events: LakeTable
    postgres: Postgres
    clock: Callable[[], datetime]
    progress: Progress = silent

    @classmethod
    def of(cls, rooms: Rooms, app: App, grain: Grain) -> Self:
        """The engine over the stores of an app that collects events."""
        events, progress = rooms.lake.table(events_table(app)), rooms.progress(f"days rolled up ({grain.value})")
        return cls(app, grain, events, rooms.postgres, rooms.clock, progress)

    def run(self, window: Window, org: str | None = None) -> Built:
        """Build a window (whole hours or whole days) again, for one organisation or for all.

        Raises: as `catch_up`.
        """
        return self._run(window, lambda connection, day, built: self._replace(connection, day, org, built), org)

    def catch_up(self, window: Window) -> Built:
        """Build a window again, but only for the organisations that commits changed since it was built.

        The rows of all others would be the same, so that the window counts as built from the newest commit. Where
        nobody can say which organisations these are, it is built for all.

        Raises:
            PrunedError: a day of it is in the archive only; nothing was built.
            OrganisationsLeftError: files of some are damaged. All others were built; the windows stay as stale as they
                were, so that they are asked for again.
            ValueError: the window is not made of whole hours or days.
        """
        return self._run(window, self._catch_up)

    def _run(self, window: Window, build: Callable[[Connection, Window, Built], None], org: str | None = None) -> Built:
        step = self.grain.step.total_seconds()
        if any(at.timestamp() % step for at in (window.start, window.end)):
            raise ValueError(
                f"{self.grain.value} roll-ups are made of whole windows, not {window.start} to {window.end}"
            )
        with self.postgres.connection() as connection:
            pruned.refuse(connection, self.app, window, org)
        built = Built()
        for day in reported(list(window.days()), self.progress):
            with self.postgres.lock(f"{self.app.name}.rollups.{self.grain.value}.{day.start:%Y-%m-%d}") as connection:
                build(connection, day, built)
        if built.left:
            raise OrganisationsLeftError(built.left)
        return built

    def _replace(self, connection: Connection, day: Window, org: str | None, built: Built) -> None:
        head = pruned.countable_head(connection, self.app, self.events, day, org)
        events, left = self._rewrite(
            connection, day, None if org is None else {org}, head[0], built, one=org is not None
        )
        if not left:
            counted = dict(events.group_by(pl.col("timestamp").dt.truncate(self.grain.every)).len().iter_rows())
            built.windows += self._record(connection, counted, day, org, head)
        if self.grain is Grain.DAILY:
            self._reopen(connection, day, head[1])

    def _catch_up(self, connection: Connection, day: Window, built: Built) -> None:
        head = pruned.countable_head(connection, self.app, self.events, day)
        orgs = changed.organisations(connection, self.app, self.events, self.grain, day)
        concerned = set(self._counted(connection, "org_tag", day) if orgs is None else orgs)
        events, left = self._rewrite(connection, day, orgs, head[0], built)
        if not left:
            built.windows += self._record(
                connection, self._counted(connection, self.grain.column, day), day, None, head
            )
        if self.grain is Grain.DAILY:
            concerned.update(events["org_tag"].unique())
            self._record_organisations(connection, day, concerned - left, head)
            self._reopen(connection, day, head[1])

    def _rewrite(
        self,
        connection: Connection,
        day: Window,
        orgs: Collection[str] | None,
        snapshot_id: int | None,
        built: Built,
        *,
        one: bool = False,
    ) -> tuple[pl.DataFrame, frozenset[str]]:
        """Count the events of some organisations (None: of all), replace their rows; the events, and who is left out.

        one: whether the organisation was asked for by its tag, so that leaving it out is an error.
        """
        events, doubles, left = self._events(day, orgs, snapshot_id, built, one=one)
        for cut, rows in self.count(events).items():
            self._write(connection, cut, rows, day, orgs, left)
            built.add(cut.table(self.grain), rows.height)
        built.doubles += doubles
        built.events += events.height
        built.not_summed += int(events.select(NOT_SUMMED).item())
        return events, left

    def _events(
        self, day: Window, orgs: Collection[str] | None, snapshot_id: int | None, built: Built, *, one: bool
    ) -> tuple[pl.DataFrame, int, frozenset[str]]:
        """The events of a day, how many doubles they had, and the organisations that are left out."""
        left: frozenset[str] = frozenset()
        while True:
            try:
                events, doubles = WindowEvents(self.events, day, orgs, snapshot_id, left).single(self.grain)
                return events, doubles, left
            except DamagedFilesError as error:
                damaged = {key.tenant for key in error.partitions}
                if one or damaged <= left:
                    raise
                left |= damaged
                built.left.append(error)

    def count(self, events: pl.DataFrame) -> dict[Cut, pl.DataFrame]:
        """The rows of every cut, from events without doubles."""
        with ThreadPoolExecutor(2) as workers:
            ids = list(workers.map(Coded.of, (events["anonymous_id"], events["session_id"])))
            coded = events.with_columns(column.codes for column in ids)
            # On a core of its own, because the counting leaves one free.
            sketching = workers.submit(self._sketches, coded, *ids)
            counted = {cut: aggregate(coded, self.grain, cut) for cut in CUTS}
            sketches = sketching.result()
        return {
            cut: rows.join(sketches, on=["org_tag", self.grain.column]) if cut.sketched else rows
            for cut, rows in counted.items()
        }

    def _sketches(self, events: pl.DataFrame, visitors: Coded, sessions: Coded) -> pl.DataFrame:
        hashed = events.select(
            "org_tag",
            window_of(self.grain),
            visitor_sketch=sketch.hashes(visitors),
            session_sketch=sketch.hashes(sessions),
        )
        grouped = hashed.group_by("org_tag", self.grain.column).agg("visitor_sketch", "session_sketch")
        return grouped.with_columns(
            pl.Series(name, map(sketch.of_hashes, grouped[name]), pl.Binary)
            for name in ("visitor_sketch", "session_sketch")
        )

    def _write(
        self,
        connection: Connection,
        cut: Cut,
        rows: pl.DataFrame,
        window: Window,
        orgs: Collection[str] | None,
        left: frozenset[str],
    ) -> None:
        table, column = cut.table(self.grain), self.grain.column
        connection.execute(
            f"delete from {table} where app = %(app)s and {column} >= %(start)s and {column} < %(end)s"
            " and (%(orgs)s::text[] is null or org_tag = any(%(orgs)s)) and org_tag <> all(%(left)s)",
            {
                **bounds(self.grain, window),
                "app": self.app.name,
                "orgs": None if orgs is None else sorted(orgs),
                "left": sorted(left),
            },
        )
        if rows.height:
            copy_in(connection, table, ("app", *rows.columns), rows.with_columns(app=pl.lit(self.app.name)))

    def _record(
        self,
        connection: Connection,
        counted: Mapping[datetime, int],
        window: Window,
        org: str | None,
        head: tuple[int | None, int],
    ) -> int:
        starts = list(window.steps(self.grain.step))
        connection.execute(
            read_sql("rollups/record_windows.sql"),
            {
                "app": self.app.name,
                "grain": self.grain.value,
                "org_tag": org or "",
                "version": VERSION,
                "snapshot_id": head[0],
                "sequence": head[1],
                "windows": starts,
                "events": [counted.get(start, 0) for start in starts],
                "built_at": self.clock(),
            },
        )
        return len(starts)

    def _counted(self, connection: Connection, by: str, window: Window) -> dict[Any, int]:
        """The events that the totals of a window hold, by organisation or by hour or day."""
        column = self.grain.column
        rows = connection.execute(
            f"select {by} as by, sum(events)::bigint as events from rollups.{self.grain.value}_totals"
            f" where app = %(app)s and {column} >= %(start)s and {column} < %(end)s group by 1",
            {**bounds(self.grain, window), "app": self.app.name},
        )
        return {_start(row["by"]): row["events"] for row in rows}

    def _record_organisations(
        self, connection: Connection, day: Window, orgs: Collection[str], head: tuple[int | None, int]
    ) -> None:
        """Note whose rows of a day were built, so that the cache knows whose dashboards changed."""
        record = {"app": self.app.name, "orgs": sorted(orgs), "day": day.start, "version": VERSION}
        given = {**record, "snapshot_id": head[0], "sequence": head[1], "built_at": self.clock()}
        connection.execute(read_sql("rollups/record_organisations.sql"), given)

    def _reopen(self, connection: Connection, day: Window, sequence: int) -> None:
        periods = [(period.value, window.start) for period in Period for window in period.covering(day)]
        connection.execute(
            read_sql("rollups/reopen_periods.sql"),
            {
                "app": self.app.name,
                "grains": [name for name, _ in periods],
                "windows": [start for _, start in periods],
                "sequence": sequence,
            },
        )


def _start(by: Any) -> Any:
    """The start of a window as `Window.steps` gives it; anything else as it is."""
    if isinstance(by, datetime):
        return by.astimezone(UTC)
    return midnight(by) if isinstance(by, date) else by


def bounds(grain: Grain, window: Window) -> dict[str, datetime | date]:
    """The window as the parameters `start` and `end` of statements on the tables of a grain."""
    # Days are dates there: a date compared with a moment would depend on the time zone of the connection.
    if grain is Grain.DAILY:
        return {"start": window.start.date(), "end": window.end.date()}
    return {"start": window.start, "end": window.end}

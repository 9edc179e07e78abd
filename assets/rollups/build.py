"""Building roll-ups: a day's windows at a time, counted from the lake's rows and replaced in one transaction.

The day's lock is taken before the lake is read: of two builds of one day the later one reads the later snapshot, so
that the last to write has seen the most.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import polars as pl

from assets.events import pruned
from assets.progress import Progress, silent
from assets.rollups import sketch
from assets.rollups.coded import Coded
from assets.rollups.definition import COLUMNS, CUTS, VERSION, Cut, Grain, aggregate, window_of
from assets.rollups.periods import reopen
from assets.windows import DAY, HOUR, Window
from resources.lake import DataFile, LakeTable
from resources.postgres import Connection, Postgres, copy_in
from resources.sql_files import read_sql

STEPS: Mapping[Grain, timedelta] = {Grain.HOURLY: HOUR, Grain.DAILY: DAY}


@dataclass
class Built:
    """What a build made: events read, rows written by table, windows, and rows dropped as another writer's doubles."""

    events: int = 0
    windows: int = 0
    doubles: int = 0
    rows: dict[str, int] = field(default_factory=dict)


@dataclass
class RollUp:
    """The engine of one grain."""

    grain: Grain
    events: LakeTable
    postgres: Postgres
    clock: Callable[[], datetime]
    progress: Progress = silent

    def run(self, window: Window, org: str | None = None) -> Built:
        """Make the roll-ups of a window (whole hours or whole days) anew, of one organisation or of all.

        Raises:
            PrunedError: a day of it is archived only; nothing was made.
        """
        step = STEPS[self.grain]
        if any(at.timestamp() % step.total_seconds() for at in (window.start, window.end)):
            raise ValueError(
                f"{self.grain.value} roll-ups are made of whole windows, not {window.start} to {window.end}"
            )
        with self.postgres.connection() as connection:
            pruned.refuse(connection, window, org)
        built = Built()
        days = list(window.days())
        for done, day in enumerate(days):
            self.progress(done, len(days))
            with self.postgres.lock(f"rollups.{self.grain.value}.{day.start:%Y-%m-%d}") as connection:
                self._replace(connection, day, org, built)
        self.progress(len(days), len(days))
        return built

    def _replace(self, connection: Connection, day: Window, org: str | None, built: Built) -> None:
        # On either side of the snapshot: a prune may have dropped rows of it, or a restore not have brought them back.
        pruned.refuse(connection, day, org)
        head = self.events.head()
        pruned.refuse(connection, day, org)
        events, doubles = self.read(day, org, head[0])
        built.doubles += doubles
        for cut, rows in self.count(events).items():
            self._write(connection, cut, rows, day, org)
            built.rows[cut.table(self.grain)] = built.rows.get(cut.table(self.grain), 0) + rows.height
        built.events += events.height
        built.windows += self._record(connection, events, day, org, head)
        if self.grain is Grain.DAILY:
            reopen(connection, day, head[1])

    def count(self, events: pl.DataFrame) -> dict[Cut, pl.DataFrame]:
        """The rows of every cut's table, from events without doubles."""
        with ThreadPoolExecutor(2) as beside:
            ids = list(beside.map(Coded.of, (events["anonymous_id"], events["session_id"])))
            coded = events.with_columns(each.codes for each in ids)
            sketching = beside.submit(self._sketches, coded, *ids)  # on one core, where the counting leaves one
            counted = {cut: aggregate(coded.lazy(), self.grain, cut).collect(engine="streaming") for cut in CUTS}
            sketches = sketching.result()
        return {
            cut: rows.join(sketches, on=["org_tag", self.grain.column]) if cut.sketched else rows
            for cut, rows in counted.items()
        }

    def read(self, window: Window, org: str | None = None, snapshot_id: int | None = None) -> tuple[pl.DataFrame, int]:
        """The window's events without doubles, with the columns that roll-ups read, and how many doubles there were.

        As they were at a snapshot, so that a window holds what its record says and no commit that landed meanwhile.
        """
        with self.named(window, org, snapshot_id):
            rows = self.scan(window, org, snapshot_id).select(COLUMNS).collect(engine="streaming")
        # As many hashes as rows are as many ids; only where there are fewer must the ids themselves be looked at.
        if rows["event_id"].hash().n_unique() == rows.height:
            return rows, 0
        # Ingest stores no double and compaction drops another writer's; this is for the time between. Doubles are
        # sought in each window by itself, so that an hour comes out the same whatever range it is made in.
        single = (
            rows.sort("timestamp")
            .with_columns(window_of(self.grain))
            .unique(["org_tag", self.grain.column, "event_id"], keep="first", maintain_order=True)
        )
        return single.select(COLUMNS), rows.height - single.height

    def scan(self, window: Window, org: str | None, snapshot_id: int | None) -> pl.LazyFrame:
        """The window's raw rows as they were at a snapshot, doubles among them."""
        orgs = None if org is None else [org]
        files = self.events.files(window.start, window.end, orgs, snapshot_id)
        if any(f.has_deletes for f in files):
            return self.events.scan(window.start, window.end, orgs)  # only it applies another writer's row deletes
        rows = self.events.read(f.path for f in files)
        rows = rows.filter(pl.col("timestamp") >= window.start, pl.col("timestamp") < window.end)
        return rows if org is None else rows.filter(pl.col("org_tag") == org)

    def named(self, window: Window, org: str | None, snapshot_id: int | None) -> AbstractContextManager[None]:
        """Around the collecting of what `scan` gave: an error that comes of damaged or missing files names them."""
        return self.events.named(self._files(window, org, snapshot_id))

    def _files(self, window: Window, org: str | None, snapshot_id: int | None) -> Iterator[DataFile]:
        # Planned when they are asked for, which only an error does.
        for info in self.events.files(window.start, window.end, None if org is None else [org], snapshot_id):
            yield info.file

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

    def _write(self, connection: Connection, cut: Cut, rows: pl.DataFrame, window: Window, org: str | None) -> None:
        table, column = cut.table(self.grain), self.grain.column
        connection.execute(
            f"delete from {table} where {column} >= %(start)s and {column} < %(end)s"
            " and (%(org)s::text is null or org_tag = %(org)s)",
            {**self._bounds(window), "org": org},
        )
        if rows.height:
            copy_in(connection, table, rows.columns, rows)

    def _bounds(self, window: Window) -> dict[str, datetime | date]:
        # A date compared with an instant would depend on the session's time zone.
        if self.grain is Grain.DAILY:
            return {"start": window.start.date(), "end": window.end.date()}
        return {"start": window.start, "end": window.end}

    def _record(
        self,
        connection: Connection,
        events: pl.DataFrame,
        window: Window,
        org: str | None,
        head: tuple[int | None, int],
    ) -> int:
        counted = dict(events.group_by(pl.col("timestamp").dt.truncate(self.grain.every)).len().iter_rows())
        starts = list(window.steps(STEPS[self.grain]))
        connection.execute(
            read_sql("rollups/record_windows.sql"),
            {
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

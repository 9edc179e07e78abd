"""The audit of roll-ups: one random recent hour of an app counted again from raw events, and compared row by row.

DuckDB counts, because polars made the roll-ups. The count is made at the snapshot that the hour was built from, so that
events that arrived since are no difference. What does not belong here: reading the raw events (raw_events.py).
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa

from assets.apps import App
from assets.events.table import events_table
from assets.rollups import raw_events
from assets.rollups.definition import CUTS, LARGEST_VALUE, VERSION, Grain
from assets.rooms import Rooms
from assets.windows import HOUR, Window
from resources.lake import LakeTable
from resources.postgres import Postgres
from resources.r2 import R2Sql, R2SqlError
from resources.sql_files import read_sql

RECENT = timedelta(days=7)
FILES, R2_SQL = "the lake's files", "R2 SQL"
_KEY = ("org_tag", *CUTS[0].dimensions)

# Measures by key: events, visitors, sessions and value by organisation and dimensions.
Counts = Mapping[tuple[str, ...], tuple[Any, ...]]


@dataclass(frozen=True)
class AuditResult:
    """What an audit saw. `window` is None where no window could be counted again, which proves nothing.

    rows: groups of raw events. events: their number. source: where the raw events were read.
    """

    window: Window | None
    rows: int
    events: int
    differences: tuple[str, ...]
    source: str = FILES

    @property
    def passed(self) -> bool:
        return self.window is not None and not self.differences


@dataclass
class RollUpAudit:
    """The engine of an app. `r2_sql` is used to read the lake where it is set."""

    app: App
    events: LakeTable
    postgres: Postgres
    clock: Callable[[], datetime]
    r2_sql: R2Sql | None = None

    @classmethod
    def of(cls, rooms: Rooms, app: App) -> "RollUpAudit":
        """The engine over the stores of an app that collects events."""
        return cls(app, rooms.lake.table(events_table(app)), rooms.postgres, rooms.clock, rooms.r2_sql)

    def run(self) -> AuditResult:
        """Count one hour again: of the last week where there is one, else an older one."""
        kept = [snapshot.snapshot_id for snapshot in self.events.load().metadata.snapshots]
        for since in (self.clock() - RECENT, datetime.min.replace(tzinfo=UTC) + timedelta(days=366)):
            rows = self.postgres.fetch(
                read_sql("rollups/auditable_window.sql"),
                {
                    "app": self.app.name,
                    "grain": Grain.HOURLY.value,
                    "version": VERSION,
                    "since": since,
                    "kept": kept,
                },
            )
            if rows:
                start = rows[0]["window_start"].astimezone(UTC)
                window = Window(start, start + HOUR)
                raw, source = self.read(window, rows[0]["snapshot_id"])
                return replace(compare(window, recount(raw, window), self.rolled_up(window)), source=source)
        return AuditResult(None, 0, 0, ())

    def read(self, window: Window, snapshot_id: int | None) -> tuple[pa.Table, str]:
        """The raw events of a window as a snapshot has them, and where they were read.

        R2 SQL reads the table as it is now, page by page by a unique key. Its rows are used only where they are those
        of the snapshot.
        """
        if self.r2_sql is not None:
            with suppress(R2SqlError):
                raw = raw_events.from_r2_sql(self.r2_sql, self.events, window)
                if raw_events.is_as_it_was(self.events, window, snapshot_id):
                    return raw, R2_SQL
        return raw_events.from_files(self.events, window, snapshot_id), FILES

    def rolled_up(self, window: Window) -> Counts:
        """The counts of the hourly roll-up."""
        rows = self.postgres.fetch(
            "select * from rollups.hourly where app = %(app)s and hour = %(hour)s",
            {"app": self.app.name, "hour": window.start},
        )
        return {
            tuple(row[name] for name in _KEY): (row["events"], row["visitors"], row["sessions"], float(row["value"]))
            for row in rows
        }


def recount(raw: pa.Table, window: Window) -> Counts:
    """The counts of raw events, which may hold doubles."""
    with duckdb.connect() as engine:
        engine.execute("set timezone = 'UTC'")
        engine.register("raw_events", raw)
        rows = engine.execute(
            read_sql("rollups/audit_events.sql"),
            {"start": window.start, "end": window.end, "largest_value": LARGEST_VALUE},
        ).fetchall()
    return {row[: len(_KEY)]: row[len(_KEY) :] for row in rows}


def compare(window: Window, counted: Counts, stored: Counts) -> AuditResult:
    """Differences by group. A difference names the organisation and the event type only."""
    differences = []
    for key in sorted(counted.keys() | stored.keys()):
        raw, rolled = counted.get(key, (0, 0, 0, 0.0)), stored.get(key, (0, 0, 0, 0.0))
        # Rounding to six decimals may move a sum by half a millionth an event.
        near = abs(raw[3] - rolled[3]) <= 1e-6 * max(1, raw[0]) + 1e-9 * abs(raw[3])
        if raw[:3] != rolled[:3] or not near:
            differences.append(f"{key[0]} {key[1]}: counted {raw}, rolled up {rolled}")
    return AuditResult(window, len(counted), sum(row[0] for row in counted.values()), tuple(differences))

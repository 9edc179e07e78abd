"""The audit of roll-ups: one random recent hour counted again from raw events, by DuckDB, and compared row by row.

The count is made at the snapshot that the hour was built from, so that events which arrived since are no difference.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa

from assets.rollups import raw_events
from assets.rollups.definition import LARGEST_VALUE, VERSION, Grain
from assets.windows import HOUR, Window
from resources.lake import LakeTable
from resources.postgres import Postgres
from resources.r2 import R2Sql, R2SqlError
from resources.sql_files import read_sql

RECENT = timedelta(days=7)
FILES, R2_SQL = "the lake's files", "R2 SQL"
_DIMENSIONS = ("org_tag", "event_type", "utm_source", "utm_medium", "utm_campaign", "device_type", "geo_country")


@dataclass(frozen=True)
class Audit:
    """What an audit found. `window` is None where no window could be counted again, which proves nothing.

    `source` says where the raw events were read.
    """

    window: Window | None
    rows: int
    events: int
    differences: tuple[str, ...]
    source: str = FILES

    @property
    def passed(self) -> bool:
        return self.window is not None and not self.differences


def audit(events: LakeTable, postgres: Postgres, clock: Callable[[], datetime], r2_sql: R2Sql | None = None) -> Audit:
    """Count one hour again. Windows of the last week come first; older ones serve where there are none."""
    kept = [s.snapshot_id for s in events.load().metadata.snapshots]
    for since in (clock() - RECENT, datetime.min.replace(tzinfo=UTC) + timedelta(days=366)):
        rows = postgres.fetch(
            read_sql("rollups/auditable_window.sql"),
            {"grain": Grain.HOURLY.value, "version": VERSION, "since": since, "kept": kept},
        )
        if rows:
            window = Window(rows[0]["window_start"].astimezone(UTC), rows[0]["window_start"].astimezone(UTC) + HOUR)
            raw, source = read(events, window, rows[0]["snapshot_id"], r2_sql)
            return replace(compare(window, recount(raw, window), rolled_up(postgres, window)), source=source)
    return Audit(None, 0, 0, ())


def read(events: LakeTable, window: Window, snapshot_id: int | None, r2_sql: R2Sql | None) -> tuple[pa.Table, str]:
    """The window's raw events as of a snapshot, and where they were read.

    Through R2 SQL where it is given and can say it: it sees the table of this moment only, and pages by a unique key.
    """
    if r2_sql is not None:
        with suppress(R2SqlError):
            raw = raw_events.from_r2_sql(r2_sql, events, window)
            if raw_events.is_as_it_was(events, window, snapshot_id):
                return raw, R2_SQL
    return raw_events.from_files(events, window, snapshot_id), FILES


def recount(raw: pa.Table, window: Window) -> dict[tuple[str, ...], tuple[Any, ...]]:
    """Dimensions → (events, visitors, sessions, value), from raw events that may hold doubles."""
    with duckdb.connect() as engine:
        engine.execute("set timezone = 'UTC'")
        engine.register("raw_events", raw)
        found = engine.execute(
            read_sql("rollups/audit_events.sql"),
            {"start": window.start, "end": window.end, "largest_value": LARGEST_VALUE},
        ).fetchall()
    return {row[:7]: row[7:] for row in found}


def rolled_up(postgres: Postgres, window: Window) -> dict[tuple[str, ...], tuple[Any, ...]]:
    """The same, as the hourly roll-up has it."""
    rows = postgres.fetch("select * from rollups.hourly where hour = %(hour)s", {"hour": window.start})
    return {
        tuple(row[name] for name in _DIMENSIONS): (
            row["events"],
            row["visitors"],
            row["sessions"],
            float(row["value"]),
        )
        for row in rows
    }


def compare(
    window: Window,
    counted: Mapping[tuple[str, ...], tuple[Any, ...]],
    stored: Mapping[tuple[str, ...], tuple[Any, ...]],
) -> Audit:
    """Differences by group, named by organisation and event type only."""
    differences = []
    for key in sorted(counted.keys() | stored.keys()):
        raw, rolled = counted.get(key, (0, 0, 0, 0.0)), stored.get(key, (0, 0, 0, 0.0))
        # Half a micro-unit an event is what rounding to six decimals may move a sum.
        near = abs(raw[3] - rolled[3]) <= 1e-6 * max(1, raw[0]) + 1e-9 * abs(raw[3])
        if raw[:3] != rolled[:3] or not near:
            differences.append(f"{key[0]} {key[1]}: counted {raw}, rolled up {rolled}")
    return Audit(window, len(counted), sum(row[0] for row in counted.values()), tuple(differences))

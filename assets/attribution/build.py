"""Making touches and conversions: a UTC day at a time, from the lake; what is equal already is left alone.

The lock is taken before the lake is read, as for roll-ups: the last to write has seen the most.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from assets.apps import App
from assets.attribution import organizations
from assets.attribution.match import LOCK, rematch
from assets.attribution.organizations import Organisation
from assets.attribution.rules import DEFAULT
from assets.attribution.touches import VERSION, conversions, relevant, single, touches
from assets.events import pruned
from assets.progress import Progress, silent
from assets.rollups.window_events import WindowEvents
from assets.windows import DAY, Window, midnight
from resources.d1 import D1
from resources.lake import LakeTable
from resources.postgres import Connection, Postgres, copy_in
from resources.sql_files import read_sql

# A day is left to its schedule (00:55) until a while after its end.
SETTLING = DAY // 12


@dataclass
class Made:
    """What was made: days, their touches and conversions, and how many rows of either came or went."""

    days: int = 0
    touches: int = 0
    conversions: int = 0
    changed: int = 0


@dataclass
class Touches:
    """The engine of an app."""

    app: App
    events: LakeTable
    d1: D1
    postgres: Postgres
    clock: Callable[[], datetime]
    progress: Progress = silent

    def run(self, window: Window) -> tuple[Made, list[Organisation]]:
        """Make a window's days (whole ones) anew, by the organisations' rules of now, which are given back too.

        Raises:
            PrunedError: a day of it is archived only; nothing was made.
        """
        if any(at != midnight(at.date()) for at in (window.start, window.end)):
            raise ValueError(f"attribution is made of whole days, not {window.start} to {window.end}")
        with self.postgres.connection() as connection:
            pruned.refuse(connection, self.app, window)
        found = organizations.read(self.d1)
        with self.postgres.lock(LOCK) as connection:
            organizations.mirror(connection, found)
        made, days = Made(), list(window.days())
        for done, day in enumerate(days):
            self.progress(done, len(days))
            with self.postgres.lock(LOCK) as connection:
                self._replace(connection, day, made)
        self.progress(len(days), len(days))
        return made, found

    def _replace(self, connection: Connection, day: Window, made: Made) -> None:
        head = pruned.countable_head(connection, self.app, self.events, day)
        events = self._read(connection, day, head[0])
        found = {"touches": touches(events), "conversions": conversions(events)}
        counts = {name: rows.height for name, rows in found.items()}
        connection.execute(
            read_sql("attribution/record_day.sql"),
            {
                "day": day.start.date(),
                "version": VERSION,
                "snapshot_id": head[0],
                "sequence": head[1],
                "built_at": self.clock(),
                **counts,
            },
        )
        connection.execute(read_sql("attribution/incoming_day.sql"))
        for name, rows in found.items():
            copy_in(connection, f"pg_temp.incoming_{name}", rows.columns, rows)
        self._write(connection, day, made)
        made.days += 1
        made.touches += counts["touches"]
        made.conversions += counts["conversions"]

    def _read(self, connection: Connection, day: Window, snapshot_id: int | None) -> pl.DataFrame:
        rows = connection.execute("select org_tag, conversion_types from attribution.organizations").fetchall()
        own = {row["org_tag"]: row["conversion_types"] for row in rows}
        special = {tag: types for tag, types in own.items() if tuple(types) != DEFAULT.conversion_types}
        of_day = WindowEvents(self.events, day, snapshot_id=snapshot_id)
        events = relevant(of_day.scan(), special, DEFAULT.conversion_types)
        with of_day.named():
            return single(events.collect(engine="streaming"))

    def _write(self, connection: Connection, day: Window, made: Made) -> None:
        at = {"day": day.start.date()}
        connection.execute(read_sql("attribution/changed_touches.sql"))
        # Two statements: a key that one statement deletes cannot be inserted by it.
        changed = connection.execute(read_sql("attribution/drop_touches.sql"), at).rowcount
        changed += connection.execute(read_sql("attribution/write_touches.sql")).rowcount
        converted = connection.execute(read_sql("attribution/drop_conversions.sql"), at).rowcount
        converted += connection.execute(read_sql("attribution/write_conversions.sql")).rowcount
        if converted:
            connection.execute("update attribution.windows set changed = changed + 1 where day = %(day)s", at)
        if changed:
            connection.execute(
                "create temporary table rematched on commit drop as"
                " select day, org_tag, visitor, session from attribution.touches"
                " where day = %(day)s and reason is null",
                at,
            )
            rematch(connection)
        made.changed += changed + converted

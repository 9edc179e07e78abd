"""Making touches and conversions: a UTC day at a time, from the lake; rows that are equal already are not written.

The lock is taken before the lake is read, as for roll-ups, so that the last to write has seen the most. What does not
belong here: what a touch, a conversion and a sign-in is (touches.py, conversions.py, persons.py), and credits.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Self

import polars as pl

from assets.ads.sync import accounts_of
from assets.apps import App
from assets.attribution import organizations
from assets.attribution.bots import marked
from assets.attribution.conversions import conversions
from assets.attribution.match import lock_of, rematch
from assets.attribution.organizations import Organisation
from assets.attribution.persons import sign_ins
from assets.attribution.reopened import reopen
from assets.attribution.rules import DEFAULT
from assets.attribution.touches import VERSION, judged, named_by, naming, relevant, sessions_of, single, touches
from assets.consent import stored as choices
from assets.consent.rule import Subject
from assets.events import pruned
from assets.events.table import events_table
from assets.progress import Progress, silent
from assets.rollups.window_events import WindowEvents
from assets.rooms import Rooms
from assets.windows import DAY, Window, midnight
from resources.d1 import D1
from resources.lake import LakeTable
from resources.postgres import Connection, Postgres, copy_in
from resources.sql_files import read_sql

# How long after its end a day is left to its schedule (00:55).
SETTLING = DAY // 12


@dataclass
class TouchCounts:
    """What was made: days, their touches and conversions, and how many rows of either were inserted or deleted.

    bots: events of known bots that named a campaign or converted, which count as neither.
    """

    days: int = 0
    touches: int = 0
    conversions: int = 0
    bots: int = 0
    changed: int = 0


@dataclass
class Touches:
    """The engine of one app.

    late_horizon: how far back a choice about marketing that comes late makes days stale. Older days are made again by
    nobody, so that retention would wait for them for ever.
    """

    app: App
    events: LakeTable
    d1: D1
    postgres: Postgres
    clock: Callable[[], datetime]
    late_horizon: timedelta
    progress: Progress = silent

    @classmethod
    def of(cls, rooms: Rooms, app: App, late_horizon: timedelta, *, progress: Progress = silent) -> Self:
        """The engine over the rooms."""
        return cls(
            app,
            events=rooms.lake.table(events_table(app)),
            d1=rooms.d1(app),
            postgres=rooms.postgres,
            clock=rooms.clock,
            late_horizon=late_horizon,
            progress=progress,
        )

    def run(self, window: Window) -> tuple[TouchCounts, list[Organisation]]:
        """Make a window's days (whole ones) again, by the organisations' present rules, which are returned too.

        Raises:
            PrunedError: a day of it is archived only; nothing was made.
        """
        if any(at != midnight(at.date()) for at in (window.start, window.end)):
            raise ValueError(f"attribution is made of whole days, not {window.start} to {window.end}")
        with self.postgres.connection() as connection:
            pruned.refuse(connection, self.app, window)
        statement = accounts_of(self.app).rules
        if statement is None:
            raise ValueError(f"web events of {self.app.name} are not attributed")
        organisations = organizations.read(self.d1, read_sql(statement))
        with self.postgres.lock(lock_of(self.app)) as connection:
            organizations.mirror(connection, self.app, organisations)
            self._mirror_choices(connection, window)
        counts, days = TouchCounts(), list(window.days())
        for done, day in enumerate(days):
            self.progress(done, len(days))
            with self.postgres.lock(lock_of(self.app)) as connection:
                self._replace(connection, day, Window(day.end, window.end), counts)
        self.progress(len(days), len(days))
        return counts, organisations

    def _mirror_choices(self, connection: Connection, left: Window) -> None:
        audience = self.app.audience
        if audience is None or audience.choices is None:
            return
        changed = choices.mirror(connection, self.app, self.d1, read_sql(audience.choices))
        if changed:
            self._make_again(connection, changed, min(changed.values()).date(), left)

    def _make_again(
        self, connection: Connection, changed: Mapping[Subject, datetime], since: date, left: Window
    ) -> None:
        since = max(since, (self.clock() - self.late_horizon).date())
        reopen(connection, self.app, self.events, changed, since, left)

    def _replace(self, connection: Connection, day: Window, left: Window, counts: TouchCounts) -> None:
        snapshot_id, sequence = pruned.countable_head(connection, self.app, self.events, day)
        of_day = WindowEvents(self.events, day, snapshot_id=snapshot_id)
        changed = choices.learn(connection, self.app, day, of_day.scan(), of_day.collect)
        if changed:
            self._make_again(connection, changed, day.end.date(), left)
        incoming, bots = self._read(connection, of_day)
        heights = {name: rows.height for name, rows in incoming.items()}
        recorded = connection.execute(
            read_sql("attribution/record_day.sql"),
            {
                "app": self.app.name,
                "day": day.start.date(),
                "version": VERSION,
                "snapshot_id": snapshot_id,
                "sequence": sequence,
                "built_at": self.clock(),
                "touches": heights["touches"],
                "conversions": heights["conversions"],
                "bots": bots,
            },
        ).fetchone()
        assert recorded is not None  # the statement always gives one row
        connection.execute(read_sql("attribution/incoming_day.sql"))
        for name, rows in incoming.items():
            copy_in(connection, f"pg_temp.incoming_{name}", rows.columns, rows)
        counts.changed += self._write(connection, day, is_new=recorded["is_new"])
        counts.days += 1
        counts.touches += heights["touches"]
        counts.conversions += heights["conversions"]
        counts.bots += bots

    def _read(self, connection: Connection, of_day: WindowEvents) -> tuple[dict[str, pl.DataFrame], int]:
        """The touches, conversions and sign-ins of a day, and how many events of bots are not among them."""
        organisations = connection.execute(
            "select org_tag, conversion_types, refund_types, sources, people_tag from attribution.organizations"
            " where app = %s",
            (self.app.name,),
        ).fetchall()
        types = {row["org_tag"]: row["conversion_types"] for row in organisations}
        special = {tag: own for tag, own in types.items() if tuple(own) != DEFAULT.conversion_types}
        refunds = {row["org_tag"]: row["refund_types"] for row in organisations if row["refund_types"]}
        people_tags = {row["org_tag"]: row["people_tag"] for row in organisations}

        def refused(events: pl.DataFrame) -> pl.Series:
            return choices.refused(connection, self.app, of_day.window.end, events)

        events, names = named_by(
            single(of_day.collect(relevant(of_day.scan(), special, DEFAULT.conversion_types, refunds))),
            {row["org_tag"]: row["sources"] for row in organisations if row["sources"]},
        )
        events = marked(events)
        people = events["org_tag"].replace_strict(people_tags, default=events["org_tag"], return_dtype=pl.String)
        events = events.with_columns(refused(events).alias("refused"), people.alias("people_tag"))
        sessions = judged(single(of_day.collect(sessions_of(of_day.scan(), naming(events)))), events, refused)
        incoming = {
            "touches": touches(sessions, names, people_tags),
            "conversions": conversions(events),
            "sign_ins": sign_ins(of_day.scan(), of_day.collect, refused, people_tags),
        }
        return incoming, int(events["bot"].sum())

    def _write(self, connection: Connection, day: Window, *, is_new: bool) -> int:
        """Delete and insert the rows that differ; returns how many."""
        parameters = {"app": self.app.name, "day": day.start.date()}

        def written(name: str) -> int:
            return connection.execute(read_sql(f"attribution/{name}.sql"), parameters).rowcount

        connection.execute(read_sql("attribution/changed_touches.sql"))
        connection.execute(read_sql("attribution/changed_conversions.sql"))
        # Two statements: a key that one statement deletes cannot be inserted by it.
        touched = written("drop_touches") + written("write_touches")
        signed_in = written("write_sign_ins")
        converted = written("drop_conversions") + written("write_conversions")
        if is_new:
            # A backfill is over before the server does it by itself, and of a day that the planner does not know it
            # expects no row.
            connection.execute("analyze attribution.touches, attribution.conversions, attribution.sign_ins")
        if converted:
            written("settle_orders")
            written("mark_converted")
        if touched or signed_in:
            connection.execute(
                "create temporary table rematched on commit drop as"
                " select day, org_tag, visitor, session, at from attribution.touches"
                " where app = %(app)s and day = %(day)s and reason is null",
                parameters,
            )
            rematch(connection, self.app)
        return touched + converted + signed_in

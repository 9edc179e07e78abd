"""Erasing in an app's own Postgres database: rows of people, and what the database's own references take along.

What does not belong here: statements (postgres_rows.py), and our own Postgres (postgres.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from assets.apps import App
from assets.backups.postgres_schemas import WITHOUT_TRACES
from assets.erasure import postgres_rows, texts
from assets.erasure.d1_rows import ids_of
from assets.erasure.postgres import KEPT
from assets.privacy.identity import Erased, Identity
from assets.rooms import Clock, Rooms
from resources.postgres import Postgres


@dataclass(frozen=True)
class AppPostgresEraser:
    """An `Eraser` over one app's own database. ours: its files are ours too."""

    app: App
    postgres: Postgres
    clock: Clock
    ours: bool
    place: str = "app postgres"

    def erase(self, identities: Sequence[Identity]) -> Erased:
        """See Eraser.erase. All tables are one transaction: a reference that is set to null leads nowhere then. Texts
        that name the people in rows of others are replaced.
        """
        ids = ids_of(identities)
        given: dict[str, Any] = {kind: sorted(of_kind) for kind, of_kind in ids.items()}
        entries = [entry for entry in self.app.personal if entry.store == "app_postgres"]
        there = postgres_rows.shapes(self.postgres)
        found = texts.patterns(texts.needles(identities))
        rows = 0
        with self.postgres.connection() as connection:
            for entry in reversed(entries):
                if entry.erasure == "delete" and entry.name in there:
                    where = postgres_rows.owned_by(entry.subjects, ids)
                    rows += postgres_rows.delete(connection, there[entry.name], where, given)
            for entry in entries:
                if entry.erasure in WITHOUT_TRACES and entry.name in there:
                    named = [*entry.personal.split(), *entry.traces.split()]
                    rows += postgres_rows.blank_texts(connection, there[entry.name], named, found, given)
        return Erased(self.place, rows=rows, gone_by=None if self.ours else (self.clock() + KEPT).date())


def eraser(rooms: Rooms, app: App) -> AppPostgresEraser | None:
    """The Eraser of an app that has a Postgres database."""
    if app.postgres_migrations is None:
        return None
    embedded = rooms.embedded_postgres
    ours = embedded is not None and app.name in embedded.databases
    return AppPostgresEraser(app, rooms.app_postgres(app), rooms.clock, ours)

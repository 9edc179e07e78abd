"""Erasing in our own Postgres: what was made of people's events, by the hashes of their ids and by texts that hold one.

It comes after the lake, because what is made again meanwhile would be made of the events there. What belongs here:
which rows of an app are a person's. What does not: statements (postgres_rows.py).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import psycopg
from psycopg.sql import SQL, Composable, Identifier, Literal

from assets.apps import App
from assets.apps.personal import Holding
from assets.apps.pipelines import ORGANISATION_COLUMNS
from assets.erasure import postgres_rows, texts
from assets.erasure.d1_rows import ids_of
from assets.erasure.postgres_rows import Shape
from assets.privacy.identity import Erased, Identity, within_of
from assets.rooms import Clock, Rooms
from assets.search import hashes
from resources.postgres import Connection, Postgres
from resources.postgres.copy import identifier

APP_COLUMNS = ("app", "namespace")
KEPT = timedelta(days=30)
"""For how long a service may keep backups of its own: the longest of its plans."""


@dataclass(frozen=True)
class PostgresEraser:
    """An `Eraser` over an app's rows of our Postgres. ours: its files are ours too."""

    app: App
    postgres: Postgres
    clock: Clock
    ours: bool
    place: str = "postgres"

    def erase(self, identities: Sequence[Identity]) -> Erased:
        """See Eraser.erase."""
        there, within = postgres_rows.shapes(self.postgres), within_of(identities)
        found = texts.patterns(texts.needles(identities))
        organisation = sorted(frozenset[str]().union(*(one.organisation for one in identities)))
        rows = 0
        for entry in self.app.holdings:
            if entry.store == "postgres" and entry.name in there:
                shape = _of_app(there[entry.name], within)
                with self.postgres.connection() as connection:
                    rows += self._erase(connection, shape, entry, identities, found)
        rows += self._organisation([_of_app(shape) for shape in there.values()], organisation)
        return Erased(self.place, rows=rows, gone_by=None if self.ours else (self.clock() + KEPT).date())

    def _erase(
        self,
        connection: Connection,
        shape: Shape,
        entry: Holding,
        identities: Sequence[Identity],
        found: Sequence[str],
    ) -> int:
        ids = ids_of(identities)
        given: dict[str, Any] = {"app": self.app.name, **{kind: sorted(of_kind) for kind, of_kind in ids.items()}}
        rows = 0
        for kind, column in entry.hashed:
            known = self._hashes(connection, shape, ids.get(kind, frozenset()))
            if known:
                where = SQL("{} = any(%(hashes)s::bytea[])").format(Identifier(column))
                by_hash = {**given, "hashes": known}
                if entry.erasure == "delete":
                    rows += postgres_rows.delete(connection, shape, where, by_hash)
                elif entry.erasure == "blank":
                    # With the id that was found, other forms of it in the row.
                    ids_ = [name for name in entry.personal.split() if shape.types[name] == "bytea"]
                    rows += postgres_rows.empty(connection, shape, ids_, where, by_hash)
        if entry.erasure == "delete":
            rows += postgres_rows.delete(connection, shape, postgres_rows.owned_by(entry.subjects, ids), given)
        named = shape.texts([*entry.personal.split(), *entry.traces.split()])
        if entry.erasure == "delete" and not entry.subjects and not entry.hashed:
            by_text = {**given, **postgres_rows.numbered(found)}
            rows += postgres_rows.delete(connection, shape, postgres_rows.with_text(named, found), by_text)
        elif entry.erasure in ("delete", "blank"):
            rows += postgres_rows.blank_texts(connection, shape, named, found, given)
        return rows

    def _hashes(self, connection: Connection, shape: Shape, ids: frozenset[str]) -> list[bytes]:
        """The ids as the table knows them: hashed together with each organisation that it has."""
        if not ids or "org_tag" not in shape.types:
            return []
        tags = SQL("select distinct org_tag from {} where {}").format(identifier(shape.name), shape.own)
        rows = connection.execute(tags, {"app": self.app.name}).fetchall()
        return [hashes.of_visitor(id_, row["org_tag"]) for row in rows for id_ in ids]

    def _organisation(self, there: Sequence[Shape], organisation: Sequence[str]) -> int:
        """Delete every row of an organisation, those that refer to others first."""
        if not organisation:
            return 0
        waiting = [shape for shape in there if set(ORGANISATION_COLUMNS) & shape.types.keys()]
        rows, given = 0, {"app": self.app.name, "organisation": list(organisation)}
        while waiting:
            later = []
            for shape in waiting:
                columns = [name for name in ORGANISATION_COLUMNS if name in shape.types]
                where = SQL(" or ").join(
                    SQL("{} = any(%(organisation)s::text[])").format(Identifier(name)) for name in columns
                )
                try:
                    with self.postgres.connection() as connection:
                        rows += postgres_rows.delete(connection, shape, SQL("({})").format(where), given)
                except psycopg.errors.ForeignKeyViolation:
                    later.append(shape)
            if len(later) == len(waiting):
                raise ValueError(f"rows of an organisation in {later[0].name} are referred to by rows of another one")
            waiting = later
        return rows


def _of_app(shape: Shape, within: Collection[str] = ()) -> Shape:
    """A table with the condition that a row is the app's, where apps share it.

    within: where the table says whose organisation's a row is, only rows of the one that has one of these names.
    """
    column = next((name for name in APP_COLUMNS if name in shape.types), None)
    own: Composable = SQL("{} = %(app)s").format(Identifier(column)) if column else SQL("true")
    places = [Identifier(name) for name in ORGANISATION_COLUMNS if name in shape.types] if within else []
    if places:
        names = Literal(sorted(within))
        ours = SQL(" or ").join(SQL("{} = any({}::text[])").format(place, names) for place in places)
        own = SQL("({} and ({}))").format(own, ours)
    return replace(shape, own=own)


def eraser(rooms: Rooms, app: App) -> PostgresEraser:
    """The Eraser of an app."""
    return PostgresEraser(app, rooms.postgres_of_login, rooms.clock, rooms.embedded_postgres is not None)

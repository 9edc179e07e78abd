"""Which stores are backed up, and by which method: it follows from what an app has, and from what all apps share.

What does not belong here: what a method does, and when it runs (capability.py).
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from assets.apps import APPS, App
from assets.apps.pipelines import PIPELINES
from assets.backups import noted, noted_requests
from assets.backups.d1 import D1Backups
from assets.backups.drill import Drill
from assets.backups.lake import LakeBackup
from assets.backups.making import Backup
from assets.backups.method import Method
from assets.backups.objects import ObjectsBackup
from assets.backups.postgres_database import DatabaseSchema
from assets.backups.postgres_logical import PostgresLogical
from assets.backups.postgres_physical import PostgresPhysical
from assets.backups.postgres_schemas import OURS, schema_of
from assets.backups.restore import Restore
from assets.backups.sealed_fields import opened
from assets.backups.sets import Sets
from assets.backups.target import StoreName, Target
from assets.rooms import Rooms
from resources.declined import DeclinedError
from resources.postgres import Postgres
from resources.postgres.databases import made

LIKE = 0.8
"""From where on a name counts as mistyped; stores of other apps share their ends."""


@dataclass(frozen=True)
class Covered:
    """A store that is backed up.

    owner: the app, or the pipelines, whose assets show it. apps: those whose data it holds. method: what makes its
    means of backup. opens: how many sealed fields of a restored place could be opened. prune: lets the live store
    forget what verified sets hold.
    """

    name: StoreName
    owner: App
    apps: Sequence[App]
    method: Callable[[Rooms], Method[Any]]
    opens: Callable[[Rooms, Any], int] = lambda _rooms, _place: 0
    prune: Callable[[Rooms, Sets], None] = lambda _rooms, _sets: None

    def backup(self, rooms: Rooms) -> Backup:
        """What makes its sets."""
        return Backup(target_of(rooms), self.method(rooms), rooms.clock, lambda sets: self.prune(rooms, sets))

    def restore(self, rooms: Rooms) -> Restore:
        """What restores it."""
        server = rooms.embedded_postgres
        # To ask a server that is lost would start an empty one in its place.
        postgres = None if server is not None and not server.folder.exists() else rooms.postgres
        return Restore(target_of(rooms), self.method(rooms), self.apps, postgres)

    def drill(self, rooms: Rooms) -> Drill:
        """What proves that it can be restored."""
        return Drill(self.restore(rooms), rooms.scratch, rooms.clock, lambda place: self.opens(rooms, place))

    def place_in(self, rooms: Rooms, into: str) -> str:
        """The name of its place where all stores are restored beside each other: below a folder, or a database."""
        if isinstance(self.method(rooms), PostgresLogical):
            return re.sub(r"\W+", "_", f"{Path(into).name}_{self.name.app}").lower()
        return str(Path(into) / f"{self.name.app}-{self.name.store}")


def target_of(rooms: Rooms) -> Target:
    """Where all sets lie."""
    return Target(rooms.backup_store, rooms.backup_prefix, rooms.keyring)


def of(app: App) -> tuple[Covered, ...]:
    """The stores of an app."""
    found = []
    if app.d1_migrations is not None:
        found.append(_d1(app))
    if app.postgres_migrations is not None:
        found.append(_postgres(app))
    return tuple(found)


def shared() -> tuple[Covered, ...]:
    """The stores that all apps share. Our Postgres is the first, because restores of the others ask it."""
    return (_ours(), _lake(), _objects())


def every() -> tuple[Covered, ...]:
    """All stores, in the order in which they are restored."""
    return (*shared(), *(covered for app in APPS for covered in of(app)))


def named(text: str) -> Covered:
    """The store of a name such as `clearlift/d1`.

    Raises:
        DeclinedError: there is none.
    """
    by_name = {str(covered.name): covered for covered in every()}
    if text not in by_name:
        near = get_close_matches(text, by_name, n=1, cutoff=LIKE)
        raise DeclinedError(
            f"there is no store {text!r}", f"name {near[0]}" if near else f"name one of {', '.join(by_name)}"
        )
    return by_name[text]


def _d1(app: App) -> Covered:
    return Covered(
        StoreName(app.name, "d1"),
        app,
        (app,),
        lambda rooms: D1Backups(app, rooms.d1(app), rooms.clock),
        lambda rooms, place: opened(app, place, rooms.keyring),
    )


def _lake() -> Covered:
    collecting = tuple(app for app in APPS if app.audience is not None)
    return Covered(
        StoreName(PIPELINES.name, "lake"), PIPELINES, collecting, lambda rooms: LakeBackup.of(rooms, collecting)
    )


def _objects() -> Covered:
    name = StoreName(PIPELINES.name, "objects")
    return Covered(name, PIPELINES, APPS, lambda rooms: ObjectsBackup.of(rooms, APPS))


def _postgres(app: App) -> Covered:
    name, schema = StoreName(app.name, "postgres"), schema_of(app)
    return Covered(name, app, (app,), lambda rooms: _logical(name, rooms.app_postgres(app), schema))


def _ours() -> Covered:
    name = StoreName(PIPELINES.name, "postgres")

    def method(rooms: Rooms) -> PostgresLogical | PostgresPhysical:
        server = rooms.embedded_postgres
        if server is None:
            return _logical(name, rooms.postgres_of_login, OURS)
        apps = {database: app for app in APPS if (database := server.databases.get(app.name))}
        return PostgresPhysical(
            name,
            rooms.postgres_of_login,
            server.folder,
            OURS,
            {database: schema_of(app) for database, app in apps.items()},
            {database: StoreName(app.name, "postgres") for database, app in apps.items()},
        )

    def prune(rooms: Rooms, sets: Sets) -> None:
        noted.forget(target_of(rooms), sets)
        noted_requests.forget(target_of(rooms), sets)
        if isinstance(made_by := method(rooms), PostgresPhysical):
            made_by.prune(sets)

    return Covered(name, PIPELINES, APPS, method, prune=prune)


def _logical(name: StoreName, postgres: Postgres, schema: DatabaseSchema) -> PostgresLogical:
    return PostgresLogical(name, postgres, schema, lambda other: Postgres(made(postgres.dsn, other)))

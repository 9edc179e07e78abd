"""Backups and restores of a small Postgres database, as a process of its own is handed them. No fixtures here."""

from pathlib import Path

from assets.backups.making import Backup
from assets.backups.method import Method, Place, Scope
from assets.backups.postgres_database import DatabaseSchema
from assets.backups.postgres_logical import PostgresLogical
from assets.backups.postgres_physical import PostgresPhysical
from assets.backups.sets import find
from assets.backups.target import StoreName
from clearlift_pipelines.stores import utc_now
from resources.postgres import Postgres
from tests.assets.backups.planted import target

STORE = StoreName("pipelines", "postgres")
SCHEMA = DatabaseSchema("pipelines/postgres")
LIVE = Scope(live=True)
WHOLE = Scope()


def back_up_rows(dsn: str, sets: Path) -> None:
    """A set of a database by its rows."""
    with Postgres(dsn) as postgres:
        Backup(target(sets), by_rows(postgres), utc_now).run(full=True)


def restore_rows(dsn: str, sets: Path, into: str, scope: Scope) -> None:
    """The newest set into a database."""
    with Postgres(dsn) as postgres, Postgres(into) as place:
        _restore(by_rows(postgres), sets, place, scope)


def back_up_files(dsn: str, folder: Path, sets: Path) -> None:
    """A set of a server by its files."""
    with Postgres(dsn) as postgres:
        method = by_files(postgres, folder)
        # Else the server would keep its log, and give it up at 2 GB.
        Backup(target(sets), method, utc_now, method.prune).run(full=True)


def restore_files(dsn: str, folder: Path, sets: Path, into: Path, scope: Scope) -> None:
    """The newest set into a data folder, or over the live one."""
    with Postgres(dsn) as postgres:
        _restore(by_files(postgres, folder), sets, into, scope)


def by_rows(postgres: Postgres) -> PostgresLogical:
    """The means of a database."""
    return PostgresLogical(STORE, postgres, SCHEMA, Postgres)


def by_files(postgres: Postgres, folder: Path) -> PostgresPhysical:
    """The means of a server."""
    return PostgresPhysical(STORE, postgres, folder, SCHEMA)


def _restore(method: Method[Place], sets: Path, place: Place, scope: Scope) -> None:
    at = target(sets)
    done = method.restore(at, method.chain(find(at, STORE), None), place, scope)
    assert list(method.differences(place, done)) == []

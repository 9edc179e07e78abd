"""Erasing in the files of the Postgres server that is ours: a deleted row stays in them until they are written again.

It comes after all that deletes rows there, such as those of caches and images. Rows that an open transaction may still
see are written again too, so it waits for those that are older. The log that backups wait for goes too, so that the
next backup of the server is a full one. What does not belong here: rows (postgres.py, app_postgres.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic, sleep
from typing import Any

import psycopg
from psycopg.sql import SQL

from assets.apps import App
from assets.erasure import postgres_rows
from assets.privacy.identity import Erased, Identity
from assets.rooms import Rooms
from resources.counts import counted
from resources.declined import DeclinedError
from resources.postgres import Postgres, wal
from resources.postgres.copy import identifier
from resources.sql_files import read_sql

LEAST_ROUNDS = 8
"""After as many segments a server with few of them had written over all, tried with PostgreSQL 18."""
LONGEST_WAIT, PAUSE = timedelta(minutes=10), 0.2


class StillReadError(DeclinedError):
    """A transaction is open that may still see what was deleted, so that Postgres would write it again."""

    retryable = True


@dataclass(frozen=True)
class PostgresFilesEraser:
    """An `Eraser` over the files of one server. databases: those of it that hold the app's rows, at least one."""

    databases: Sequence[Postgres]
    place: str = "postgres files"
    longest_wait: timedelta = LONGEST_WAIT

    def erase(self, identities: Sequence[Identity]) -> Erased:
        """See Eraser.erase. Each table waits for its readers.

        Raises:
            StillReadError: an older transaction is still open after `longest_wait`.
        """
        del identities
        for database in self.databases:
            with psycopg.connect(database.dsn, autocommit=True) as connection:
                self._outlive(connection)
                for name in sorted(postgres_rows.shapes(database)):
                    connection.execute(SQL("vacuum (full, analyze) {}").format(identifier(name)))
                # What ANALYZE saw of values before is in dead rows of its own table.
                self._outlive(connection)
                connection.execute("vacuum full pg_statistic")
        _renew_log(self.databases[0].dsn)
        return Erased(self.place)

    def _outlive(self, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        """Wait until every transaction has ended that began before now."""
        (mark,) = connection.execute("select pg_current_xact_id()::text").fetchall()[0]
        until = monotonic() + self.longest_wait.total_seconds()
        while older := connection.execute(read_sql("erasure/older_transactions.sql"), {"mark": mark}).fetchall()[0][0]:
            if monotonic() > until:
                raise StillReadError(
                    f"{counted(older, 'transaction')} of before may still see rows that were erased, so that Postgres "
                    "keeps them in its files",
                    "run this again when they have ended; pg_stat_activity shows them by their age",
                )
            sleep(PAUSE)


def _renew_log(dsn: str) -> None:
    wal.release(dsn, wal.mark(dsn).position)
    with psycopg.connect(dsn, autocommit=True) as connection:
        # The server takes old segments again for new ones, with what is in them, until all were written once. At each
        # checkpoint it does so with further ones, hence twice their number.
        (segments,) = connection.execute("select count(*) from pg_ls_waldir()").fetchall()[0]
        for _ in range(max(LEAST_ROUNDS, 2 * segments)):
            connection.execute("select pg_logical_emit_message(true, 'clearlift', 'erased'), pg_switch_wal()")
            connection.execute("checkpoint")


def eraser(rooms: Rooms, app: App) -> PostgresFilesEraser | None:
    """The Eraser of an app where the server is ours."""
    embedded = rooms.embedded_postgres
    if embedded is None:
        return None
    own = [rooms.app_postgres(app)] if app.name in embedded.databases else []
    return PostgresFilesEraser([rooms.postgres_of_login, *own])

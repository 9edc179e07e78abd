"""The applied migrations of a Postgres database. Script and row are one transaction, of one process at a time.

What belongs here: splitting a script, running one migration. What does not: which migration is next (plan.py), what a
way down would lose (postgres_losses.py).
"""

import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import Literal

import psycopg

from resources.migrations.failed import COMMENT, failed
from resources.migrations.plan import AppliedMigration, Migration, MigrationError, would_lose
from resources.migrations.postgres_losses import losses
from resources.postgres.client import Connection, Postgres, message_of

# In a schema of its own, because Supabase's Data API opens the schema `public`. Each database has its own table.
CREATE = """
create schema if not exists pipelines;
create table if not exists pipelines.migrations (
    folder text not null,
    number integer not null,
    name text not null,
    checksum text not null,
    applied_at timestamptz not null default now(),
    primary key (folder, number)
)"""
ROWS = """select number, name, checksum, to_char(applied_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') applied_at
from pipelines.migrations where folder = any(%s) order by number"""
OTHERS = "select folder from pipelines.migrations where folder <> all(%s) order by folder limit 1"
# What a semicolon may stand in without an end of the statement: comments, strings, names, bodies of functions.
TOKEN = re.compile(
    r"--[^\n]*|/\*.*?\*/|\b[eE]'(?:\\.|''|[^'\\])*'|'(?:''|[^'])*'|\"[^\"]*\"|\$(\w*)\$.*?\$\1\$|;|[^;]", re.DOTALL
)


class PostgresAppliedMigrations:
    """The table `pipelines.migrations` of a database. Use the direct port for migrations, not the pooled one.

    former_names: by folder, the name that it had when some of its migrations were applied. alone: the database is
    refused where it has migrations of another folder, because its address is another store's then.
    """

    def __init__(
        self, postgres: Postgres, former_names: Mapping[str, str] = MappingProxyType({}), *, alone: bool = False
    ) -> None:
        self._postgres = postgres
        self._former_names = former_names
        self._alone = alone

    @property
    def store(self) -> str:
        """Host, port and database."""
        return f"Postgres {self._postgres.address}"

    def rows(self, folder: str) -> Sequence[AppliedMigration]:
        """See `AppliedMigrations.rows`."""
        with self._postgres.connection() as connection:
            table = connection.execute("select to_regclass('pipelines.migrations') as name").fetchone()
            if table is None or table["name"] is None:
                return []
            if self._alone:
                self._refuse_others(connection, folder)
            return [AppliedMigration(**row) for row in connection.execute(ROWS, (self._names(folder),)).fetchall()]

    def apply(self, migration: Migration) -> bool:
        """See `AppliedMigrations.apply`; under a lock of the folder in this database."""
        with self._locked(migration.folder) as connection:
            connection.execute(CREATE)
            if self._is_applied(connection, migration):
                return False
            self._run(connection, migration, "up")
            connection.execute(
                "insert into pipelines.migrations (folder, number, name, checksum) values (%s, %s, %s, %s)",
                (migration.folder, migration.number, migration.name, migration.checksum),
            )
            return True

    def losses(self, going: Sequence[Migration]) -> list[str]:
        """See `AppliedMigrations.losses`; tables whose rows it compares are locked against writers meanwhile."""
        if not going:
            return []
        with self._locked(going[0].folder) as connection:
            applied = [migration for migration in going if self._is_applied(connection, migration)]
            return self._losses(connection, applied)

    def revert(self, migration: Migration) -> bool:
        """See `AppliedMigrations.revert`; under a lock of the folder in this database."""
        with self._locked(migration.folder) as connection:
            if not self._is_applied(connection, migration):
                return False
            if lost := self._losses(connection, [migration]):
                raise would_lose(self, [migration], lost)
            self._run(connection, migration, "down")
            connection.execute(
                "delete from pipelines.migrations where folder = any(%s) and number = %s",
                (self._names(migration.folder), migration.number),
            )
            return True

    def _refuse_others(self, connection: Connection, folder: str) -> None:
        others = connection.execute(OTHERS, (self._names(folder),)).fetchall()
        if others:
            raise MigrationError(
                f"{self.store} holds sql/{others[0]['folder']}, so it cannot be the database of sql/{folder} too",
                f"give sql/{folder} a database of its own: correct {self._postgres.setting or 'its address'}",
            )

    def _locked(self, folder: str) -> AbstractContextManager[Connection]:
        return self._postgres.lock(f"migrations:{folder}")

    def _losses(self, connection: Connection, going: Sequence[Migration]) -> list[str]:
        def take_back() -> None:
            for migration in going:
                self._run(connection, migration, "down")

        def apply_again() -> None:
            for migration in reversed(going):
                self._run(connection, migration, "up")

        return losses(connection, take_back, apply_again)

    def _run(self, connection: Connection, migration: Migration, direction: Literal["up", "down"]) -> None:
        statements = split(migration.up if direction == "up" else migration.down)
        for number, statement in enumerate(statements, start=1):
            try:
                connection.execute(statement)
            except psycopg.Error as error:
                place = (number, len(statements))
                raise failed(
                    self.store, migration, direction, statement=statement, place=place, reason=message_of(error)
                ) from None

    def _names(self, folder: str) -> list[str]:
        return [folder, self._former_names.get(folder, folder)]

    def _is_applied(self, connection: Connection, migration: Migration) -> bool:
        rows = connection.execute(
            "select 1 from pipelines.migrations where folder = any(%s) and number = %s",
            (self._names(migration.folder), migration.number),
        )
        return rows.fetchone() is not None


def split(script: str) -> list[str]:
    """The statements of a Postgres script. A body between BEGIN ATOMIC and END would be cut: write it in dollars."""
    statements, current = [], ""
    for token in TOKEN.finditer(script):
        current += token[0]
        if token[0] == ";":
            statements.append(current)
            current = ""
    return [text.strip() for text in (*statements, current) if _has_code(text)]


def _has_code(text: str) -> bool:
    return bool(COMMENT.sub("", text).strip(" \t\r\n;"))

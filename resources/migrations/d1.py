"""The applied migrations of a D1 database. Script and row go in one batch, because D1 has no other transaction.

What belongs here: splitting a script, running one migration. What does not: which migration is next (plan.py).
"""

import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from resources.d1 import D1, D1Error, Statement
from resources.d1.database import Param
from resources.http import HttpError
from resources.migrations.plan import AppliedMigration, Migration, MigrationError

TABLE = "pipelines_migrations"
CREATE = f"""create table if not exists {TABLE} (
    folder text not null,
    number integer not null,
    name text not null,
    checksum text not null,
    applied_at text not null,
    primary key (folder, number)
)"""
INSERT = f"insert into {TABLE} (folder, number, name, checksum, applied_at) values (?, ?, ?, ?, ?)"
# Only an error stops a batch. If the migration is not applied, the number is NULL, which is an error here.
CLAIM = f"""insert into {TABLE} (folder, number, name, checksum, applied_at)
select ?1, case when exists (select 1 from {TABLE} where folder = ?1 and number = ?2) then -?2 end, '', '', ''"""
RELEASE = f"delete from {TABLE} where folder = ?1 and number in (?2, -?2)"


class D1AppliedMigrations:
    """The table in a D1. D1 has no locks, so the row comes first in the batch and its key decides a race."""

    def __init__(
        self, database: D1, store: str = "D1", now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._database = database
        self._store = store
        self._now = now

    @property
    def store(self) -> str:
        """The name from the constructor."""
        return self._store

    def rows(self, folder: str) -> Sequence[AppliedMigration]:
        """See `AppliedMigrations.rows`."""
        if not self._database.query(
            "select 1 as is_there from sqlite_master where type = 'table' and name = ?", [TABLE]
        ):
            return []
        rows = self._database.query(
            f"select number, name, checksum, applied_at from {TABLE} where folder = ? order by number", [folder]
        )
        return [AppliedMigration(**row) for row in rows]

    def apply(self, migration: Migration) -> bool:
        """See `AppliedMigrations.apply`; one batch."""
        self._database.execute(CREATE, idempotent=True)
        applied_at = self._now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        row: list[Param] = [migration.folder, migration.number, migration.name, migration.checksum, applied_at]
        return self._run(migration, [Statement(INSERT, row), *_statements(migration, migration.up)], applied=True)

    def revert(self, migration: Migration) -> bool:
        """See `AppliedMigrations.revert`; one batch."""
        which: list[Param] = [migration.folder, migration.number]
        script = [Statement(CLAIM, which), *_statements(migration, migration.down), Statement(RELEASE, which)]
        return self._run(migration, script, applied=False)

    def _run(self, migration: Migration, statements: list[Statement], applied: bool) -> bool:
        try:
            # It may be sent twice, because the second one fails at its row.
            self._database.batch(statements, idempotent=True)
        except (D1Error, HttpError):
            # If the table says so, another process did it, or this one did and the answer was lost.
            numbers = [row.number for row in self.rows(migration.folder)]
            if (migration.number in numbers) is applied:
                return False
            raise
        return True


def split(script: str) -> list[str]:
    """The statements of an SQLite script. A semicolon in a string, a comment or a trigger does not end a statement."""
    statements: list[str] = []
    start = 0
    for position, character in enumerate(script):
        if character == ";" and sqlite3.complete_statement(script[start : position + 1]):
            if script[start:position].strip():
                statements.append(script[start : position + 1].strip())
            start = position + 1
    rest = script[start:]
    if _has_code(rest):
        statements.append(rest.strip())
    return statements


def _statements(migration: Migration, script: str) -> list[Statement]:
    texts = split(script)
    if not texts:
        raise MigrationError(f"sql/{migration.folder}/{migration}: a script without a statement")
    return [Statement(text) for text in texts]


def _has_code(text: str) -> bool:
    """Whether there is more than comments. After `select 1;`, comments are complete for SQLite and code is not."""
    return bool(text.strip()) and not sqlite3.complete_statement(f"select 1;{text}")

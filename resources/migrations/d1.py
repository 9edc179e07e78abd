"""The migration ledger of a D1 database: script and ledger row in one batch, which is D1's only transaction.

What belongs here: splitting a script, running one migration. What does not: which one is next (plan.py).
"""

import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from resources.d1 import D1, D1Error, Statement
from resources.d1.database import Param
from resources.http import HttpError
from resources.migrations.plan import LedgerRow, Migration, MigrationError

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
# A batch stops at an error only: NULL where a number is required is the error when the migration is not applied.
CLAIM = f"""insert into {TABLE} (folder, number, name, checksum, applied_at)
select ?1, case when exists (select 1 from {TABLE} where folder = ?1 and number = ?2) then -?2 end, '', '', ''"""
RELEASE = f"delete from {TABLE} where folder = ?1 and number in (?2, -?2)"


class D1Ledger:
    """A `Ledger` over a D1. D1 has no locks: the ledger row comes first in the batch, and its key decides a race."""

    def __init__(
        self, database: D1, store: str = "D1", now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._database = database
        self._store = store
        self._now = now

    @property
    def store(self) -> str:
        """The name that it was given."""
        return self._store

    def rows(self, folder: str) -> Sequence[LedgerRow]:
        """What is applied of a folder, by number."""
        if not self._database.query("select 1 as made from sqlite_master where type = 'table' and name = ?", [TABLE]):
            return []
        found = self._database.query(
            f"select number, name, checksum, applied_at from {TABLE} where folder = ? order by number", [folder]
        )
        return [LedgerRow(**row) for row in found]

    def apply(self, migration: Migration) -> bool:
        """Run `up` and write the row, in one batch."""
        self._database.execute(CREATE, idempotent=True)
        applied_at = self._now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        row: list[Param] = [migration.folder, migration.number, migration.name, migration.checksum, applied_at]
        return self._run(migration, [Statement(INSERT, row), *_statements(migration, migration.up)], applied=True)

    def revert(self, migration: Migration) -> bool:
        """Run `down` and remove the row, in one batch."""
        which: list[Param] = [migration.folder, migration.number]
        script = [Statement(CLAIM, which), *_statements(migration, migration.down), Statement(RELEASE, which)]
        return self._run(migration, script, applied=False)

    def _run(self, migration: Migration, statements: list[Statement], applied: bool) -> bool:
        try:
            # Sent twice, the second fails at the ledger row: a lost answer does no harm.
            self._database.batch(statements, idempotent=True)
        except (D1Error, HttpError):
            # Done already (by another process, or by us and the answer was lost) when the ledger says so.
            numbers = [row.number for row in self.rows(migration.folder)]
            if (migration.number in numbers) is applied:
                return False
            raise
        return True


def split(script: str) -> list[str]:
    """The statements of an SQLite script; a semicolon in a string, a comment or a trigger's body ends none."""
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
    found = split(script)
    if not found:
        raise MigrationError(f"sql/{migration.folder}/{migration}: a script without a statement")
    return [Statement(text) for text in found]


def _has_code(text: str) -> bool:
    """Whether more than comments is left: SQLite finds text complete only after a statement's own semicolon."""
    return bool(text.strip()) and not sqlite3.complete_statement(f"select 1;{text}")

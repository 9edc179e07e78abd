"""The applied migrations of a D1 database. Script and row go in one batch, because D1 has no other transaction.

What belongs here: splitting a script, running one migration, finding the statement that failed. What does not: which
migration is next (plan.py), what a way down would lose (d1_losses.py), what a drop takes along (d1_cascades.py).
"""

import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Literal

from resources.d1 import D1, D1Error, Statement
from resources.d1.database import Param
from resources.d1.names import quoted
from resources.http import HttpError
from resources.migrations.d1_cascades import MAY_DROP, Cascade, cascades
from resources.migrations.d1_losses import Rehearsal
from resources.migrations.failed import failed
from resources.migrations.plan import AppliedMigration, Migration, MigrationError, would_lose

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
# The error by which the end of a probe is known: the batch came this far, and nothing of it stays.
STOP = f"insert into {TABLE} (folder, number, name, checksum, applied_at) values ('', 0, '', null, '')"
STOPPED = f"{TABLE}.checksum"
# The column whose NULL is the error by which a cascade is stopped.
CASCADED = f"{TABLE}.applied_at"
SCHEMA = """select type, name, sql from sqlite_master
where sql is not null and name not like 'sqlite\\_%' escape '\\' and name not like '\\_cf\\_%' escape '\\'
and name not like 'backup\\_of\\_%' escape '\\'"""
# The backup log's triggers name the columns of their tables, so that these could not be changed. The next backup makes
# them again, and is a full one.
OF_BACKUPS = "select name from sqlite_master where type = 'trigger' and name like 'backup\\_of\\_%' escape '\\'"


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
        return self._run(migration, "up", [Statement(INSERT, row)], [])

    def losses(self, going: Sequence[Migration]) -> list[str]:
        """See `AppliedMigrations.losses`; the way down is tried on a copy of the schema, then rows are looked for."""
        if not going:
            return []
        numbers = self._numbers(going[0].folder)
        try:
            return [str(loss) for loss in self._rehearsal().losses([m for m in going if m.number in numbers])]
        except (D1Error, MigrationError):
            if numbers == self._numbers(going[0].folder):
                raise
            # Another process took one of them back meanwhile.
            return self.losses(going)

    def revert(self, migration: Migration) -> bool:
        """See `AppliedMigrations.revert`; one batch, which looks again for the rows that it would lose."""
        which: list[Param] = [migration.folder, migration.number]
        try:
            guards = [Statement(loss.guard(TABLE)) for loss in self._rehearsal().possible([migration])]
        except MigrationError:
            if migration.number in self._numbers(migration.folder):
                raise
            return False
        return self._run(migration, "down", [Statement(CLAIM, which), *guards], [Statement(RELEASE, which)])

    def _numbers(self, folder: str) -> set[int]:
        return {row.number for row in self.rows(folder)}

    def _rehearsal(self) -> Rehearsal:
        return Rehearsal(self._database, self._database.query(SCHEMA), split)

    def _run(
        self, migration: Migration, direction: Literal["up", "down"], before: list[Statement], after: list[Statement]
    ) -> bool:
        script = _statements(migration, migration.up if direction == "up" else migration.down)
        triggers = [row["name"] for row in self._database.query(OF_BACKUPS)]
        before = [*before, *(Statement(f"drop trigger if exists {quoted(name)}") for name in triggers)]
        stopping = self._cascades(script)
        guarded = [
            [*(Statement(cascade.guard(TABLE)) for cascade in found), statement]
            for found, statement in zip(stopping, script, strict=True)
        ]
        try:
            # It may be sent twice, because the second one fails at its row.
            self._database.batch([*before, *chain.from_iterable(guarded), *after], idempotent=True)
        except (D1Error, HttpError) as error:
            # If the table says so, another process did it, or this one did and the answer was lost.
            if (migration.number in self._numbers(migration.folder)) is (direction == "up"):
                return False
            if isinstance(error, HttpError):
                raise
            if direction == "down" and (lost := self.losses([migration])):
                raise would_lose(self, [migration], lost) from None
            number = self._failing(before, guarded)
            if CASCADED in error.message:
                raise _would_cascade(self.store, migration, direction, stopping[number - 1]) from None
            place = (number, len(script))
            raise failed(
                self.store, migration, direction, statement=script[number - 1].sql, place=place, reason=error.message
            ) from None
        return True

    def _cascades(self, script: list[Statement]) -> list[list[Cascade]]:
        """For each statement, what a drop in it would take along."""
        texts = [statement.sql for statement in script]
        drops = any(MAY_DROP.search(text) for text in texts)
        return cascades(self._database.query(SCHEMA), texts) if drops else [[] for _ in texts]

    def _failing(self, before: list[Statement], guarded: list[list[Statement]]) -> int:
        """The number of the statement that fails: D1 names none, so parts of the script are tried and stopped."""
        good, bad = 0, len(guarded)
        while bad - good > 1:
            middle = (good + bad) // 2
            try:
                part = chain.from_iterable(guarded[:middle])
                self._database.batch([*before, *part, Statement(STOP)], idempotent=True)
            except D1Error as error:
                good, bad = (middle, bad) if STOPPED in error.message else (good, middle)
        return bad


def _would_cascade(
    store: str, migration: Migration, direction: Literal["up", "down"], stopped: Sequence[Cascade]
) -> MigrationError:
    return MigrationError(
        f"{store}: sql/{migration.folder}/{migration}.{direction}.sql would lose what refers to a table that it drops: "
        f"{', '.join(map(str, stopped))}",
        "keep those rows in the same script (docs/runbooks/failed-migration.md says how)",
    )


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
        raise MigrationError(f"sql/{migration.folder}/{migration} has a script without a statement", "write one")
    return [Statement(text) for text in texts]


def _has_code(text: str) -> bool:
    """Whether there is more than comments. After `select 1;`, comments are complete for SQLite and code is not."""
    return bool(text.strip()) and not sqlite3.complete_statement(f"select 1;{text}")

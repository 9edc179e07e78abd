"""Backups of a Postgres database by its rows, for any login that may read them: full sets only.

What belongs here: the Protocol of a method for a database. What does not: COPY (resources/postgres), log and base
backups of a server that is ours (postgres_physical.py).

The schema comes from migrations, whose number is in the set. pg_dump is not used, although it may be there: the
embedded one has no TLS, one of the system is often older than the server and then refuses, and of rows that a login
may not see it says no more than an exit code. What it would add is the text of a schema, which migrations have.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import msgspec
import psycopg

from assets.backups import postgres_restore
from assets.backups.manifest import Kind, Manifest, Table, of_form
from assets.backups.method import At, Chain, Contents, FullOnlyError, NotRestorableError, Restored, Scope
from assets.backups.parts import Draft, read
from assets.backups.postgres_database import DatabaseSchema, Description, described
from assets.backups.postgres_restore import DatabaseRestore, RestoredDatabase
from resources.declined import DeclinedError
from resources.postgres import Postgres, embedded
from resources.postgres.row_checksum import RowChecksum
from resources.postgres.snapshot import Snapshot, snapshot

if TYPE_CHECKING:
    from assets.backups.sets import Sets
    from assets.backups.target import StoreName, Target

DATABASE = "database.json"
SCRATCH = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


@dataclass(frozen=True)
class SetOfRows:
    """A set that is restored: a `Source`."""

    target: "Target"
    manifest: Manifest

    @cached_property
    def description(self) -> Description:
        """See Source."""
        return of_form(b"".join(read(self.target, self.manifest, DATABASE)), Description, self.manifest, DATABASE)

    @property
    def until(self) -> str:
        """See Source."""
        return self.manifest.until

    @property
    def moment(self) -> datetime:
        """See Source."""
        return self.manifest.moment

    @property
    def release(self) -> str:
        """See Source."""
        return self.manifest.code_version

    def rows(self, table: str) -> Iterator[bytes]:
        """See Source."""
        return read(self.target, self.manifest, _file(table))

    def checksum(self, table: str) -> RowChecksum:
        """See Source."""
        (found,) = (each for each in self.manifest.tables if each.name == table)
        return RowChecksum(found.rows, found.checksum)

    def count(self, table: str) -> int:
        """See Source."""
        return self.checksum(table).rows


class PostgresLogical:
    """A database by its rows: a `Method[Postgres]`.

    database: opens another database of the same server by its name, and makes it where there is none.
    """

    def __init__(
        self, store: "StoreName", postgres: Postgres, schema: DatabaseSchema, database: Callable[[str], Postgres]
    ) -> None:
        self._store = store
        self._postgres = postgres
        self._schema = schema
        self._database = database

    @property
    def store(self) -> "StoreName":
        """See Method."""
        return self._store

    def full(self, draft: Draft) -> Contents:
        """See Method.full. No writer waits; who changes the form of a table waits until it ends.

        Raises:
            DeclinedError: a migration came in between.
        """
        try:
            number = self._schema.number(self._postgres)
        except psycopg.errors.InsufficientPrivilege:
            raise DeclinedError(
                f"{self.store}: the login has no right to read which migrations were applied",
                "grant it usage on the schema pipelines and select on its tables, or set another login",
            ) from None
        with snapshot(self._postgres) as now:
            description = described(now, number)
            if self._schema.number(self._postgres) != number:
                raise DeclinedError(f"{self.store} was migrated while its backup began", "run the backup again")
            tables = list(_written(draft, now))
        draft.write(DATABASE, msgspec.json.encode(description))
        return Contents(
            kind=Kind.FULL,
            until=now.position,
            moment=now.moment,
            schema=sha256("\n".join(now.objects).encode()).hexdigest(),
            tables=tables,
            facts={
                "migration": f"{number:03}",
                "server_version": str(now.server_version),
                **({"left_out": "; ".join(f"{m.name}: {m.reason}" for m in now.missing)} if now.missing else {}),
            },
        )

    def incremental(self, draft: Draft, base: Manifest) -> NoReturn:  # noqa: ARG002 - as the Protocol has them
        """See Method.incremental: there are none."""
        raise FullOnlyError(f"{self.store} has no log that this login may read", "make a full backup")

    def chain(self, sets: "Sets", at: At | None) -> Chain:
        """See Method.chain: the newest set that is not younger, or the one of that position."""
        if isinstance(at, str):
            found = [manifest for manifest in sets.complete if manifest.until == at]
            if not found:
                raise NotRestorableError(f"no backup of {self.store} is of {at}", sets.instead())
            return (found[-1],)
        return sets.at_or_before(at)

    def stays(self) -> Sequence[str]:
        """See Method.stays."""
        return sorted(self._schema.kept)

    def live(self) -> Postgres:
        """See Method.live."""
        return self._postgres

    def place(self, name: str) -> Postgres:
        """See Method.place: a database of the same server."""
        if not name.replace("_", "").isalnum() or not name.isascii() or name != name.lower() or name[0].isdigit():
            raise DeclinedError(f"{name!r} names no database", "give a name of small letters, digits and underscores")
        return self._database(name)

    @contextmanager
    def scratch(self, folder: Path) -> Iterator[Postgres]:
        """See Method.scratch: a server of its own."""
        with embedded.running(folder / "postgres", SCRATCH) as dsn, Postgres(dsn) as place:
            yield place

    def is_empty(self, place: Postgres) -> bool:
        """See Method.is_empty."""
        return postgres_restore.is_empty(place)

    def preview(self, target: "Target", chain: Chain, scope: Scope) -> tuple[Table, ...]:
        """See Method.preview."""
        if scope.whole:
            return self._schema.set_back(chain[-1].tables)
        return DatabaseRestore(self.store, self._schema).preview(SetOfRows(target, chain[-1]), self._postgres, scope)

    def restore(self, target: "Target", chain: Chain, place: Postgres, scope: Scope) -> RestoredDatabase:
        """See Method.restore."""
        return DatabaseRestore(self.store, self._schema).run(SetOfRows(target, chain[-1]), place, scope)

    def differences(self, place: Postgres, restored: Restored) -> Iterator[str]:
        """See Method.differences."""
        return postgres_restore.differences(place, restored)


def _written(draft: Draft, now: Snapshot) -> Iterator[Table]:
    for table in now.tables:
        checksum = RowChecksum()
        with draft.file(_file(table.name), table.name) as write:
            for chunk in now.rows(table, checksum):
                write(chunk)
        yield Table(name=table.name, rows=checksum.rows, checksum=checksum.checksum)


def _file(table: str) -> str:
    return f"rows/{table}"

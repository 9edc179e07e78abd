"""Backups of a Postgres database by its rows, for any login that may read them: full sets only.

What belongs here: the Protocol of a method for a database. What does not: COPY (resources/postgres), log and base
backups of a server that is ours (postgres_physical.py).

The schema comes from migrations, whose number is in the set. pg_dump is not used, although it may be there: the
embedded one has no TLS, one of the system is often older than the server and then refuses, and of rows that a login
may not see it says no more than an exit code. What it would add is the text of a schema, which migrations have.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import msgspec
from psycopg.sql import SQL, Composable, Identifier, Literal

from assets.backups.manifest import Kind, Manifest, Table
from assets.backups.method import (
    At,
    Chain,
    Contents,
    FullNeededError,
    NotRestorableError,
    OccupiedError,
    Restored,
    Scope,
)
from assets.backups.parts import Draft, read
from assets.backups.postgres_database import DONE, DatabaseSchema, Description, described, is_begun
from assets.backups.postgres_people import erased_rows, remove
from resources.declined import DeclinedError
from resources.postgres import Connection, Postgres, embedded
from resources.postgres.beside import Beside
from resources.postgres.load import Load, filled_tables, loading
from resources.postgres.row_checksum import RowChecksum
from resources.postgres.snapshot import Snapshot, TableOf, copied, snapshot, tables_of
from resources.sql_files import read_sql

if TYPE_CHECKING:
    from assets.backups.sets import Sets
    from assets.backups.target import StoreName, Target

DATABASE = "database.json"
SCRATCH = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
NAMED = 8
"""How many objects a sentence names."""


@dataclass(frozen=True, kw_only=True)
class RestoredDatabase(Restored):
    """description: of the set. without_table: rows of the tables that the database does not have. live: whether others
    go on with it, so that its rows were compared before anybody saw them.
    """

    description: Description
    without_table: Mapping[str, int]
    live: bool


@dataclass(frozen=True)
class Source:
    """A set that is restored."""

    target: "Target"
    manifest: Manifest
    description: Description

    def rows(self, table: str) -> tuple[tuple[str, ...], Iterator[bytes]]:
        """The columns of a table, and its rows in chunks."""
        return self.description.columns[table], read(self.target, self.manifest, _file(table))


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
        number = self._schema.number(self._postgres)
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
        raise FullNeededError(f"{self.store} has no log that this login may read", "make a full backup")

    def chain(self, sets: "Sets", at: At | None) -> Chain:
        """See Method.chain: the newest set that is not younger, or the one of that position."""
        if isinstance(at, str):
            found = [manifest for manifest in sets.complete if manifest.until == at]
            if not found:
                raise NotRestorableError(f"no backup of {self.store} is of {at}", "`clearlift backup list` shows them")
            return (found[-1],)
        return sets.at_or_before(at)

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
        """See Method.is_empty: no table has a row, or only a killed restore has been there."""
        return is_begun(place) or not filled_tables(place)

    def restore(self, target: "Target", chain: Chain, place: Postgres, scope: Scope) -> RestoredDatabase:
        """See Method.restore. The rows come in one transaction, which a damaged part undoes."""
        manifest = chain[-1]
        description = _description(target, manifest)
        if not scope.live:
            if not self.is_empty(place):
                raise OccupiedError(f"{place.address} is not empty", "name another database, which is made if missing")
            self._schema.set_up(place, description.migrated, manifest.code_version)
        names, without_table = self._wanted(manifest, description, place, scope)
        beside = scope.live and not scope.whole
        with loading(
            place,
            names,
            emptied=not beside,
            check_all=scope.whole or scope.live,
            partitions=[part for part in description.partitions if part.root in names],
        ) as load:
            source = Source(target, manifest, description)
            if beside or scope.owners:
                tables, erased = self._put_beside(source, load, scope)
            else:
                tables, erased = self._put(source, load, scope)
            self._advance(load, description, scope)
            if not scope.live:
                load.connection.execute(DONE)
        return RestoredDatabase(
            until=manifest.until,
            moment=manifest.moment,
            tables=tuple(tables),
            erased=erased,
            whole=scope.whole,
            beside=beside,
            left_out=_left_out(description, place) if scope.whole else (),
            description=description,
            without_table=without_table,
            live=scope.live,
        )

    def differences(self, place: Postgres, restored: Restored) -> Iterator[str]:
        """See Method.differences."""
        assert isinstance(restored, RestoredDatabase)
        description = restored.description
        with snapshot(place) as now:
            expected = {} if restored.live else {table.name: table for table in restored.tables}
            for table in now.tables:
                if table.name in expected:
                    yield from _compared(now.connection, table, expected[table.name])
            if restored.whole:
                there = {table.name for table in now.tables} | dict(now.missing).keys()
                for name in sorted(there - description.columns.keys()):
                    why = description.missing.get(name, "it was not there")
                    yield f"the rows of {name} are in no backup: {why}"
                for row in now.connection.execute(read_sql("backups/postgres/invalid.sql")).fetchall():
                    yield f"{row['kind']} {row['name']} is not valid"
        for name, rows in restored.without_table.items():
            if rows:
                yield f"{rows} rows of {name} have no place, because no migration makes it"

    def _wanted(
        self, manifest: Manifest, description: Description, place: Postgres, scope: Scope
    ) -> tuple[list[str], dict[str, int]]:
        """The tables to fill, and those of the set that the database does not have, with their rows."""
        if unknown := [name for name in scope.tables if name not in description.columns]:
            raise NotRestorableError(
                f"{', '.join(unknown)}: not in this set of {self.store}",
                f"name some of {', '.join(list(description.columns)[:NAMED])}, …",
            )
        with place.connection() as connection:
            there = {row["name"] for row in tables_of(connection)}
        wanted = scope.tables or tuple(description.columns)
        if scope.live:
            wanted = tuple(name for name in wanted if name not in self._schema.kept)
        rows = {table.name: table.rows for table in manifest.tables}
        return [name for name in wanted if name in there], {n: rows[n] for n in wanted if n not in there}

    def _put(self, source: Source, load: Load, scope: Scope) -> tuple[list[Table], int]:
        """Fill the tables; what is there then, by table, and how many rows of erased people are not."""
        checksums: dict[str, RowChecksum] = {}
        for table in source.manifest.tables:
            if table.name in load.tables:
                load.fill(table.name, *source.rows(table.name))
                checksums[table.name] = RowChecksum(table.rows, table.checksum)
        erased = remove(load, self._schema.subjects, scope.erased, checksums)
        tables = [Table(name=name, rows=c.rows, checksum=c.checksum) for name, c in checksums.items()]
        if scope.live:
            pairs = ((load.tables[table.name], table) for table in tables)
            if wrong := [text for pair in pairs for text in _compared(load.connection, *pair)]:
                raise NotRestorableError("; ".join(wrong), "choose another set; nothing was changed")
        return tables, erased

    def _put_beside(self, source: Source, load: Load, scope: Scope) -> tuple[list[Table], int]:
        """Put single rows in the place of those of the same key; how many came or changed, by table, and how many of
        erased people did not.

        Of an owner are the rows that name them as a subject, as an organisation or by a primary key, and all rows that
        refer to one of theirs.
        """
        beside, erased = Beside(load), 0
        # Rows without a key cannot be told apart; who asks for them by name gets that as an answer.
        laid = [name for name in load.tables if beside.key(name) or name in scope.tables]
        for name in laid:
            beside.lay(name, *source.rows(name), wanted=not scope.owners)
            condition = erased_rows(self._schema.subjects.get(name, ()), scope.erased)
            erased += beside.leave_out(name, condition) if condition is not None else 0
        if erased:
            beside.leave_out_orphans()
        if scope.owners:
            for name in laid:
                beside.want(name, self._of_owners(load.tables[name], beside.key(name), scope.owners))
            beside.want_children()
        return [Table(name=name, rows=beside.put(name), checksum="") for name in laid], erased

    def _of_owners(self, table: TableOf, key: Sequence[str], owners: Sequence[str]) -> Composable:
        columns = {place for _, place in self._schema.subjects.get(table.name, ()) if place in table.columns}
        columns |= set(self._schema.owners) & set(table.columns)
        columns |= set(key) if len(key) == 1 else set()
        ids = Literal(list(owners))
        conditions = [SQL("{}::text = any({})").format(Identifier(column), ids) for column in sorted(columns)]
        return SQL(" or ").join(conditions) if conditions else SQL("false")

    def _advance(self, load: Load, description: Description, scope: Scope) -> None:
        """Let the sequences go on: all after a whole restore, else those of the tables that were filled."""
        there = {row["name"]: row for row in load.connection.execute(read_sql("backups/postgres/sequences.sql"))}
        for sequence in description.sequences:
            if sequence.name in there and (scope.whole or sequence.table in load.tables):
                load.advance(sequence, backwards=scope.whole and not scope.live)


def _written(draft: Draft, now: Snapshot) -> Iterator[Table]:
    for table in now.tables:
        checksum = RowChecksum()
        with draft.file(_file(table.name), table.name) as write:
            for chunk in now.rows(table, checksum):
                write(chunk)
        yield Table(name=table.name, rows=checksum.rows, checksum=checksum.checksum)


def _file(table: str) -> str:
    return f"rows/{table}"


def _description(target: "Target", manifest: Manifest) -> Description:
    return msgspec.json.decode(b"".join(read(target, manifest, DATABASE)), type=Description)


def _left_out(description: Description, place: Postgres) -> tuple[str, ...]:
    """What somebody made beside the migrations, and parts of what the login could not read."""
    with snapshot(place) as now:
        return tuple(sorted(set(description.objects) - set(now.objects)))


def _compared(connection: Connection, table: TableOf, expected: Table) -> Iterator[str]:
    """What is wrong with the rows of a table."""
    found = RowChecksum()
    for _ in copied(connection, table.copy_out(), found):
        pass
    if found.rows != expected.rows:
        yield f"{expected.name} has {found.rows} rows, not {expected.rows}"
    elif expected.checksum and found.checksum != expected.checksum:
        yield f"rows of {expected.name} are not those of the set"

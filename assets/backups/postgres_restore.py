"""Rows of a backup put into a Postgres database: all of them, or single tables and owners beside what is there.

What belongs here: which rows come, in which order, and what is compared. What does not: where they come from (a set in
postgres_logical.py, a recovered server in postgres_physical.py), COPY itself (resources/postgres).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from psycopg.sql import SQL, Composable, Identifier, Literal

from assets.backups.manifest import Table
from assets.backups.method import NotRestorableError, OccupiedError, Restored, Scope
from assets.backups.obstacles import InTheWayError, Obstacle
from assets.backups.postgres_database import DONE, DatabaseSchema, Description, is_begun
from assets.backups.postgres_people import erased_rows, remove, remove_traces, set_secret
from resources.counts import counted
from resources.postgres import Connection, Postgres
from resources.postgres.beside import Beside
from resources.postgres.load import Load, filled_tables, loading, looking
from resources.postgres.row_checksum import RowChecksum
from resources.postgres.snapshot import TableOf, copied, snapshot, tables_of
from resources.sql_files import read_sql

if TYPE_CHECKING:
    from assets.backups.target import StoreName

KEPT_TOMBSTONES = {"archive.tombstones", "privacy.secrets"}
"""The tables of ours that say who was erased; a set of before there were both has neither."""
NAMED = 8
"""How many tables a sentence names."""


class Source(Protocol):
    """Where the rows come from. release: of the code that made it."""

    @property
    def description(self) -> Description:
        """What it says beside the rows."""

    @property
    def until(self) -> str:
        """Its position."""

    @property
    def moment(self) -> datetime:
        """Its moment."""

    @property
    def release(self) -> str:
        """The release that made it."""

    def rows(self, table: str) -> Iterator[bytes]:
        """The rows of a table, in chunks."""

    def checksum(self, table: str) -> RowChecksum:
        """The number of these rows and their checksum, once they were read."""

    def count(self, table: str) -> int:
        """Their number, before they are read."""


@dataclass(frozen=True, kw_only=True)
class RestoredDatabase(Restored):
    """description: of the set. live: whether others go on with it, so that its rows were compared before anybody saw
    them.
    """

    description: Description
    live: bool


@dataclass(frozen=True)
class DatabaseRestore:
    """Restores the database of one store."""

    store: "StoreName"
    schema: DatabaseSchema

    def run(self, source: Source, place: Postgres, scope: Scope) -> RestoredDatabase:
        """Put the rows that a scope wants into a place. They come in one transaction, which an error undoes.

        Raises:
            OccupiedError: the place is not live and not empty.
            NotRestorableError: as of the scope, or the place would not be what the source says.
            LoadRefusedError: the place does not take the rows.
        """
        description, empty = source.description, is_empty(place)
        if empty:
            # What was live is lost, and is made again.
            scope = replace(scope, live=False)
        if not scope.live:
            if not empty:
                return self._found(source, place, scope)
            self.schema.set_up(place, description.migrated, source.release)
        names, without_place = self._wanted(source, place, scope)
        beside = scope.live and not scope.whole
        with loading(
            place,
            names,
            emptied=() if beside else [n for n in names if not (scope.live and n in self.schema.remembered)],
            check_all=scope.whole or scope.live,
            partitions=[part for part in description.partitions if part.root in names],
        ) as load:
            if beside or scope.owners:
                tables, erased = self._put_beside(source, load, scope)
            else:
                tables, erased = self._put(source, load, scope)
            _advance(load, description, scope)
            if not scope.live:
                load.connection.execute(DONE)
        return RestoredDatabase(
            until=source.until,
            moment=source.moment,
            tables=tuple(tables),
            erased=erased,
            whole=scope.whole,
            beside=beside,
            left_out=_left_out(description, place) if scope.whole else (),
            description=description,
            without_place=without_place,
            notes=tuple(_notes(without_place, live=scope.live)),
            live=scope.live,
        )

    def preview(self, source: Source, place: Postgres, scope: Scope) -> tuple[Table, ...]:
        """How many rows of single tables or owners would come to a live database or change, by table; nothing is
        written.

        Raises:
            InTheWayError: what is there now does not let them in.
            NotRestorableError, LoadRefusedError: as of `run`.
        """
        if is_empty(place):
            return tuple(Table(name=name, rows=source.count(name), checksum="") for name in scope.tables)
        names, _ = self._wanted(source, place, scope)
        with looking(place, names) as load:
            beside, laid, _ = self._laid(source, load, scope)
            self._require_room(beside, scope)
            return tuple(Table(name=name, rows=beside.coming(name), checksum="") for name in laid)

    def _found(self, source: Source, place: Postgres, scope: Scope) -> RestoredDatabase:
        """What is restored, where a place holds all of it already: a restore was killed after it wrote.

        Raises:
            OccupiedError: it holds something else.
        """
        other = OccupiedError(
            f"{place.address} is not empty, and holds something else", "name another database, which is made if missing"
        )
        if not scope.whole or self.schema.number(place) != source.description.migrated:
            raise other
        names, without_place = self._wanted(source, place, scope)
        with snapshot(place) as now:
            there = {table.name: table for table in now.tables}
            tables = []
            for name in names:
                for _ in source.rows(name):
                    pass
                sums = source.checksum(name)
                tables.append(Table(name=name, rows=sums.rows, checksum=sums.checksum))
                if name not in there or any(compared(now.connection, there[name], tables[-1])):
                    raise other
        return RestoredDatabase(
            until=source.until,
            moment=source.moment,
            tables=tuple(tables),
            left_out=_left_out(source.description, place),
            without_place=without_place,
            notes=tuple(_notes(without_place, live=False)),
            description=source.description,
            live=False,
        )

    def _wanted(self, source: Source, place: Postgres, scope: Scope) -> tuple[list[str], dict[str, int]]:
        """The tables to fill, and those of the source that the database does not have, with their rows."""
        description = source.description
        if unknown := [name for name in scope.tables if name not in description.columns]:
            raise NotRestorableError(
                f"{', '.join(unknown)}: not in this set of {self.store}",
                f"name some of {', '.join(list(description.columns)[:NAMED])}, …",
            )
        with place.connection() as connection:
            there = {row["name"] for row in tables_of(connection)}
        wanted = scope.tables or tuple(description.columns)
        if scope.live:
            if staying := [name for name in scope.tables if name in self.schema.kept]:
                raise NotRestorableError(
                    f"{', '.join(staying)} stays as it is in the live {self.store}",
                    "restore into a new place with --into",
                )
            wanted = tuple(name for name in wanted if name not in self.schema.kept)
        # Of a schema of its own the platform takes care.
        gone = [name for name in wanted if name not in there and name not in description.of_others]
        return [n for n in wanted if n in there], {n: rows for n in gone if (rows := source.count(n))}

    def _put(self, source: Source, load: Load, scope: Scope) -> tuple[list[Table], int]:
        """Fill the tables; what came, by table, and how many rows of erased people did not."""
        checksums: dict[str, RowChecksum] = {}
        beside, added = Beside(load), []
        for name in load.tables:
            if scope.live and name in self.schema.remembered:
                beside.lay(name, source.description.columns[name], source.rows(name), wanted=True)
                added.append(Table(name=name, rows=beside.put(name), checksum=""))
                continue
            load.fill(name, source.description.columns[name], source.rows(name))
            checksums[name] = source.checksum(name)
        erased = remove(load, self.schema, scope.erased, checksums)
        if not KEPT_TOMBSTONES - load.tables.keys() and scope.remember(load.connection):
            for name in KEPT_TOMBSTONES & checksums.keys():
                checksums[name] = _counted(load.connection, load.tables[name])
        tables = [Table(name=name, rows=c.rows, checksum=c.checksum) for name, c in checksums.items()]
        if scope.live:
            pairs = ((load.tables[table.name], table) for table in tables)
            if wrong := [text for pair in pairs for text in compared(load.connection, *pair)]:
                raise NotRestorableError(
                    "; ".join(wrong), f"nothing was changed; `clearlift backup list {self.store}` shows the other sets"
                )
        return tables + added, erased

    def _put_beside(self, source: Source, load: Load, scope: Scope) -> tuple[list[Table], int]:
        """Put single rows in the place of those of the same key; how many came or changed, by table, and how many of
        erased people did not.
        """
        beside, laid, erased = self._laid(source, load, scope)
        if scope.live:
            self._require_room(beside, scope)
        return [Table(name=name, rows=beside.put(name), checksum="") for name in laid], erased

    def _laid(self, source: Source, load: Load, scope: Scope) -> tuple[Beside, list[str], int]:
        """Lay the rows aside that a scope wants; their tables, and how many of erased people are not among them.

        Of an owner are the rows that name them as a subject, as an organisation or by a primary key, and all rows that
        refer to one of theirs.
        """
        set_secret(load.connection, scope.erased)
        beside, erased = Beside(load), 0
        # Rows without a key cannot be told apart; who asks for them by name gets that as an answer.
        laid = [name for name in load.tables if beside.key(name) or name in scope.tables]
        for name in laid:
            beside.lay(name, source.description.columns[name], source.rows(name), wanted=not scope.owners)
            condition = erased_rows(self.schema.subjects.get(name, ()), scope.erased.in_table("app_postgres", name))
            erased += beside.leave_out(name, condition) if condition is not None else 0
            if (entry := self.schema.traces.get(name)) is not None:
                erased += remove_traces(beside.laid, entry, scope.erased, RowChecksum())
        if erased:
            beside.leave_out_orphans()
        if scope.owners:
            for name in laid:
                beside.want(name, self._of_owners(load.tables[name], beside.key(name), scope.owners))
            beside.want_children()
        return beside, laid, erased

    def _require_room(self, beside: Beside, scope: Scope) -> None:
        """See that the live tables take the wanted rows; InTheWayError says what is in the way."""
        found = [Obstacle(key.child, key.name, rows, key.parent) for key, rows in beside.orphans()]
        found += [Obstacle(table, key, rows) for table, key, rows in beside.taken()]
        if found:
            raise InTheWayError(str(self.store), found, of_owners=bool(scope.owners))

    def _of_owners(self, table: TableOf, key: Sequence[str], owners: Sequence[str]) -> Composable:
        columns = {place for _, place in self.schema.subjects.get(table.name, ()) if place in table.columns}
        columns |= set(self.schema.owners) & set(table.columns)
        columns |= set(key) if len(key) == 1 else set()
        ids = Literal(list(owners))
        conditions = [SQL("{}::text = any({})").format(Identifier(column), ids) for column in sorted(columns)]
        return SQL(" or ").join(conditions) if conditions else SQL("false")


def _counted(connection: Connection, table: TableOf) -> RowChecksum:
    found = RowChecksum()
    for _ in copied(connection, table.copy_out(), found):
        pass
    return found


def is_empty(place: Postgres) -> bool:
    """Whether no table has a row, or only a killed restore has been there."""
    return is_begun(place) or not filled_tables(place)


def differences(place: Postgres, restored: Restored) -> Iterator[str]:
    """What is wrong with a restored database, a sentence each."""
    assert isinstance(restored, RestoredDatabase)
    description = restored.description
    with snapshot(place) as now:
        expected = {} if restored.live else {table.name: table for table in restored.tables}
        for table in now.tables:
            if table.name in expected:
                yield from compared(now.connection, table, expected[table.name])
        if restored.whole:
            there = {table.name for table in now.tables} | dict(now.missing).keys()
            for name in sorted(there - description.columns.keys()):
                why = description.missing.get(name, "it was not there")
                yield f"the rows of {name} are in no backup: {why}"
            yield from sound(now.connection)


def _notes(without_place: Mapping[str, int], *, live: bool) -> Iterator[str]:
    """What to do about the tables that a place does not have."""
    again = "run this restore again" if live else "restore into a new place"
    how = "make the table as it was" if live else "let a migration make it"
    for name, rows in without_place.items():
        yield (
            f"{counted(rows, 'row')} of {name} did not come back, because no migration makes this table. Next: "
            f"{how}, and {again}"
        )


def _advance(load: Load, description: Description, scope: Scope) -> None:
    """Let the sequences go on: all after a whole restore, else those of the tables that were filled."""
    there = {row["name"]: row for row in load.connection.execute(read_sql("backups/postgres/sequences.sql"))}
    for sequence in description.sequences:
        if sequence.name in there and (scope.whole or sequence.table in load.tables):
            load.advance(sequence, backwards=scope.whole and not scope.live)


def _left_out(description: Description, place: Postgres) -> tuple[str, ...]:
    """What somebody made beside the migrations, and parts of what the login could not read."""
    with snapshot(place) as now:
        return tuple(sorted(set(description.objects) - set(now.objects)))


def compared(connection: Connection, table: TableOf, expected: Table) -> Iterator[str]:
    """What is wrong with the rows of a table."""
    found = _counted(connection, table)
    if found.rows != expected.rows:
        yield f"{expected.name} has {found.rows} rows, not {expected.rows}"
    elif expected.checksum and found.checksum != expected.checksum:
        yield f"rows of {expected.name} are not those of the set"


def sound(connection: Connection) -> Iterator[str]:
    """What is wrong with constraints and indexes."""
    for row in connection.execute(read_sql("backups/postgres/invalid.sql")).fetchall():
        yield f"{row['kind']} {row['name']} is not valid"
    for key in connection.execute(read_sql("backups/postgres/orphans.sql")).fetchall():
        (found,) = connection.execute(key["counting"]).fetchall()
        if found["n"]:
            yield f"{found['n']} rows break the foreign key {key['name']}"

"""Rows put back into a Postgres database by COPY, in one transaction, by the owner of its tables.

What belongs here: what stands in the way of old rows (foreign keys, triggers, rows that are there), and its return.
What does not: making the tables (migrations), reading rows out (snapshot.py), which rows are wanted (assets).

`session_replication_role`, by which a superuser turns all checks off, is not for every login. So foreign keys are
dropped and made again at the end, which checks all rows at once, in any order of the tables, circles included; and
triggers are disabled by name, because a row that comes back is nothing that happened. Indexes of emptied tables are
made again too, because that takes a fraction of the time of keeping them. All of it is one transaction: others
see the old rows or the new ones.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.sql import SQL, Composable, Identifier

from resources.counts import listed
from resources.declined import DeclinedError
from resources.postgres import snapshot
from resources.postgres.client import Connection, Postgres, message_of
from resources.postgres.snapshot import Partition, SequenceValue, TableOf
from resources.sql_files import read_sql

CASCADE, SET_NULL = "c", "n"
"""Letters of `ForeignKey.on_delete`."""

NAMED = 8
"""How many tables a refusal names."""


class LoadRefusedError(DeclinedError):
    """The database does not take the rows; the reason has no values of them. Nothing was changed."""


@dataclass(frozen=True)
class ForeignKey:
    """A foreign key of the database, by quoted names; `on_delete` is Postgres' letter."""

    child: str
    name: str
    definition: str
    parent: str
    columns: tuple[str, ...]
    parent_columns: tuple[str, ...]
    on_delete: str
    validated: bool

    def same(self) -> Composable:
        """The condition that a row `child` refers to a row `parent`."""
        pairs = zip(self.columns, self.parent_columns, strict=True)
        return SQL(" and ").join(SQL("child.{} = parent.{}").format(Identifier(a), Identifier(b)) for a, b in pairs)

    def filled(self) -> Composable:
        """The condition that a row `child` refers to one at all."""
        return SQL(" and ").join(SQL("child.{} is not null").format(Identifier(column)) for column in self.columns)


@dataclass(frozen=True)
class Load:
    """An open load, for the length of a block.

    tables: those that are filled, by their quoted names. foreign_keys: those from and to them; they are down while rows
    are written.
    """

    connection: Connection
    tables: dict[str, TableOf]
    foreign_keys: tuple[ForeignKey, ...]

    def fill(self, name: str, columns: Sequence[str], chunks: Iterable[bytes], into: Identifier | None = None) -> None:
        """Add the rows that `Snapshot.rows` gave of these columns, by default to the table itself.

        Raises:
            LoadRefusedError: a column is missing, or a constraint of the table refuses a row.
        """
        table = self.tables[name]
        if gone := [column for column in columns if column not in table.columns]:
            raise LoadRefusedError(
                f"{name} has no column {', '.join(gone)}", "restore into an empty database, which is migrated to fit"
            )
        names = SQL(", ").join(map(Identifier, columns))
        statement = SQL("copy {} ({}) from stdin").format(into or table.identifier, names)
        with refused(name), self.connection.cursor() as cursor, cursor.copy(statement) as copy:
            for chunk in chunks:
                copy.write(chunk)

    def advance(self, sequence: SequenceValue, *, backwards: bool) -> None:
        """Let a sequence go on after a value; where not `backwards`, never to one that it has already given."""
        statement = read_sql("backups/postgres/advance.sql")
        self.connection.execute(
            statement,
            {
                "name": sequence.name,
                "last": sequence.last_value,
                "start": sequence.start_value,
                "backwards": backwards,
            },
        )


@contextmanager
def loading(
    postgres: Postgres,
    names: Sequence[str],
    *,
    emptied: Collection[str],
    check_all: bool = True,
    partitions: Sequence[Partition] = (),
) -> Iterator[Load]:
    """A load of some tables (quoted names). The end of the block commits, an error undoes all.

    emptied: those of them whose rows go first. check_all: if not, foreign keys from or to other tables come back
    without a look at the rows. partitions: made where they are missing.

    Raises:
        LoadRefusedError: a table is missing, the login does not own one, or rows break a constraint.
    """
    with looking(postgres, names) as load:
        connection = load.connection
        with refused(postgres.address):
            _make_partitions(connection, partitions)
            triggers = _found(connection, "triggers", names)
            indexes = _found(connection, "indexes", emptied)
            _take_down(load, triggers, indexes)
            if emptied:
                tables = SQL(", ").join(load.tables[name].identifier for name in emptied)
                connection.execute(SQL("truncate {}").format(tables))
        yield load
        with refused(postgres.address):
            _put_up(load, triggers, indexes, check_all=check_all)


@contextmanager
def looking(postgres: Postgres, names: Sequence[str]) -> Iterator[Load]:
    """A load that writes nothing yet: no table is locked, and everything of them is up.

    Raises:
        LoadRefusedError: a table is missing.
    """
    with postgres.connection(held=True) as connection:
        snapshot.settle(connection)
        there = {row["name"]: snapshot.table_of(row) for row in snapshot.tables_of(connection)}
        if gone := [name for name in names if name not in there]:
            raise LoadRefusedError(
                f"{listed(gone, NAMED)}: no such table in {postgres.address}",
                "migrate it first, or leave them out by --table",
            )
        yield Load(connection, {name: there[name] for name in names}, _foreign_keys(connection, names))


def filled_tables(postgres: Postgres) -> list[str]:
    """The tables of a database that have a row, by their quoted names; those that the login cannot read count too."""
    with postgres.connection() as connection:
        return [
            row["name"]
            for row in snapshot.tables_of(connection)
            if row["missing"] is not None or _has_rows(connection, snapshot.table_of(row))
        ]


def _foreign_keys(connection: Connection, names: Sequence[str]) -> tuple[ForeignKey, ...]:
    return tuple(
        ForeignKey(**{**row, "columns": tuple(row["columns"]), "parent_columns": tuple(row["parent_columns"])})
        for row in _found(connection, "foreign_keys", names)
    )


def _found(connection: Connection, what: str, names: Collection[str]) -> list[dict[str, Any]]:
    """What some tables have: the rows of a file under sql/backups/postgres."""
    return connection.execute(read_sql(f"backups/postgres/{what}.sql"), {"tables": list(names)}).fetchall()


def _has_rows(connection: Connection, table: TableOf) -> bool:
    return bool(connection.execute(SQL("select from {} limit 1").format(table.identifier)).fetchall())


def _make_partitions(connection: Connection, partitions: Sequence[Partition]) -> None:
    for each in partitions:
        divided = f" partition by {each.divided_by}" if each.divided_by else ""
        connection.execute(
            SQL(f"create table if not exists {each.name} partition of {each.parent} {each.bounds}{divided}")
        )


def _take_down(load: Load, triggers: Sequence[dict[str, Any]], indexes: Sequence[dict[str, Any]]) -> None:
    for key in load.foreign_keys:
        load.connection.execute(SQL(f"alter table {key.child} drop constraint {key.name}"))
    for trigger in triggers:
        load.connection.execute(SQL(f"alter table {trigger['table_name']} disable trigger {trigger['name']}"))
    for index in indexes:
        load.connection.execute(SQL(f"drop index {index['name']}"))


def _put_up(
    load: Load, triggers: Sequence[dict[str, Any]], indexes: Sequence[dict[str, Any]], *, check_all: bool
) -> None:
    # Before the foreign keys, whose checks some of them help.
    for index in indexes:
        load.connection.execute(SQL(index["definition"]))
    for key in load.foreign_keys:
        unchecked = not check_all and not {key.child, key.parent} <= load.tables.keys() and key.validated
        load.connection.execute(
            SQL(
                f"alter table {key.child} add constraint {key.name} {key.definition}{' not valid' if unchecked else ''}"
            )
        )
    for trigger in triggers:
        load.connection.execute(
            SQL(f"alter table {trigger['table_name']} {trigger['enabling']} trigger {trigger['name']}")
        )
    for view in load.connection.execute(read_sql("backups/postgres/materialized_views.sql")).fetchall():
        load.connection.execute(SQL(f"refresh materialized view {view['name']}"))


@contextmanager
def refused(where: str) -> Iterator[None]:
    """What a database refuses to take, as a refusal. A lost connection and the like stay what they are."""
    try:
        yield
    except (psycopg.errors.IntegrityError, psycopg.errors.DataError, psycopg.errors.InsufficientPrivilege) as error:
        raise LoadRefusedError(
            f"{where} does not take these rows: {message_of(error)}",
            "restore into an empty database, or with the tables that they refer to",
        ) from None

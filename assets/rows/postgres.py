"""Rows of Postgres, ours or an app's own database: read in one transaction that sees one moment, written in one.

Integers and booleans are what they are in JSON. Every other type is the text that Postgres itself writes and reads, so
that decimals, times, JSON, arrays and bytes come back exactly.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import polars as pl
from psycopg.sql import SQL, Composable, Composed, Identifier, Literal, Placeholder

from assets.rows.columns import ColumnKind, RowColumn, schema
from assets.rows.source import RowsChangedError, RowSlice
from assets.rows.target import Into
from assets.windows import Window
from resources.postgres import Connection, Postgres
from resources.postgres.copy import copy_in, identifier, stream
from resources.sql_files import read_sql

BATCH_ROWS = 5_000
SIDE_SCHEMA = "restored"
STAGED = "staged_rows"
POSITION = "position of row"
KINDS = {
    **dict.fromkeys(("smallint", "integer", "bigint"), ColumnKind.INTEGER),
    "boolean": ColumnKind.BOOLEAN,
}


@dataclass(frozen=True)
class PostgresTable:
    """A table, or one app's rows of a table that apps share.

    name: `schema.table`. key: the columns that identify a row. time: the column that windows refer to. shared: the
    columns that say whose a row is, with the value of this app's rows. Rows are read without these columns.
    """

    name: str
    key: tuple[str, ...]
    time: str
    shared: Mapping[str, str] = field(default_factory=dict)

    def columns(self, connection: Connection) -> tuple[RowColumn, ...]:
        """Its columns, without generated ones and without `shared`."""
        rows = connection.execute(read_sql("rows/postgres_columns.sql"), {"table": self.name}).fetchall()
        return tuple(
            RowColumn(row["name"], KINDS.get(row["type"], ColumnKind.TEXT), row["type"])
            for row in rows
            if row["name"] not in self.shared
        )

    @property
    def own(self) -> Composed:
        """The condition that a row is this app's. Its parameters are `shared`."""
        conditions = [SQL("{} = {}").format(Identifier(name), Placeholder(name)) for name in self.shared]
        return SQL(" and ").join([SQL("true"), *conditions])

    def selected(self, chosen: Composable, window: Window) -> tuple[Composed, dict[str, Any]]:
        """SELECT of this app's rows of a window, and its parameters."""
        statement = SQL("select {} from {} where {time} >= %(start)s and {time} < %(end)s and {}").format(
            chosen, identifier(self.name), self.own, time=Identifier(self.time)
        )
        return statement, {"start": window.start, "end": window.end, **self.shared}

    def page(
        self, connection: Connection, window: Window, *, after: Sequence[Any] | None, rows: int, locked: bool
    ) -> tuple[pl.DataFrame, Sequence[Any] | None]:
        """The next rows of a window by their key, and the key of the last one, None at the end.

        The values of the key must sort as Postgres sorts its columns. `locked` locks the rows for the transaction.
        """
        columns = self.columns(connection)
        statement, parameters = self.selected(_texts(columns), window)
        key = _names(self.key)
        more = SQL(" and ({}) > ({})").format(key, SQL(", ").join(map(Literal, after))) if after else SQL("")
        lock = SQL(" for update" if locked else "")
        statement += more + SQL(" order by {} limit {}").format(key, Literal(rows)) + lock
        batch = connection.execute(statement, parameters).fetchall()
        last = [batch[-1][name] for name in self.key] if len(batch) == rows else None
        return pl.DataFrame(batch, schema=schema(columns)), last

    def delete(self, connection: Connection, keys: pl.DataFrame) -> int:
        """Delete this app's rows with the keys of a frame, in the connection's transaction. The number deleted."""
        types = {column.name: column.type for column in self.columns(connection)}
        arrays = [SQL("{}::text[]::" + types[name] + "[]").format(Placeholder(f"key {name}")) for name in self.key]
        statement = SQL("delete from {} where ({}) in (select * from unnest({})) and {}").format(
            identifier(self.name), _names(self.key), SQL(", ").join(arrays), self.own
        )
        values = {f"key {name}": keys[name].cast(pl.String).to_list() for name in self.key}
        return connection.execute(statement, {**values, **self.shared}).rowcount


class PostgresSource:
    """A table at the moment when the source was opened. The transaction stays open until `close`."""

    def __init__(self, postgres: Postgres, table: PostgresTable) -> None:
        self._table = table
        with ExitStack() as opening:
            self._connection = opening.enter_context(postgres.connection(one_moment=True))
            # A long read must not be ended as if it was an idle transaction.
            self._connection.execute(
                "set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0"
            )
            (row,) = self._connection.execute("select pg_current_snapshot()::text as at").fetchall()
            self.snapshot = str(row["at"])
            self.columns: Sequence[RowColumn] = table.columns(self._connection)
            self._open = opening.pop_all()

    def slices(self, window: Window) -> list[RowSlice]:
        """One slice, the whole window."""
        (row,) = self._connection.execute(*self._table.selected(SQL("count(*) as n"), window)).fetchall()
        return [RowSlice(self._table.name, window, expected=row["n"])] if row["n"] else []

    def read(self, slice_: RowSlice) -> Iterator[pl.DataFrame]:
        statement, parameters = self._table.selected(_texts(self.columns), slice_.window)
        statement += SQL(" order by {}").format(_names([self._table.time, *self._table.key]))
        count = 0
        for rows in stream(self._connection, statement.as_string(self._connection), parameters, BATCH_ROWS):
            count += len(rows)
            yield pl.DataFrame(rows, schema=schema(self.columns))
        if count != slice_.expected:
            raise RowsChangedError(f"{slice_.name}: {count} rows were read where {slice_.expected} were counted")

    def close(self) -> None:
        self._open.close()


class PostgresTarget:
    """The live table, or one in the schema `restored` with the same columns. Each call is one transaction."""

    def __init__(self, postgres: Postgres, table: PostgresTable, into: Into) -> None:
        self._postgres = postgres
        self._table = table
        self.into: Into = into
        self.name = table.name if into == "live" else f"{SIDE_SCHEMA}.{table.name.replace('.', '_')}"

    def put(self, frames: Iterable[pl.DataFrame], columns: Sequence[RowColumn]) -> int:
        names = [column.name for column in columns]
        with self._staged(frames, names) as (connection, types):
            if self.into == "side":
                self._make(connection)
            statement = SQL(
                "insert into {} ({}) overriding system value select {} from {} order by {} on conflict ({}) do nothing"
            ).format(
                identifier(self.name),
                _names([*self._table.shared, *names]),
                SQL(", ").join([*map(Literal, self._table.shared.values()), *(_cast(name, types) for name in names)]),
                Identifier(STAGED),
                Identifier(POSITION),
                _names(self._table.key),
            )
            return connection.execute(statement).rowcount

    def patch(self, frames: Iterable[pl.DataFrame], columns: Sequence[RowColumn]) -> int:
        names = [column.name for column in columns]
        with self._staged(frames, names) as (connection, types):
            changes = [
                SQL("{} = {}").format(Identifier(name), _cast(name, types))
                for name in names
                if name not in self._table.key
            ]
            statement = SQL("update {} as live set {} from {} where {} and {}").format(
                identifier(self.name),
                SQL(", ").join(changes),
                Identifier(STAGED),
                self._same_key(types),
                self._table.own,
            )
            return connection.execute(statement, dict(self._table.shared)).rowcount

    def delete(self, frames: Iterable[pl.DataFrame]) -> int:
        with self._postgres.connection() as connection:
            return sum(self._table.delete(connection, frame) for frame in frames)

    @contextmanager
    def _staged(
        self, frames: Iterable[pl.DataFrame], names: Sequence[str]
    ) -> Iterator[tuple[Connection, Mapping[str, str]]]:
        """A transaction with the rows as texts in a temporary table, and the types of the live table's columns."""
        with self._postgres.connection() as connection:
            types = {column.name: column.type for column in self._table.columns(connection)}
            if unknown := [name for name in names if name not in types]:
                raise ValueError(f"{self._table.name} no longer has these columns of the rows: {', '.join(unknown)}")
            texts = [SQL("{} text").format(Identifier(name)) for name in names]
            connection.execute(
                SQL("create temporary table {} ({} bigint generated always as identity, {}) on commit drop").format(
                    Identifier(STAGED), Identifier(POSITION), SQL(", ").join(texts)
                )
            )
            for frame in frames:
                copy_in(connection, STAGED, names, frame.with_columns(pl.all().cast(pl.String)))
            yield connection, types

    def _same_key(self, types: Mapping[str, str]) -> Composed:
        keys = [SQL("live.{} = {}").format(Identifier(name), _cast(name, types)) for name in self._table.key]
        return SQL(" and ").join(keys)

    def _make(self, connection: Connection) -> None:
        statement = SQL("create table if not exists {} (like {} including generated, primary key ({}))")
        side, live = identifier(self.name), identifier(self._table.name)
        if not connection.execute("select from pg_namespace where nspname = %s", (SIDE_SCHEMA,)).fetchall():
            # An app's own database has none.
            connection.execute(SQL("create schema {}").format(Identifier(SIDE_SCHEMA)))
        is_new = connection.execute("select where to_regclass(%s) is null", (self.name,)).fetchall()
        connection.execute(statement.format(side, live, _names(self._table.key)))
        if is_new:
            # Row level security without a policy: only the owner, and a role that passes it, read what was restored.
            connection.execute(SQL("alter table {} enable row level security").format(side))


def _cast(name: str, types: Mapping[str, str]) -> Composed:
    """A staged text read by the type of its column, as Postgres itself names the type."""
    return SQL("{}.{}::" + types[name]).format(Identifier(STAGED), Identifier(name))


def _texts(columns: Sequence[RowColumn]) -> Composed:
    """The columns of a SELECT as lines have them."""
    return SQL(", ").join(
        Identifier(column.name)
        if column.kind is not ColumnKind.TEXT
        else SQL("{name}::text as {name}").format(name=Identifier(column.name))
        for column in columns
    )


def _names(names: Iterable[str]) -> Composed:
    return SQL(", ").join(map(Identifier, names))

"""Reading a quarter of a Postgres table in one transaction that sees one moment.

Integers and booleans are what they are in JSON; every other type is the text that Postgres itself writes and reads, so
that decimals, times, JSON, arrays and bytes come back exactly.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import polars as pl
import psycopg.sql

from assets.archive.lines import Column, Kind, schema
from assets.archive.sources import ChangedMeanwhileError, Slice
from assets.windows import Window
from resources.postgres import Connection, Postgres
from resources.postgres.copy import identifier, stream
from resources.sql_files import read_sql

BATCH_ROWS = 5_000
INTEGERS = frozenset({"smallint", "integer", "bigint"})


def postgres_columns(connection: Connection, table: str) -> tuple[Column, ...]:
    """The columns of a table as those of lines; what is computed by the table itself is left out."""
    rows = connection.execute(read_sql("archive/postgres_columns.sql"), {"table": table}).fetchall()
    return tuple(Column(r["name"], _kind(r["type"]), r["type"]) for r in rows)


class PostgresSource:
    """A table as of the moment that the source was opened; the transaction stays open until `close`."""

    def __init__(self, postgres: Postgres, table: str, time: str, key: Sequence[str]) -> None:
        self._table, self._time, self._key = table, time, list(key)
        with ExitStack() as opening:
            self._connection = opening.enter_context(postgres.connection(one_moment=True))
            self._begin()
            self.columns: Sequence[Column] = postgres_columns(self._connection, table)
            self._open = opening.pop_all()

    def _begin(self) -> None:
        # A long read is no idle transaction.
        self._connection.execute("set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0")
        (found,) = self._connection.execute("select pg_current_snapshot()::text as at").fetchall()
        self.snapshot = str(found["at"])

    def slices(self, window: Window) -> list[Slice]:
        """One slice, the whole window."""
        counted = psycopg.sql.SQL("select count(*) as n from {table} where {time} >= %s and {time} < %s").format(
            table=identifier(self._table), time=psycopg.sql.Identifier(self._time)
        )
        (row,) = self._connection.execute(counted, (window.start, window.end)).fetchall()
        return [Slice(self._table, window, expected=row["n"])] if row["n"] else []

    def read(self, slice_: Slice) -> Iterator[pl.DataFrame]:
        given = psycopg.sql.SQL("select {columns} from {table} where {time} >= %s and {time} < %s order by {key}")
        query = given.format(
            columns=psycopg.sql.SQL(", ").join(map(as_text, self.columns)),
            table=identifier(self._table),
            time=psycopg.sql.Identifier(self._time),
            key=psycopg.sql.SQL(", ").join(map(psycopg.sql.Identifier, [self._time, *self._key])),
        ).as_string(self._connection)
        count = 0
        bounds = (slice_.window.start, slice_.window.end)
        for rows in stream(self._connection, query, bounds, BATCH_ROWS):
            count += len(rows)
            yield pl.DataFrame(rows, schema=schema(self.columns))
        if count != slice_.expected:
            raise ChangedMeanwhileError(f"{self._table}: {count} rows were read where {slice_.expected} were counted")

    def close(self) -> None:
        self._open.close()


def _kind(type_: str) -> Kind:
    if type_ in INTEGERS:
        return Kind.INTEGER
    return Kind.BOOLEAN if type_ == "boolean" else Kind.TEXT


def as_text(column: Column) -> psycopg.sql.Composable:
    """A column as lines have it."""
    name = psycopg.sql.Identifier(column.name)
    if column.kind is not Kind.TEXT:
        return name
    return psycopg.sql.SQL("{name}::text as {name}").format(name=name)

"""Restoring into a table of Postgres: all rows of a bucket in one transaction."""

from collections.abc import Iterable, Sequence

import polars as pl
import psycopg.sql

from assets.archive.lines import Column
from assets.archive.postgres_source import postgres_columns
from assets.archive.targets import Into
from resources.postgres import Connection, Postgres
from resources.postgres.copy import copy_in, identifier

SIDE_SCHEMA = "restored"
STAGED = "archive_staged"
ORDER = "archive order"


class PostgresTarget:
    """The live table, or one in the schema `restored` with the same columns, made on first use."""

    def __init__(self, postgres: Postgres, table: str, into: Into, key: Sequence[str]) -> None:
        self._postgres = postgres
        self._live = table
        self._key = list(key)
        self.into: Into = into
        self.name = table if into == "live" else f"{SIDE_SCHEMA}.{table.replace('.', '_')}"

    def put(self, frames: Iterable[pl.DataFrame], columns: Sequence[Column]) -> int:
        """One transaction: rows become readable together, when those of erased people are long left out."""
        names = [c.name for c in columns]
        with self._postgres.connection() as connection:
            if self.name != self._live:
                self._make(connection)
            self._stage(connection, names)
            for frame in frames:
                copy_in(connection, STAGED, names, frame.with_columns(pl.all().cast(pl.String)))
            return max(connection.execute(self._insert(connection, names)).rowcount, 0)

    def _stage(self, connection: Connection, names: Sequence[str]) -> None:
        given = psycopg.sql.SQL("create temporary table {} ({} bigint generated always as identity, {}) on commit drop")
        texts = [psycopg.sql.SQL("{} text").format(psycopg.sql.Identifier(n)) for n in names]
        connection.execute(
            given.format(
                psycopg.sql.Identifier(STAGED), psycopg.sql.Identifier(ORDER), psycopg.sql.SQL(", ").join(texts)
            )
        )

    def _insert(self, connection: Connection, names: Sequence[str]) -> psycopg.sql.Composed:
        """Each text is read by the column's own type, as it was written by it."""
        types = {c.name: c.type for c in postgres_columns(connection, self._live)}
        if unknown := [n for n in names if n not in types]:
            raise ValueError(f"{self._live} no longer has what was archived of it: {', '.join(unknown)}")
        return psycopg.sql.SQL(
            "insert into {table} ({columns}) overriding system value select {values} from {staged} "
            "order by {order} on conflict ({key}) do nothing"
        ).format(
            table=identifier(self.name),
            columns=psycopg.sql.SQL(", ").join(map(psycopg.sql.Identifier, names)),
            values=psycopg.sql.SQL(", ").join(
                # What Postgres itself calls the type.
                psycopg.sql.SQL("{}::" + types[n]).format(psycopg.sql.Identifier(n))
                for n in names
            ),
            staged=psycopg.sql.Identifier(STAGED),
            order=psycopg.sql.Identifier(ORDER),
            key=psycopg.sql.SQL(", ").join(map(psycopg.sql.Identifier, self._key)),
        )

    def _make(self, connection: Connection) -> None:
        side = identifier(self.name)
        given = psycopg.sql.SQL("create table if not exists {} (like {} including generated, primary key ({}))")
        keys = psycopg.sql.SQL(", ").join(map(psycopg.sql.Identifier, self._key))
        connection.execute(given.format(side, identifier(self._live), keys))
        # As the live table has them for its own reasons: nobody but us reads what was restored.
        connection.execute(psycopg.sql.SQL("alter table {} enable row level security").format(side))

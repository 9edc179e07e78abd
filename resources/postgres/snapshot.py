"""A Postgres database as it was at one moment, read by COPY beside writers: with any login, over TLS, through a pooler.

What belongs here: which tables, sequences and objects there are, what a login cannot read whole, and the rows of a
table as bytes. What does not: putting them back (load.py), where the bytes go (assets).

Rows are COPY's text, as pg_dump writes them: it is read by any later version of the server, where COPY's binary form
depends on the version of each type.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import psycopg
from psycopg.sql import SQL, Composed, Identifier

from resources.postgres.client import Connection, Postgres
from resources.postgres.row_checksum import RowChecksum
from resources.sql_files import read_sql

CHUNK_BYTES = 1024 * 1024
# A table that is rewritten between the first look and its lock is rare; ten times in a row it is something else.
TRIES = 10


class TableOf(NamedTuple):
    """A table: its quoted name, and the columns of which its rows are made, in their order."""

    name: str
    columns: tuple[str, ...]
    identifier: Identifier
    partitioned: bool

    def copy_out(self) -> Composed:
        """The statement that gives all its rows."""
        columns = SQL(", ").join(map(Identifier, self.columns))
        # COPY gives the rows of a table by its name without a plan, but none of a partitioned one.
        source = SQL("(select {} from {})") if self.partitioned else SQL("{1} ({0})")
        return SQL("copy {} to stdout").format(source.format(columns, self.identifier))


class Missing(NamedTuple):
    """What a snapshot cannot have, and why."""

    name: str
    reason: str


class SequenceValue(NamedTuple):
    """A sequence: the last value that it gave, None where it gave none, and the table that it belongs to."""

    name: str
    last_value: int | None
    start_value: int
    table: str | None


class Partition(NamedTuple):
    """A partition, by what makes it again: quoted names (`root` is the table that it is a part of), texts of SQL."""

    name: str
    root: str
    parent: str
    bounds: str
    divided_by: str | None


@dataclass(frozen=True)
class Snapshot:
    """A database at one moment, for the length of a block.

    position: Postgres' text of the snapshot. moment: when it was begun, in UTC. objects: `kind name` of each object of
    the schema. missing: what this login cannot read whole; all other tables are in `tables`. of_others: the tables in a
    schema that is somebody else's, such as the platform's.
    """

    connection: Connection
    position: str
    moment: datetime
    server_version: int
    tables: tuple[TableOf, ...]
    missing: tuple[Missing, ...]
    of_others: frozenset[str]
    sequences: tuple[SequenceValue, ...]
    partitions: tuple[Partition, ...]
    objects: tuple[str, ...]

    def rows(self, table: TableOf, checksum: RowChecksum) -> Iterator[bytes]:
        """The rows of a table in chunks of about 1 MiB, whole rows each; the checksum counts them."""
        return copied(self.connection, table.copy_out(), checksum)


@contextmanager
def snapshot(postgres: Postgres) -> Iterator[Snapshot]:
    """The database as it is now. Writers go on; who changes a table's form waits until the block ends.

    Raises:
        psycopg.Error: as of `Postgres`; also where tables are rewritten again and again while it begins.
    """
    for further in reversed(range(TRIES)):
        with postgres.connection(one_moment=True) as connection:
            try:
                found = _looked(connection)
            except psycopg.errors.UndefinedTable:
                if not further:
                    raise
                connection.rollback()
                continue
            if found is not None:
                yield found
                return
    raise psycopg.errors.SerializationFailure(
        f"Postgres at {postgres.address}: tables were rewritten while a backup began, {TRIES} times"
    )


def copied(connection: Connection, statement: Composed, checksum: RowChecksum) -> Iterator[bytes]:
    """What a COPY gives, in chunks of about 1 MiB of whole rows."""
    kept: list[bytes] = []
    size = 0
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        # The protocol sends each row as a message of its own.
        for message in copy:
            row = bytes(message)
            checksum.add(row)
            kept.append(row)
            size += len(row)
            if size >= CHUNK_BYTES:
                yield b"".join(kept)
                kept, size = [], 0
    if kept:
        yield b"".join(kept)


def settle(connection: Connection) -> Mapping[str, Any]:
    """Set how values are written for the rest of the transaction; position, moment and server version."""
    (row,) = connection.execute(read_sql("backups/postgres/settings.sql")).fetchall()
    return row


def tables_of(connection: Connection) -> list[dict[str, Any]]:
    """The rows of sql/backups/postgres/tables.sql."""
    return connection.execute(read_sql("backups/postgres/tables.sql")).fetchall()


def table_of(row: Mapping[str, Any]) -> TableOf:
    """One row of them as a table."""
    return TableOf(row["name"], tuple(row["columns"]), Identifier(row["schema"], row["table_name"]), row["partitioned"])


def _looked(connection: Connection) -> Snapshot | None:
    """What there is, with its tables locked; None where one was rewritten in between.

    TRUNCATE and what rewrites a table do not heed older snapshots: its rows would be missing without an error.
    """
    now = settle(connection)
    rows = tables_of(connection)
    readable = [table_of(row) for row in rows if row["missing"] is None]
    if readable:
        names = SQL(", ").join(table.identifier for table in readable)
        connection.execute(SQL("lock table {} in access share mode").format(names))
    if connection.execute(read_sql("backups/postgres/rewritten.sql")).fetchall():
        return None
    sequences = connection.execute(read_sql("backups/postgres/sequences.sql")).fetchall()
    missing = [row for row in (*rows, *sequences) if row["missing"] is not None]
    partitions = connection.execute(read_sql("backups/postgres/partitions.sql"))
    objects = connection.execute(read_sql("backups/postgres/objects.sql"))
    return Snapshot(
        connection=connection,
        position=now["snapshot"],
        moment=datetime.fromisoformat(now["moment"]),
        server_version=now["server_version"],
        tables=tuple(readable),
        missing=tuple(Missing(row["name"], row["missing"]) for row in missing),
        of_others=frozenset(row["name"] for row in rows if row["of_others"]),
        sequences=tuple(
            SequenceValue(row["name"], row["last_value"], row["start_value"], row["table_name"])
            for row in sequences
            if row["missing"] is None
        ),
        partitions=tuple(Partition(**row) for row in partitions),
        objects=tuple(f"{row['kind']} {row['name']}" for row in objects),
    )

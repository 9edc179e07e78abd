"""The write-ahead log of the embedded server, read from its folder.

A replication slot makes the server keep what was not read yet, up to a limit: beyond it the server gives the log up
and says so, and no disk is filled. What belongs here: the slot, and whole segments in their order. What does not: where
they are kept (assets), replaying them (recovery.py).

A slot rather than `archive_command`: it needs no restart of a server that runs already, no shell, no second copy of the
log on the same disk, and its limit is the server's own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.rows import DictRow, dict_row

from resources.declined import DeclinedError
from resources.sql_files import read_sql

SLOT = "clearlift_backups"
KEPT_MEGABYTES = 2048
"""The most log that waits for a backup."""


class WalGoneError(DeclinedError):
    """The server has given up log that was not read yet."""


@dataclass(frozen=True)
class Server:
    """Which log it is: of another server, or after a recovery, the same positions say something else."""

    system: str
    timeline: int
    segment_bytes: int


@dataclass(frozen=True)
class Mark:
    """The first byte of a segment of the log, behind a commit of its own, whose number is `transaction`.

    All that was committed before `moment` (UTC) lies before it.
    """

    position: int
    moment: datetime
    transaction: int


@dataclass(frozen=True)
class Kept:
    """What the server keeps for the next reading: from which position on, how many bytes, and how many are left until
    it gives it up (None: no limit is set). `start` is None where it has given it up, or nothing was ever asked for.
    """

    start: int | None
    size: int
    left: int | None


def identity(dsn: str) -> Server:
    """The server and its present timeline."""
    with _connected(dsn) as connection:
        (row,) = connection.execute(read_sql("backups/postgres/server.sql")).fetchall()
    return Server(row["system"], row["timeline"], row["segment_bytes"])


def kept(dsn: str) -> Kept:
    """What is kept at present."""
    with _connected(dsn) as connection:
        rows = connection.execute(read_sql("backups/postgres/slot.sql"), {"slot": SLOT}).fetchall()
    return Kept(**rows[0]) if rows else Kept(None, 0, None)


def keep(dsn: str) -> int:
    """Let the server keep its log from now on, or from where it keeps it already; returns that position."""
    with _connected(dsn) as connection:
        limit = sql.SQL("alter system set max_slot_wal_keep_size = {}").format(sql.Literal(f"{KEPT_MEGABYTES}MB"))
        connection.execute(limit)
        connection.execute("select pg_reload_conf()")
        rows = connection.execute(read_sql("backups/postgres/slot.sql"), {"slot": SLOT}).fetchall()
        if rows and rows[0]["start"] is not None:
            return int(rows[0]["start"])
        if rows:
            connection.execute("select pg_drop_replication_slot(%s)", (SLOT,))
        connection.execute("select pg_create_physical_replication_slot(%s, immediately_reserve => true)", (SLOT,))
        (row,) = connection.execute(read_sql("backups/postgres/slot.sql"), {"slot": SLOT}).fetchall()
    return int(row["start"])


def release(dsn: str, position: int) -> None:
    """Let the server remove its log before a position. It never keeps more again than it does."""
    with _connected(dsn) as connection:
        connection.execute(read_sql("backups/postgres/release.sql"), {"slot": SLOT, "position": position})


def mark(dsn: str) -> Mark:
    """End the present segment, so that all up to now lies in whole ones.

    A commit of its own goes before the end: recovery to a moment ends at the first commit after it, and without one
    would not know that it has come there.
    """
    with _connected(dsn) as connection:
        with connection.transaction():
            (row,) = connection.execute(read_sql("backups/postgres/mark.sql")).fetchall()
        (end,) = connection.execute(read_sql("backups/postgres/switch.sql")).fetchall()
    return Mark(int(end["position"]), row["moment"], int(row["transaction"]))


def segments(dsn: str, folder: Path, server: Server, start: int, end: int) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each segment from the one that holds `start` up to a mark, oldest first. All are whole then.

    Raises:
        WalGoneError: the server gave one of them up, before or while it was read.
    """
    size = server.segment_bytes
    for number in range(start // size, end // size):
        name = segment_name(server, number)
        try:
            data = (folder / "pg_wal" / name).read_bytes()
        except FileNotFoundError:
            data = b""
        # A file that was given up is written over, so it is looked for once it was read.
        first = kept(dsn).start
        if len(data) != size or first is None or first >= (number + 1) * size:
            raise WalGoneError(f"the server in {folder} gave up its log {name}", "make a full backup")
        yield name, data


def segment_name(server: Server, number: int) -> str:
    """The name of a segment, counted from 0."""
    a_file = 2**32 // server.segment_bytes
    return f"{server.timeline:08X}{number // a_file:08X}{number % a_file:08X}"


def text_of(position: int) -> str:
    """A position as Postgres writes it."""
    return f"{position >> 32:X}/{position & 0xFFFFFFFF:X}"


def position_of(text: str) -> int:
    """A position of such a text.

    Raises:
        ValueError: it is none.
    """
    high, low = text.split("/")
    return (int(high, 16) << 32) + int(low, 16)


@contextmanager
def _connected(dsn: str) -> Iterator[psycopg.Connection[DictRow]]:
    # Not by a client of the room: ALTER SYSTEM and slots are outside of transactions.
    with psycopg.connect(dsn, autocommit=True, row_factory=dict_row) as connection:
        connection.execute("set timezone = 'UTC'; set datestyle = 'ISO'")
        yield connection

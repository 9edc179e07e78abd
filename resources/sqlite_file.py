"""A SQLite file that threads and processes share: connections, WAL, transactions. It does not know what it stores.

The embedded rooms of D1 and Workers KV use it.
"""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from resources import private

BUSY_SECONDS = 30.0
IDLE_CONNECTIONS = 4


class SqliteFile:
    """Connections to the file at `path`, which is made with its folders at the first use.

    `prepare` sets up each new connection. `error` makes the store's own exception of one of sqlite3. WAL lets readers
    continue while one process writes; a second writer waits up to 30 s. Every commit is synced to disk.
    """

    def __init__(
        self,
        path: Path,
        prepare: Callable[[sqlite3.Connection], None],
        error: Callable[[sqlite3.Error], Exception],
    ) -> None:
        self.path = path
        self._prepare = prepare
        self._error = error
        self._idle: list[sqlite3.Connection] = []
        self._lock = threading.Lock()

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """A connection in autocommit mode that no other thread uses during the block."""
        try:
            with self._lent() as connection:
                yield connection
        except sqlite3.Error as error:
            raise self._error(error) from error

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One write transaction: all or none. It takes the write lock first, so that later statements do not wait."""
        with self.connection() as connection:
            connection.execute("begin immediate")
            yield connection
            connection.execute("commit")

    def scrub(self) -> None:
        """Write the file again without free pages, and empty the log beside it, so that nothing deleted can be read.

        Readers and writers of other processes may hold back the second; the next call does it.
        """
        with self.connection() as connection:
            connection.execute("vacuum")
            connection.execute("pragma wal_checkpoint(truncate)").fetchall()

    def close(self) -> None:
        """Close the idle connections; the next use opens new ones."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    @contextmanager
    def _lent(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        connection = connection or self._open()
        try:
            yield connection
        finally:
            if connection.in_transaction:
                connection.rollback()
            with self._lock:
                keep = len(self._idle) < IDLE_CONNECTIONS
                if keep:
                    self._idle.append(connection)
            if not keep:
                connection.close()

    def _open(self) -> sqlite3.Connection:
        # SQLite gives the files beside it the same mode.
        private.make_file(self.path)
        connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            _write_ahead(connection)
            # What is deleted is overwritten; builds of SQLite differ in the default.
            connection.execute("pragma secure_delete = on").fetchall()
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection


def compact(file: Path) -> None:
    """Give freed pages of a file back to the system, with what they held; one that is in use is left as it is."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection, suppress(sqlite3.OperationalError):
        connection.execute("vacuum")
        connection.execute("pragma wal_checkpoint(truncate)")


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch the file to WAL. It tries again, because busy_timeout has no effect when processes open a new file."""
    for attempt in range(200):
        try:
            if connection.execute("pragma journal_mode = wal").fetchone()[0] == "wal":
                return
        except sqlite3.OperationalError:
            if attempt == 199:
                raise
        time.sleep(0.02)
    raise sqlite3.OperationalError("the file does not support write-ahead logging")

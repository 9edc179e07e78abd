"""A SQLite file that threads and processes share: connections, WAL and transactions. What it stores is not known here.

The embedded rooms of D1 and Workers KV stand on it; errors stay sqlite3's own, for each room to translate.
"""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

BUSY_SECONDS = 30.0
IDLE_CONNECTIONS = 4


class SqliteFile:
    """Connections to the file at `path`, made with its folders on first use; `prepare` sets each new one up.

    WAL lets readers go on while one writes; a writer waits its turn for up to 30 s. Every commit is synced to disk.
    """

    def __init__(self, path: Path, prepare: Callable[[sqlite3.Connection], None]) -> None:
        self.path = path
        self._prepare = prepare
        self._idle: list[sqlite3.Connection] = []
        self._lock = threading.Lock()

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """A connection in autocommit mode that no other thread uses meanwhile."""
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

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One write transaction: all or none. The writer's lock is taken first, so it never fails half-way."""
        with self.connection() as connection:
            connection.execute("begin immediate")
            yield connection
            connection.execute("commit")

    def close(self) -> None:
        """Close the idle connections; the next use opens new ones."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            _write_ahead(connection)
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch the file to WAL, which busy_timeout does not cover when several processes open a new file at once."""
    for attempt in range(200):
        try:
            if connection.execute("pragma journal_mode = wal").fetchone()[0] == "wal":
                return
        except sqlite3.OperationalError:
            if attempt == 199:
                raise
        time.sleep(0.02)
    raise sqlite3.OperationalError("the file does not support write-ahead logging")

"""An embedded server that lives as long as a process uses it: the last one to let go ends it.

Users hold a shared lock on a file beside the server's folder, which the kernel frees when they die.
"""

import fcntl
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO

import psycopg
import psycopg.sql
from psycopg.conninfo import make_conninfo

from resources.postgres import embedded


class SharedServer:
    """The server of `folder`, started on the first call of `dsn` and ended by `release` where nobody else uses it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._opening = threading.Lock()
        self._lock: IO[str] | None = None

    def dsn(self) -> str:
        """Start the server where it is not running, and use it from now on."""
        with self._opening:
            if self._lock is None:
                self._folder.parent.mkdir(parents=True, exist_ok=True)
                self._lock = (self._folder.parent / f".{self._folder.name}.users").open("a")
                fcntl.flock(self._lock, fcntl.LOCK_SH)
            return embedded.start(self._folder)

    def database(self, name: str) -> str:
        """The DSN of a further database of that server, made where it is missing."""
        dsn = self.dsn()
        # Of two processes that make it at once, one finds it made.
        made = suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation)
        with psycopg.connect(dsn, autocommit=True) as connection, made:
            connection.execute(psycopg.sql.SQL("create database {}").format(psycopg.sql.Identifier(name)))
        return make_conninfo(dsn, dbname=name)

    def release(self) -> None:
        """Use it no longer."""
        with self._opening:
            if self._lock is None:
                return
            # Let go first: two that release at once would otherwise each see the other's lock.
            fcntl.flock(self._lock, fcntl.LOCK_UN)
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass  # someone else does
            else:
                embedded.stop(self._folder)
            self._lock.close()
            self._lock = None

"""An embedded server that runs while a process uses it: the last process that releases it stops it.

Each process holds a shared lock on a file beside the server's folder. The kernel frees the lock of a dead process, and
its watchdog stops the server.
"""

import fcntl
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO

from psycopg.conninfo import make_conninfo

from resources.family import MARK
from resources.postgres import databases, embedded
from resources.postgres.watchdog import Watchdog


class SharedServer:
    """The server of `folder`. The first call of `dsn` starts it; `release` stops it if no other process uses it.

    `prepare` is called before anything is made in the folder's parent.
    """

    def __init__(self, folder: Path, prepare: Callable[[], object]) -> None:
        self._folder = folder
        self._prepare = prepare
        self._opening = threading.Lock()
        self._lock: IO[str] | None = None
        self._watchdog: Watchdog | None = None

    def dsn(self) -> str:
        """Start the server if it does not run, and use it from now on; returns its DSN."""
        with self._opening:
            if self._lock is None:
                self._prepare()
                users = self._folder.parent / f".{self._folder.name}.users"
                self._lock = users.open("a")
                fcntl.flock(self._lock, fcntl.LOCK_SH)
                if MARK not in os.environ:  # else who started the family uses the server too, and outlives it
                    self._watchdog = Watchdog(self._folder.resolve(), users.resolve())
            return embedded.start(self._folder)

    def database(self, name: str) -> str:
        """The DSN of a further database of that server, for development, as it says; made where it is missing."""
        return make_conninfo(databases.made(self.dsn(), name), options="-c app.environment=development")

    def release(self) -> None:
        """Stop using it."""
        with self._opening:
            if self._lock is None:
                return
            # Unlock first. Otherwise two processes that release at once would each see the lock of the other.
            fcntl.flock(self._lock, fcntl.LOCK_UN)
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass  # another process uses it
            else:
                embedded.stop(self._folder)
            if self._watchdog is not None:
                self._watchdog.dismiss()
            self._lock.close()
            self._lock = self._watchdog = None

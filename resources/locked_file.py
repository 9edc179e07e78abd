"""A lock between processes of this machine, by a file that is gone once nobody holds it.

What does not belong here: locks between machines, which are our Postgres's (resources/postgres/client.py).
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from resources import private


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One process at a time; others wait. The kernel frees a dead process's lock, and the next one removes its file."""
    private.make_folder(path.parent)
    while True:
        with path.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            # Who had the lock before has removed the file, and others may have made another one of this name.
            if not _is_named(file.fileno(), path):
                continue
            try:
                yield
            finally:
                path.unlink(missing_ok=True)
            return


def _is_named(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False

"""Folders in which backups are restored to be looked at, and which nobody needs afterwards.

A process holds a lock on each of its folders. The kernel frees the locks of a dead process, so that the next one to
come removes what a killed one left. What does not belong here: what is restored.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp

from resources import private
from resources.postgres import embedded


def remove(folder: Path) -> None:
    """Remove a folder with all that is in it; servers that run directly below it are stopped first."""
    for data in folder.glob("*/postmaster.pid"):
        embedded.stop(data.parent)
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def scratch(root: Path) -> Iterator[Path]:
    """A new folder below `root`, for its owner alone, and gone after the block; also those that dead processes left."""
    private.make_folder(root)
    remove_abandoned(root)
    folder, lock = _made(root)
    try:
        yield folder
    finally:
        remove(folder)
        os.close(lock)


def remove_abandoned(root: Path) -> int:
    """Remove the folders below `root` whose process is gone; returns how many."""
    gone = 0
    for folder in sorted(root.iterdir()) if root.is_dir() else ():
        with suppress(FileNotFoundError, BlockingIOError):
            lock = os.open(folder, os.O_RDONLY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove(folder)
                gone += 1
            finally:
                os.close(lock)
    return gone


def _made(root: Path) -> tuple[Path, int]:
    """A new folder, and the lock on it."""
    while True:
        folder = Path(mkdtemp(dir=root))
        with suppress(FileNotFoundError):
            lock = os.open(folder, os.O_RDONLY)
            fcntl.flock(lock, fcntl.LOCK_EX)
            # Before it was locked, another process may have found it without an owner.
            if folder.exists():
                return folder, lock
            os.close(lock)

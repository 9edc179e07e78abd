"""Folders and files that only their owner may use: what holds keys, credentials or personal data of this machine.

What belongs here: making them. What does not: what is in them. The modes of what is there already never change.
"""

import os
from pathlib import Path


def make_folder(path: Path) -> None:
    """Make a folder, and those above it that are missing, each for its owner alone."""
    missing = [path]
    while not missing[-1].parent.exists():
        missing.append(missing[-1].parent)
    for folder in reversed(missing):
        # At once without other rights: a file that is made in it before a chmod could be read.
        folder.mkdir(mode=0o700, exist_ok=True)


def make_file(path: Path) -> None:
    """Make an empty file for its owner alone, and its folder, where there is none."""
    make_folder(path.parent)
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))


def from_now_on() -> None:
    """Let this process make every file for its owner alone, also those of Dagster and of the object store."""
    os.umask(0o077)


def write_file(path: Path, text: str) -> None:
    """Write a file for its owner alone, in the place of one that is there, and wait until it is on disk."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())

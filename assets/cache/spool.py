"""Values on disk, until it is known which of them must be written. A value is found by its position, not by a key."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO


class Spool:
    """Values in a file, one after another."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._end = 0

    def add(self, value: bytes) -> int:
        """Store a value; returns its position."""
        position = self._end
        self._file.write(value)
        self._end += len(value)
        return position

    def settle(self) -> None:
        """Make the added values readable."""
        self._file.flush()

    def read(self, position: int, size: int) -> bytes:
        """A value by its position and its size in bytes."""
        return os.pread(self._file.fileno(), size, position)


@contextmanager
def spooling() -> Iterator[Spool]:
    """A spool in a file without a name, which disappears with the block or with the process."""
    with tempfile.TemporaryFile(prefix="clearlift-cache-") as file:
        yield Spool(file)

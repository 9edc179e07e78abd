"""Streams that are packed: gzip, zstd, and files that are read at several places, kept until their end.

What belongs here: unpacking what is fed in pieces. What does not: which format is which (layers.py).
"""

import zlib
from collections.abc import Callable
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Protocol

import zstandard

from assets.search.formats import DamagedError

IN_MEMORY = 64 * 2**20
PIECE = 4 * 2**20


class Fed(Protocol):
    """What takes bytes in pieces, in order, and then their end."""

    def feed(self, data: bytes) -> None:
        """The next piece."""

    def close(self) -> None:
        """The end. A DamagedError where what came does not unpack."""


class Gzip:
    """Members of gzip, one after the other."""

    def __init__(self, inside: Callable[[], Fed]) -> None:
        self._inner = inside()
        self._member = zlib.decompressobj(31)

    def feed(self, data: bytes) -> None:
        """See `Fed`."""
        while data:
            if self._member.eof:
                self._member = zlib.decompressobj(31)
            self._inner.feed(self._member.decompress(data, PIECE))
            data = self._member.unused_data if self._member.eof else self._member.unconsumed_tail

    def close(self) -> None:
        """See `Fed`."""
        self._inner.feed(self._member.flush())
        self._inner.close()
        if not self._member.eof:
            raise DamagedError("gzip ends early")


class Zstd:
    """Frames of zstd, one after the other."""

    def __init__(self, inside: Callable[[], Fed]) -> None:
        self._inner = inside()
        self._frame = zstandard.ZstdDecompressor().decompressobj()

    def feed(self, data: bytes) -> None:
        """See `Fed`."""
        while data:
            if self._frame.eof:
                self._frame = zstandard.ZstdDecompressor().decompressobj()
            self._inner.feed(self._frame.decompress(data))
            data = self._frame.unused_data if self._frame.eof else b""

    def close(self) -> None:
        """See `Fed`."""
        self._inner.close()
        if not self._frame.eof:
            raise DamagedError("zstd ends early")


class Spooled:
    """What is read at several places: kept whole until its end."""

    def __init__(self, scratch: Path, read: Callable[[IO[bytes]], None]) -> None:
        scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = SpooledTemporaryFile(IN_MEMORY, dir=str(scratch))  # noqa: SIM115 (close ends it)
        self._read = read

    def feed(self, data: bytes) -> None:
        """See `Fed`."""
        self._file.write(data)

    def close(self) -> None:
        """See `Fed`."""
        with self._file as file:
            file.seek(0)
            self._read(file)

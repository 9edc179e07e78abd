"""An object through all of its layers: the bytes as they lie there, and what they are packed from.

What belongs here: which format is which, one inside the other. What does not: where objects lie (objects.py). An object
that does not unpack is reported, because nobody knows what it holds. What did unpack is searched.
"""

import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pyarrow as pa
import zstandard

from assets.search.formats import PNG, DamagedError, avro_blocks, parquet_values, png_texts
from assets.search.needles import Counts, Needles
from assets.search.seen import Stream
from assets.search.unpackers import PIECE, Fed, Gzip, Spooled, Zstd

MAGIC_BYTES = 8
DEEPEST = 4
# An upload may unpack to anything: beyond both it is not read further.
MOST_TIMES, MOST_BYTES = 200, 2**30
# What unpacking raises, of bytes that anyone may have written.
DAMAGED = (
    ValueError,
    LookupError,
    EOFError,
    OSError,
    RuntimeError,
    struct.error,
    zlib.error,
    zstandard.ZstdError,
    zipfile.BadZipFile,
    pa.ArrowException,
)


class Layers:
    """Searches one object, fed in pieces. `close` raises a DamagedError where a layer could not be unpacked.

    scratch: the folder for what must be read at several places and is larger than fits into memory.
    """

    def __init__(
        self, needles: Needles, counts: Counts, scratch: Path, depth: int = 0, sizes: Counter[bool] | None = None
    ) -> None:
        """depth: in so many layers it is packed. sizes: bytes as they lie there (False), and unpacked (True)."""
        self._needles = needles
        self._counts = counts
        self._scratch = scratch
        self._depth = depth
        self._sizes = Counter() if sizes is None else sizes
        self._raw = Stream(needles, counts)
        self._head = b""
        self._is_begun = False
        self._packed: Fed | None = None
        self._is_damaged = False

    def feed(self, data: bytes) -> None:
        """The next piece."""
        self._sizes[self._depth > 0] += len(data)
        if self._depth and self._sizes[True] > max(MOST_BYTES, MOST_TIMES * self._sizes[False]):
            raise DamagedError("an object unpacks to too much")
        self._raw.feed(data)
        if not self._is_begun:
            self._head += data
            if len(self._head) < MAGIC_BYTES:
                return
            data = self._begun()
        self._unpack(data)

    def close(self) -> None:
        """The end of the object."""
        self._raw.close()
        if not self._is_begun:
            self._unpack(self._begun())
        packed = self._packed
        if packed is not None:
            self._try(packed.close)
        if self._is_damaged:
            raise DamagedError("an object, or what is packed in it, does not unpack")

    def _begun(self) -> bytes:
        self._is_begun, head, self._head = True, self._head, b""
        self._packed = self._unpacker(head)
        return head

    def _unpack(self, data: bytes) -> None:
        packed = self._packed
        if packed is not None:
            self._try(lambda: packed.feed(data))

    def _try(self, step: Callable[[], None]) -> None:
        try:
            step()
        except DAMAGED:
            # Its text may repeat what is in the object.
            self._is_damaged, self._packed = True, None

    def _unpacker(self, head: bytes) -> Fed | None:
        """What unpacks an object that begins with these bytes; None where it is not packed."""
        formats: dict[bytes, Callable[[], Fed]] = {
            b"\x1f\x8b": lambda: Gzip(self._inside),
            b"\x28\xb5\x2f\xfd": lambda: Zstd(self._inside),
            b"PK\x03\x04": lambda: Spooled(self._scratch, self._zip),
            b"PAR1": lambda: Spooled(self._scratch, self._parquet),
            b"Obj\x01": lambda: Spooled(self._scratch, self._avro),
            PNG: lambda: Spooled(self._scratch, self._png),
        }
        found = next((unpacker for magic, unpacker in formats.items() if head.startswith(magic)), None)
        if found is not None and self._depth == DEEPEST:
            self._is_damaged = True
            return None
        return found() if found is not None else None

    def _inside(self) -> Fed:
        return Layers(self._needles, self._counts, self._scratch, self._depth + 1, self._sizes)

    def _zip(self, file: IO[bytes]) -> None:
        with zipfile.ZipFile(file) as packed:
            for member in packed.infolist():
                inner = self._inside()
                with packed.open(member) as content:
                    while piece := content.read(PIECE):
                        inner.feed(piece)
                inner.close()

    def _avro(self, file: IO[bytes]) -> None:
        for block in avro_blocks(file):
            # Its texts lie one behind the other.
            stream = Stream(self._needles, self._counts, exact=False)
            stream.feed(block)
            stream.close()

    def _png(self, file: IO[bytes]) -> None:
        for pieces in png_texts(file):
            inner = self._inside()
            for piece in pieces:
                inner.feed(piece)
            inner.close()

    def _parquet(self, file: IO[bytes]) -> None:
        for values in parquet_values(file):
            # Where the bytes of all values, one behind the other, name nobody, no value does.
            everything = values.buffers()[2]
            if everything is None or not self._needles.are_in(everything):
                continue
            together = b"\0".join(value for value in values.to_pylist() if value is not None)
            self._needles.count(self._counts, together, 0, len(together), exact=True)

"""Parts: packing frames into gzip objects of bounded size, putting them, and reading them back.

A part is gzip members one after another, one for each block of rows, so that several blocks are packed at once. Every
reader of gzip reads such members as one file. What belongs here: objects of lines. What does not: which rows lie in
them.
"""

import hashlib
import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass

import polars as pl

from assets.archive.damage import DamagedError
from assets.archive.layout import part_name
from assets.archive.manifest import Part, digest
from assets.rows.columns import RowColumn, schema
from assets.rows.lines import CHECKSUM_MODULUS, checksum, decode, encode
from resources.lake.checksum import Tally
from resources.r2 import ObjectNotFoundError, ObjectStore

PART_BYTES = 64 * 1024 * 1024
BLOCK_BYTES = 8 * 1024 * 1024
IN_FLIGHT = 2
LEVEL = 6
GZIP = 31  # zlib's window bits for a gzip header and trailer


class DamagedPartError(DamagedError):
    """A part is not what its manifest says."""


@dataclass(frozen=True)
class _Block:
    packed: bytes
    rows: int
    line_bytes: int
    checksum: int
    since: str
    until: str


class PartWriter:
    """Writes the rows of one bucket, in the order they come, as parts of at most about `part_bytes` of lines.

    `tally` counts the rows that went in, by their values. A part is named by its content and put only where nothing is
    yet, so that the parts of a killed run are found again; `replacing` puts it also where damaged bytes are.
    """

    def __init__(
        self,
        store: ObjectStore,
        folder: str,
        columns: Sequence[RowColumn],
        *,
        revision: int,
        workers: Executor,
        part_bytes: int = PART_BYTES,
        replacing: bool = False,
    ) -> None:
        self.tally = Tally(schema(columns))
        self.parts: list[Part] = []
        self._put_object = store.put if replacing else store.put_if_absent
        self._folder = folder
        self._columns = columns
        self._revision = revision
        self._workers = workers
        self._part_bytes = part_bytes
        self._block_bytes = min(BLOCK_BYTES, part_bytes)
        self._rows: list[pl.DataFrame] = []
        self._size = 0
        # A line repeats the names of the columns, each with quotes, colon and comma.
        self._names_bytes = sum(len(c.name) + 4 for c in columns)
        self._window: tuple[str, str] | None = None
        self._waiting: deque[Future[_Block]] = deque()
        self._blocks: list[_Block] = []

    def add(self, frame: pl.DataFrame, window: tuple[str, str]) -> None:
        """Add rows of a window, whose bounds are texts as in manifests."""
        self.tally.add(frame)
        self._rows.append(frame)
        self._size += int(frame.estimated_size()) + frame.height * self._names_bytes
        since, until = self._window or window
        self._window = min(window[0], since), max(window[1], until)
        if self._size >= self._block_bytes:
            self._pack()

    def close(self) -> list[Part]:
        """Put what is left; every part, in order."""
        if self._rows:
            self._pack()
        while self._waiting:
            self._take()
        self._put()
        return self.parts

    def _pack(self) -> None:
        """Let the workers pack the rows that were collected, in blocks."""
        assert self._window is not None
        rows = pl.concat(self._rows, rechunk=False)
        for block in rows.iter_slices(max(1, rows.height * self._block_bytes // max(1, self._size))):
            self._waiting.append(self._workers.submit(_packed, block, self._columns, self._window))
            while len(self._waiting) > IN_FLIGHT:
                self._take()
        self._rows, self._size, self._window = [], 0, None

    def _take(self) -> None:
        self._blocks.append(self._waiting.popleft().result())
        if sum(b.line_bytes for b in self._blocks) >= self._part_bytes - self._block_bytes:
            self._put()

    def _put(self) -> None:
        if not self._blocks:
            return
        packed = b"".join(b.packed for b in self._blocks)
        sha256 = digest(packed)
        name = part_name(sha256)
        self._put_object(f"{self._folder}/{name}", packed, storage_class="STANDARD_IA")
        self.parts.append(
            Part(
                name=name,
                rows=sum(b.rows for b in self._blocks),
                packed_bytes=len(packed),
                line_bytes=sum(b.line_bytes for b in self._blocks),
                sha256=sha256,
                checksum=f"{sum(b.checksum for b in self._blocks) % CHECKSUM_MODULUS:032x}",
                since=min(b.since for b in self._blocks),
                until=max(b.until for b in self._blocks),
                revision=self._revision,
            )
        )
        self._blocks = []


def read(store: ObjectStore, folder: str, part: Part, columns: Sequence[RowColumn]) -> Iterator[pl.DataFrame]:
    """The rows of a part, block by block. Its bytes are compared with the manifest's SHA-256 first.

    Raises:
        DamagedPartError: it is missing, its bytes are others, or its lines are not those that were counted.
    """
    yield from rows_of(checked_bytes(store, folder, part), part, columns, f"{folder}/{part.name}")


def rows_of(packed: bytes, part: Part, columns: Sequence[RowColumn], key: str) -> Iterator[pl.DataFrame]:
    """The rows in the bytes of a part, block by block. `key` names the part in errors.

    Raises:
        DamagedPartError: its lines are not those that were counted.
    """
    rows = total = 0
    for lines in members(packed, key):
        frame = decode(lines, columns)
        rows += frame.height
        total += checksum(lines)
        yield frame
    if rows != part.rows or f"{total % CHECKSUM_MODULUS:032x}" != part.checksum:
        raise DamagedPartError(key, f"{rows} rows with another checksum, where {part.rows} were written")


def checked_bytes(store: ObjectStore, folder: str, part: Part) -> bytes:
    """The packed bytes of a part, compared with the manifest's SHA-256.

    Raises:
        DamagedPartError: it is missing, or its bytes are others.
    """
    key = f"{folder}/{part.name}"
    try:
        packed = store.get(key)
    except ObjectNotFoundError:
        raise DamagedPartError(key, "missing") from None
    if len(packed) != part.packed_bytes:
        raise DamagedPartError(key, f"{len(packed)} bytes, where {part.packed_bytes} were written")
    if hashlib.sha256(packed).hexdigest() != part.sha256:
        raise DamagedPartError(key, "its bytes have another SHA-256 than those that were written")
    return packed


def members(packed: bytes, name: str) -> Iterator[bytes]:
    """The lines of each gzip member.

    Raises:
        DamagedPartError: it is not gzip, or was cut.
    """
    return (lines for _, lines in packed_members(packed, name))


def packed_members(packed: bytes, name: str) -> Iterator[tuple[bytes, bytes]]:
    """Each gzip member as it is, and its lines. Errors are those of `members`."""
    try:
        while packed:
            member = zlib.decompressobj(wbits=GZIP)
            lines = member.decompress(packed) + member.flush()
            if not member.eof:
                raise DamagedPartError(name, "ends within a gzip member")
            rest = member.unused_data
            yield packed[: len(packed) - len(rest)], lines
            packed = rest
    except zlib.error as error:
        raise DamagedPartError(name, str(error)) from None


def pack(lines: bytes) -> bytes:
    """Lines as one gzip member."""
    packer = zlib.compressobj(LEVEL, wbits=GZIP)
    return packer.compress(lines) + packer.flush()


def _packed(frame: pl.DataFrame, columns: Sequence[RowColumn], window: tuple[str, str]) -> _Block:
    lines = encode(frame, columns)
    return _Block(pack(lines), frame.height, len(lines), checksum(lines), *window)

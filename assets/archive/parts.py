"""Parts: packing frames into gzip objects of bounded size, putting them, and reading them back.

A part is a row of gzip members, one a block of rows, so that blocks are packed side by side. Any reader of gzip reads
members that follow each other as one file.
"""

import hashlib
import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass

import polars as pl

from assets.archive.layout import part_name
from assets.archive.lines import Column, checksum, decode, encode
from assets.archive.manifest import Part, digest
from resources.lake.checksum import Tally
from resources.r2 import ObjectNotFoundError, ObjectStore

PART_BYTES = 64 * 1024 * 1024
BLOCK_BYTES = 8 * 1024 * 1024
IN_FLIGHT = 2
LEVEL = 6
GZIP = 31  # zlib's window bits for a gzip header and trailer


class DamagedPartError(RuntimeError):
    """A part is not what its manifest says; the message names it."""


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

    `tally` counts the rows that went in, by their values. Parts are put under names made of their content, where
    nothing is yet: what a killed run left is found again.
    """

    def __init__(
        self,
        store: ObjectStore,
        folder: str,
        columns: Sequence[Column],
        schema: pl.Schema,
        revision: int,
        workers: Executor,
        part_bytes: int = PART_BYTES,
    ) -> None:
        self.tally = Tally(schema)
        self.parts: list[Part] = []
        self._store = store
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
        self._span: tuple[str, str] | None = None
        self._waiting: deque[Future[_Block]] = deque()
        self._blocks: list[_Block] = []

    def add(self, frame: pl.DataFrame, span: tuple[str, str]) -> None:
        """Add rows; `span` is the window that they were read of, as manifests have times."""
        self.tally.add(frame)
        self._rows.append(frame)
        self._size += int(frame.estimated_size()) + frame.height * self._names_bytes
        self._span = (min(span[0], self._span[0]), max(span[1], self._span[1])) if self._span else span
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
        """Have the rows that were gathered packed, in blocks, by whoever of the workers is free."""
        assert self._span is not None
        rows = pl.concat(self._rows, rechunk=False)
        for block in rows.iter_slices(max(1, rows.height * self._block_bytes // max(1, self._size))):
            self._waiting.append(self._workers.submit(_packed, block, self._columns, self._span))
            while len(self._waiting) > IN_FLIGHT:
                self._take()
        self._rows, self._size, self._span = [], 0, None

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
        self._store.put_if_absent(f"{self._folder}/{name}", packed, storage_class="STANDARD_IA")
        self.parts.append(
            Part(
                name,
                sum(b.rows for b in self._blocks),
                len(packed),
                sum(b.line_bytes for b in self._blocks),
                sha256,
                f"{sum(b.checksum for b in self._blocks) % 2**128:032x}",
                min(b.since for b in self._blocks),
                max(b.until for b in self._blocks),
                self._revision,
            )
        )
        self._blocks = []


def read(store: ObjectStore, folder: str, part: Part, columns: Sequence[Column]) -> Iterator[pl.DataFrame]:
    """The rows of a part, block by block; nothing is yielded that does not have the manifest's SHA-256.

    Raises:
        DamagedPartError: it is missing, its bytes are others, or its lines are not those that were counted.
    """
    packed, key = checked_bytes(store, folder, part), f"{folder}/{part.name}"
    rows = total = 0
    for lines in _lines(packed, key):
        frame = decode(lines, columns)
        rows += frame.height
        total += checksum(lines)
        yield frame
    if rows != part.rows or f"{total % 2**128:032x}" != part.checksum:
        raise DamagedPartError(f"{key}: {rows} rows with another checksum, where {part.rows} were written")


def checked_bytes(store: ObjectStore, folder: str, part: Part) -> bytes:
    """The packed bytes of a part, compared with the manifest's SHA-256.

    Raises:
        DamagedPartError: it is missing, or its bytes are others.
    """
    key = f"{folder}/{part.name}"
    try:
        packed = store.get(key)
    except ObjectNotFoundError:
        raise DamagedPartError(f"{key}: missing") from None
    if len(packed) != part.packed_bytes:
        raise DamagedPartError(f"{key}: {len(packed)} bytes, where {part.packed_bytes} were written")
    if hashlib.sha256(packed).hexdigest() != part.sha256:
        raise DamagedPartError(f"{key}: its bytes have another SHA-256 than those that were written")
    return packed


def _packed(frame: pl.DataFrame, columns: Sequence[Column], span: tuple[str, str]) -> _Block:
    lines = encode(frame, columns)
    packer = zlib.compressobj(LEVEL, wbits=GZIP)
    return _Block(packer.compress(lines) + packer.flush(), frame.height, len(lines), checksum(lines), *span)


def _lines(packed: bytes, name: str) -> Iterator[bytes]:
    """The lines of each gzip member."""
    try:
        while packed:
            member = zlib.decompressobj(wbits=GZIP)
            lines = member.decompress(packed) + member.flush()
            if not member.eof:
                raise DamagedPartError(f"{name}: ends inside of a gzip member")
            yield lines
            packed = member.unused_data
    except zlib.error as error:
        raise DamagedPartError(f"{name}: {error}") from None

"""The parts of a set: files of any length, cut into pieces that are compressed (zstd), sealed, and put.

A piece is at most about 32 MiB as it lies there, so that memory stays bounded, and a piece that fails is sent again
alone. What belongs here: bytes in and out. What does not: what a store's files hold (a method does).
"""

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from threading import Lock

import msgspec
import zstandard

from assets.backups.at_once import SMALL_BYTES
from assets.backups.manifest import Manifest, Part
from assets.backups.target import StoreName, Target, label
from resources.declined import DeclinedError
from resources.keyring import SealError
from resources.keyring.stream import Sealer, opened
from resources.r2 import ObjectNotFoundError

PART_BYTES = 32 * 1024 * 1024
READ_BYTES = 1024 * 1024
LEVEL = 3


class DamagedSetError(DeclinedError):
    """A part of a set is cut, changed, missing, foreign, or its key is gone. `key` is the object's."""

    def __init__(
        self, key: str, what: str, next_step: str = "`clearlift backup verify` says which sets are whole"
    ) -> None:
        super().__init__(f"{key}: {what}", next_step)
        self.key = key
        self.what = what


@dataclass
class Draft:
    """A set while it is written. Only `sets.seal` makes it one that counts. A thread gets a `beside` of its own."""

    target: Target
    store: StoreName
    id: str
    part_bytes: int = PART_BYTES
    parts: list[Part] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _large: Lock = field(default_factory=Lock)

    def beside(self) -> "Draft":
        """The same set with an empty list of parts. Who asks for it takes them over, in the order that they get."""
        return replace(self, parts=[])

    @contextmanager
    def file(self, name: str, table: str = "") -> Iterator[Callable[[bytes], None]]:
        """Gives what takes the bytes of one file, in any lengths. The file is there when the block ends."""
        with ExitStack() as until_the_end:
            # Of several threads one at a time holds a large file, so that memory stays bounded.
            writer = _Writer(self, name, table, lambda: until_the_end.enter_context(self._large))
            yield writer.write
            writer.close()

    def next_name(self) -> str:
        """The name of a further part."""
        return f"part-{next(self._numbers):05}"

    def write(self, name: str, data: bytes, table: str = "") -> None:
        """A file that is at hand as a whole."""
        with self.file(name, table) as write:
            write(data)

    def reuse(self, manifest: Manifest, parts: Iterable[Part]) -> None:
        """Take over parts of a set that is complete, for content that never changes. They stay where they lie."""
        self.parts += [msgspec.structs.replace(part, set_id=part.set_id or manifest.id) for part in parts]


class _Writer:
    """Cuts one file. A piece begins with its first byte, so that an empty file is one empty piece."""

    def __init__(self, draft: Draft, file: str, table: str, grows_large: Callable[[], object]) -> None:
        self._draft = draft
        self._file = file
        self._table = table
        self._grows_large = grows_large
        self._is_large = False
        self._begin()

    def _begin(self) -> None:
        draft = self._draft
        self._name = draft.next_name()
        self._sealer = Sealer(draft.target.keyring, label(draft.store, draft.id, self._name))
        self._compressor = zstandard.ZstdCompressor(level=LEVEL).compressobj()
        self._pieces: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> None:
        for start in range(0, len(data), READ_BYTES):
            if not self._is_large and self._size > SMALL_BYTES:
                self._is_large = True
                self._grows_large()
            if self._size >= self._draft.part_bytes:
                self._put()
                self._begin()
            self._keep(self._sealer.update(self._compressor.compress(data[start : start + READ_BYTES])))

    def close(self) -> None:
        self._put()

    def _keep(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._size += len(piece)

    def _put(self) -> None:
        self._keep(self._sealer.update(self._compressor.flush()))
        self._keep(self._sealer.finish())
        data = b"".join(self._pieces)
        self._pieces = []
        draft = self._draft
        draft.target.put(draft.target.key(draft.store, draft.id, self._name), data)
        draft.parts.append(
            Part(
                name=self._name,
                file=self._file,
                table=self._table,
                size=len(data),
                sha256=hashlib.sha256(data).hexdigest(),
                key_id=self._sealer.key_id,
            )
        )


def read(target: Target, manifest: Manifest, file: str) -> Iterator[bytes]:
    """The bytes of a file of a set, in chunks of at most 1 MiB. Nothing of a damaged part is given.

    Raises:
        DamagedSetError: it names the part.
        TargetError: the target refuses or does not answer.
    """
    for part in manifest.parts:
        if part.file == file:
            yield from read_part(target, manifest, part)


def read_part(target: Target, manifest: Manifest, part: Part) -> Iterator[bytes]:
    """The bytes of one part; as `read`."""
    store, set_id = StoreName(manifest.app, manifest.store), part.set_id or manifest.id
    key = target.key(store, set_id, part.name)
    try:
        data = target.get(key)
    except ObjectNotFoundError:
        raise DamagedSetError(key, "missing") from None
    if len(data) != part.size:
        raise DamagedSetError(key, f"{len(data)} bytes, where {part.size} were written")
    if hashlib.sha256(data).hexdigest() != part.sha256:
        raise DamagedSetError(key, "its bytes have another SHA-256 than those that were written")
    try:
        packed = b"".join(opened(target.keyring, [data], label(store, set_id, part.name)))
    except SealError as error:
        raise DamagedSetError(key, str(error)) from None
    del data
    yield from zstandard.ZstdDecompressor().read_to_iter(io.BytesIO(packed), write_size=READ_BYTES)

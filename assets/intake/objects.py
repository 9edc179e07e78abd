"""Landed objects in the store: which of them wait, what one holds, and landing one exactly once.

What does not belong here: keys and unpacking (zone.py), and what becomes of lines.
"""

import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

from assets.intake.zone import UnreadableBatchError, Zone
from resources.chunks import chunked_by_size
from resources.r2 import ObjectInfo, ObjectStore

# Packed objects that are fetched while others are worked on: as many at once, and as many bytes or one larger object.
AHEAD, AHEAD_BYTES = 8, 32 * 2**20

# What an object is known by: its key and its etag.
Identity = tuple[str, str]


@dataclass(frozen=True)
class Landed:
    """A landed object as it was read.

    sha256: of its bytes; of key and etag where it was too large to be read. size: its bytes as stored. text: None where
    it cannot be read, and `unreadable` says why.
    """

    key: str
    etag: str
    sha256: str
    size: int
    text: bytes | None = field(repr=False)
    unreadable: str = ""


def identity(info: ObjectInfo) -> Identity:
    """Key and etag of a listed object."""
    return info.key, info.etag or ""


def waiting(
    store: ObjectStore,
    zone: Zone,
    taken_until: datetime | None,
    known: Callable[[Sequence[Identity]], Collection[Identity]],
) -> list[ObjectInfo]:
    """The objects of a zone that no run has taken, by key. Before `taken_until` and the zone's overlap is not looked.

    `known` gives those of some objects that were taken.
    """
    listed = store.list(zone.prefix.rstrip("/"), start_after=zone.listing_start(taken_until))
    batches = sorted((info for info in listed if zone.is_batch(info.key)), key=lambda info: info.key)
    taken = known([identity(info) for info in batches])
    return [info for info in batches if identity(info) not in taken]


@dataclass(frozen=True)
class Fetched:
    """An object as it came, not yet unpacked. data: None where it is too large to be read."""

    info: ObjectInfo
    sha256: str
    data: bytes | None = field(repr=False)

    def landed(self, zone: Zone) -> Landed:
        """What it holds; raises no error because of it."""
        key, etag = identity(self.info)
        if self.data is None:
            reason = f"larger than {zone.largest_object >> 20} MiB"
            return Landed(key, etag, self.sha256, self.info.size, None, reason)
        try:
            return Landed(key, etag, self.sha256, len(self.data), zone.text(self.data))
        except UnreadableBatchError as error:
            return Landed(key, etag, self.sha256, len(self.data), None, str(error))


def fetch(store: ObjectStore, zone: Zone, info: ObjectInfo) -> Fetched:
    """One object of a zone. What a too large one is known by is its key and its etag."""
    if info.size > zone.largest_object:
        return Fetched(info, _sha256(" ".join(identity(info)).encode()), None)
    data = store.get(info.key)
    return Fetched(info, _sha256(data), data)


def fetch_ahead(store: ObjectStore, zone: Zone, batches: Sequence[ObjectInfo]) -> Iterator[list[Fetched]]:
    """The objects, some at a time, in their order. While some are worked on, the next are on their way."""
    some = chunked_by_size(batches, lambda info: info.size, most=AHEAD, most_size=AHEAD_BYTES)
    with ThreadPoolExecutor(AHEAD, thread_name_prefix="fetch") as pool:
        coming: list[Future[Fetched]] = []
        for infos in (*some, ()):
            ready, coming = coming, [pool.submit(fetch, store, zone, info) for info in infos]
            if ready:
                yield [each.result() for each in ready]


def read(store: ObjectStore, zone: Zone, info: ObjectInfo) -> Landed:
    """Read one object; raises no error because of what it holds."""
    return fetch(store, zone, info).landed(zone)


def land_once(store: ObjectStore, receipts: str, key: str, content: bytes) -> tuple[str, bool]:
    """Land an object under `key`, unless the same content was landed before; its key, and whether it is new.

    A receipt, `{receipts}{sha256 of the content}`, holds the key that was chosen first. So the same content, landed in
    another hour or under another name, is the same object, also where a process was killed in between.
    """
    receipt = f"{receipts}{_sha256(content)}"
    if not store.put_if_absent(receipt, key.encode()):
        key = store.get(receipt).decode()
    return key, store.put_if_absent(key, content)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()

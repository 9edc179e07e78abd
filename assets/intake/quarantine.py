"""The quarantine: the bytes of refused lines in R2, and their way back. Each kind of object has one.

`{prefix}{sha256 of the object}.ndjson.gz` holds one JSON object per refused line: line, reason, field, and the bytes as
base64, so that any bytes survive. The ledger of the kind says which lines are open. A replay lands lines again, as an
object of their own. What does not belong here: why a line is refused.
"""

import base64
import gzip
import hashlib
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

import msgspec

from assets.intake.objects import land_once
from assets.intake.refusal import Refusal
from assets.intake.zone import Zone
from resources.r2 import ObjectStore

T = TypeVar("T")


@dataclass(frozen=True)
class OpenLine:
    """A refused line that was not replayed: its object's checksum and key, its number (0: the whole object)."""

    sha256: str
    line: int
    object_key: str
    reason: str
    field: str


class Refusals(Protocol):
    """What says which refused lines are open."""

    def summary(self) -> list[dict[str, Any]]:
        """Open lines by reason and field: reason, field, lines, batches, and one object's key as `example`."""

    def open_lines(self, reason: str | None = None, batch: str | None = None) -> list[OpenLine]:
        """Open lines of one reason or one object (its key, or the start of its checksum), or all.

        The order is the same each time, and lines of one object are together.
        """

    def mark_replayed(self, lines: Sequence[OpenLine], at: datetime) -> None:
        """Close lines, all of them or none."""


@dataclass(frozen=True)
class Replayed:
    """What a replay landed: the keys of the new objects, and the number of their lines."""

    object_keys: tuple[str, ...]
    lines: int


@dataclass(frozen=True)
class Quarantine:
    """Refused lines of one kind of object. zone: where a replay lands. prefix: where bytes are kept. clock: UTC now."""

    store: ObjectStore
    zone: Zone
    prefix: str
    refusals: Refusals
    clock: Callable[[], datetime]

    def raw(self, lines: Iterable[OpenLine]) -> Iterator[tuple[OpenLine, bytes]]:
        """Lines with their original bytes."""
        sha256, kept = "", dict[int, bytes]()
        for line in lines:
            if line.sha256 != sha256:
                sha256, kept = line.sha256, read(self.store, self.prefix, line.sha256)
            yield line, kept[line.line]

    def replay(
        self, reason: str | None = None, batch: str | None = None, corrected: Sequence[bytes] | None = None
    ) -> Replayed:
        """Land open lines again: as they are, because their cause may be gone, or `corrected` lines in their place.

        Lines land first and are closed after that. A kill between the two lands the same object again, which is known.
        An object that was refused as a whole has no lines, so it stays open until it is corrected.
        """
        lines = self.refusals.open_lines(reason, batch)
        if corrected is None:
            return self._replay_as_they_are([line for line in lines if line.line > 0])
        if not lines:
            return Replayed((), 0)
        texts = [line for line in corrected if line.strip()]
        parts = list(self._portions((None, text) for text in texts)) or [[]]
        source = _source(lines)
        keys = [
            self._land([text for _, text in part], f"{source}-{number}" if number else source)
            for number, part in enumerate(parts)
        ]
        self.refusals.mark_replayed(lines, self.clock())
        return Replayed(tuple(keys), len(texts))

    def _replay_as_they_are(self, lines: Sequence[OpenLine]) -> Replayed:
        keys = []
        for portion in self._portions(self.raw(lines)):
            landed = [line for line, _ in portion]
            keys.append(self._land([raw for _, raw in portion], _source(landed)))
            self.refusals.mark_replayed(landed, self.clock())
        return Replayed(tuple(keys), len(lines))

    def _portions(self, lines: Iterable[tuple[T, bytes]]) -> Iterator[list[tuple[T, bytes]]]:
        """Lines in portions that the zone admits as one object each, with room for the gzip around them."""
        limit = min(self.zone.largest_object, self.zone.largest_batch) // 2
        portion: list[tuple[T, bytes]] = []
        size = 0
        for line in lines:
            if portion and size + len(line[1]) > limit:
                yield portion
                portion, size = [], 0
            portion.append(line)
            size += len(line[1]) + 1
        if portion:
            yield portion

    def _land(self, lines: Sequence[bytes], source: str) -> str:
        content = _pack(lines, source)
        name = f"replay-{hashlib.sha256(content).hexdigest()[:16]}.ndjson.gz"
        key, _ = land_once(
            self.store, f"{self.prefix}replays/", f"{self.zone.hour_prefix(self.clock())}{name}", content
        )
        return key


def object_key(prefix: str, sha256: str) -> str:
    """Where the refused lines of an object are kept."""
    return f"{prefix}{sha256}.ndjson.gz"


def keep(store: ObjectStore, prefix: str, sha256: str, refusals: Sequence[Refusal]) -> None:
    """Keep the bytes of an object's refused lines, if there are any. Doing it twice keeps the same."""
    if not refusals:
        return
    lines = (
        msgspec.json.encode(
            {"line": r.line, "reason": r.reason, "field": r.field, "raw": base64.b64encode(r.raw).decode()}
        )
        for r in refusals
    )
    store.put(object_key(prefix, sha256), gzip.compress(b"\n".join(lines), mtime=0))


def read(store: ObjectStore, prefix: str, sha256: str) -> dict[int, bytes]:
    """The original bytes of an object's refused lines, by line number."""
    content = gzip.decompress(store.get(object_key(prefix, sha256)))
    entries: list[dict[str, Any]] = [msgspec.json.decode(line) for line in content.splitlines()]
    return {entry["line"]: base64.b64decode(entry["raw"]) for entry in entries}


def _source(lines: Sequence[OpenLine]) -> str:
    names = (f"{line.object_key} {line.sha256}:{line.line}" for line in lines)
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


def _pack(lines: Sequence[bytes], source: str) -> bytes:
    # The source is gzip's file name. So the same lines, refused again and replayed again, are another object, while a
    # repeated replay makes the same bytes.
    buffer = io.BytesIO()
    with gzip.GzipFile(filename=source, mode="wb", fileobj=buffer, mtime=0) as packed:
        packed.write(b"\n".join(lines) + b"\n")
    return buffer.getvalue()

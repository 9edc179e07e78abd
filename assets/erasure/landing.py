"""Erasing people from the landing zones of an app: lines of landed objects, and objects that are called after somebody.

An object is written again without the lines that go. Its ledger is written before, so that no object is taken twice;
the bytes of its refused lines move with it, because they lie under its checksum. What does not belong here: refused
lines whose object is gone (quarantine.py), and what a line becomes (lines.py).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from assets.apps import App
from assets.erasure import contents, kinds
from assets.erasure.contents import WHOLE, Changed
from assets.erasure.kinds import LandedKind
from assets.erasure.landed_objects import LandedObjectsEraser
from assets.erasure.ledgers import Again, Seen
from assets.intake.objects import identity
from assets.privacy.identity import Erased
from assets.rooms import Rooms
from resources.declined import DeclinedError
from resources.r2 import ObjectInfo, ObjectNotFoundError

# An object that is larger than this was never read, and is not read into memory here either.
LARGEST = 2**30
_HOUR = "YYYY/MM/DD/HH/"


class TooLargeError(DeclinedError):
    """An object names somebody and is too large to be written again."""


def eraser(rooms: Rooms, app: App) -> "LandedObjectsEraser[_Found] | None":
    """The Eraser of the landing zones of an app; None where nothing lands."""
    return LandedObjectsEraser(rooms, app, "landing", _Landing) if kinds.has_any(app) else None


@dataclass(frozen=True)
class _Found:
    """An object as it lies there: its checksum, where it is to lie, and what it becomes; None where it stays."""

    info: ObjectInfo
    sha256: str
    new_key: str
    changed: Changed | None


@dataclass(frozen=True)
class _Landing:
    """The landing zone of one kind: a `Work`."""

    rooms: Rooms
    kind: LandedKind

    @property
    def prefix(self) -> str:
        """See Work."""
        return self.kind.zone.prefix

    def look(self, info: ObjectInfo) -> _Found | None:
        """See Work.

        Raises:
            TooLargeError: the object names somebody and is too large to be written again.
        """
        store, lines = self.rooms.object_store, self.kind.lines
        new_key = self._named_otherwise(info.key)
        try:
            if info.size > LARGEST:
                self._refuse_too_large(info)
                return None
            data = store.get(info.key)
        except ObjectNotFoundError:
            return None
        sha256 = _digest(data)
        changed = contents.landed(data, self.kind.zone, lines, _digest(new_key.encode())[:16])
        if changed is None and new_key != info.key:
            changed = Changed(data, [])
        return _Found(info, sha256, new_key, changed)

    def going(self, found: Sequence[_Found]) -> Sequence[_Found]:
        """See Work. Of the others, the ledger is told the etag that a killed run did not tell it."""
        clean = [each for each in found if each.changed is None]
        known = set(self.kind.ledger.known([identity(each.info) for each in clean]))
        unknown = [each for each in clean if identity(each.info) not in known]
        if unknown:
            seen = [Seen(each.info.key, each.info.etag or "", each.sha256, each.info.size) for each in unknown]
            self.kind.ledger.seen(seen)
        return [each for each in found if each.changed is not None]

    def write(self, found: _Found) -> Erased:
        """See Work."""
        assert found.changed is not None
        return Erased("", len(found.changed.gone), 1, self._write(found, found.changed))

    def _write(self, found: _Found, changed: Changed) -> int:
        """Write one object again, or remove it; the bytes that were written."""
        store, ledger, kind = self.rooms.object_store, self.kind.ledger, self.kind
        data, key = changed.data, found.info.key
        new_sha256 = found.sha256 if data is None else _digest(data)
        if data is not None:
            self._move_refused(found, data, new_sha256)
        ledger.write_again(Again(key, found.sha256, found.new_key, new_sha256, changed.gone))
        if kind.receipts and found.new_key != key and store.exists(f"{kind.receipts}{found.sha256}"):
            store.put(f"{kind.receipts}{found.sha256}", found.new_key.encode())
        if data is not None:
            etag = self._put(found, data)
            if etag is None:
                return 0  # another object lies there by now, which the next call looks at
            ledger.seen([Seen(found.new_key, etag, new_sha256, len(data))])
        else:
            store.delete(key)
        if WHOLE in changed.gone or not ledger.has_refused(found.sha256):
            store.delete([f"{kind.quarantine}{found.sha256}{ending}" for ending in (".ndjson.gz", ".whole")])
        return len(data or b"")

    def _move_refused(self, found: _Found, data: bytes, new_sha256: str) -> None:
        """Put what is kept of the object's refused lines under its new checksum."""
        store, kind = self.rooms.object_store, self.kind
        if new_sha256 == found.sha256 or not kind.ledger.has_refused(found.sha256, found.info.key):
            return
        before, after = (f"{kind.quarantine}{sha256}" for sha256 in (found.sha256, new_sha256))
        if store.exists(f"{before}.whole"):
            store.put(f"{after}.whole", data)
        if store.exists(f"{before}.ndjson.gz"):
            kept = store.get(f"{before}.ndjson.gz")
            changed = contents.kept(kept, kind.lines)
            left = kept if changed is None else changed.data
            if left is not None:
                store.put(f"{after}.ndjson.gz", left)

    def _put(self, found: _Found, data: bytes) -> str | None:
        """Put an object in its place, or in one that names nobody; its etag."""
        store = self.rooms.object_store
        if found.new_key == found.info.key:
            return store.replace(found.info.key, data, found.info.etag or "")
        store.put(found.new_key, data)
        store.delete(found.info.key)
        return store.head(found.new_key).etag or ""

    def _named_otherwise(self, key: str) -> str:
        """The key, or where its name names somebody another one of the same hour and kind."""
        if not self.kind.lines.people.name(key):
            return key
        start = len(self.kind.zone.prefix) + (len(_HOUR) if self.kind.zone.is_batch(key) else 0)
        ending = next((ending for ending in self.kind.zone.endings if key.endswith(ending)), "")
        return f"{key[:start]}erased-{_digest(key.encode())[:32]}{ending}"

    def _refuse_too_large(self, info: ObjectInfo) -> None:
        """Look through an object of any size.

        Raises:
            TooLargeError: it names somebody.
        """
        before = b""
        for chunk in self.rooms.object_store.stream(info.key):
            if self.kind.lines.people.named_in(before + chunk):
                raise TooLargeError(
                    f"an object of {info.size >> 20} MiB under {self.kind.zone.prefix} names somebody and is too large "
                    f"to be written again (etag {info.etag})",
                    "land it in smaller parts and delete it, then run the same again",
                )
            before = chunk[-contents.HEADER_BYTES :]


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()

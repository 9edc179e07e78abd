"""Erasing people from the quarantine of an app: refused lines, objects that were refused as a whole, killed replays.

The ledger forgets a line before its bytes go, so that no line is offered for a replay without its bytes. What does not
belong here: refused images (media.py), and refused lines whose object still lies where it landed (landing.py).
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from assets.apps import App
from assets.erasure import contents, kinds
from assets.erasure.contents import Changed
from assets.erasure.kinds import LandedKind
from assets.erasure.landed_objects import LandedObjectsEraser
from assets.privacy.identity import Erased
from assets.rooms import Rooms
from resources.declined import DeclinedError
from resources.r2 import ObjectInfo, ObjectNotFoundError

REPLAYS = "replays/"
WHOLE, LINES = ".whole", ".ndjson.gz"


def eraser(rooms: Rooms, app: App) -> "LandedObjectsEraser[_Found] | None":
    """The Eraser of what was refused of an app's landed objects, events and points; None where nothing lands."""
    return LandedObjectsEraser(rooms, app, "quarantine", _Quarantine) if kinds.has_any(app) else None


@dataclass(frozen=True)
class _Found:
    """A refused object as it lies there, and what it becomes."""

    info: ObjectInfo
    changed: Changed


@dataclass(frozen=True)
class _Quarantine:
    """The quarantine of one kind: a `Work`."""

    rooms: Rooms
    kind: LandedKind

    @property
    def prefix(self) -> str:
        """See Work."""
        return self.kind.quarantine

    def look(self, info: ObjectInfo) -> _Found | None:
        """See Work. One that stays as it is is left out too.

        Raises:
            DeclinedError: the object is damaged.
        """
        changed = self._changed(info)
        return None if changed is None else _Found(info, changed)

    def going(self, found: Sequence[_Found]) -> Sequence[_Found]:
        """See Work."""
        return found

    def write(self, found: _Found) -> Erased:
        """See Work."""
        store, info, changed = self.rooms.object_store, found.info, found.changed
        name = info.key.removeprefix(self.prefix)
        if "/" not in name:
            self.kind.ledger.forget_refused(name.partition(".")[0], changed.gone)
        if changed.data is None:
            store.delete(info.key)
        else:
            store.replace(info.key, changed.data, info.etag or "")
        return Erased("", len(changed.gone), 1, len(changed.data or b""))

    def _changed(self, info: ObjectInfo) -> Changed | None:
        kind = self.kind
        try:
            data = self.rooms.object_store.get(info.key)
        except ObjectNotFoundError:
            return None
        name = info.key.removeprefix(kind.quarantine)
        if name.endswith(WHOLE):
            return contents.unreadable(data, kind.lines)
        if not name.endswith(LINES) or name.startswith(REPLAYS):
            return contents.landed(data, kind.zone, kind.lines, name)
        try:
            return contents.kept(data, kind.lines)
        except (OSError, EOFError, zlib.error, msgspec.MsgspecError):
            raise DeclinedError(
                f"{info.key} is damaged, so that nobody knows whose lines it holds",
                "put it back from a backup, or delete it, then run the same again",
            ) from None

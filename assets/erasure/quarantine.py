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
from assets.erasure.erased_people import ErasedPeople
from assets.erasure.kinds import LandedKind
from assets.privacy.identity import Erased, Identity
from assets.rooms import Rooms
from resources.declined import DeclinedError
from resources.r2 import ObjectInfo, ObjectNotFoundError

REPLAYS = "replays/"
WHOLE, LINES = ".whole", ".ndjson.gz"


def eraser(rooms: Rooms, app: App) -> "QuarantineEraser | None":
    """The Eraser of what was refused of an app's landed objects; None where nothing lands."""
    return QuarantineEraser(rooms, app) if kinds.has_any(app) else None


@dataclass(frozen=True)
class QuarantineEraser:
    """The quarantine of events and points."""

    rooms: Rooms
    app: App

    @property
    def place(self) -> str:
        """See Eraser."""
        return "quarantine"

    def erase(self, identities: Sequence[Identity]) -> Erased:
        """See Eraser. rows: refused lines that went."""
        people, done = ErasedPeople.of(identities, self.app.name), Erased(self.place)
        for kind in kinds.kinds(self.rooms, self.app, people) if people else ():
            for info in list(self.rooms.object_store.list(kind.quarantine.rstrip("/"))):
                if (changed := self._changed(kind, info)) is not None:
                    self._write(kind, info, changed)
                    done = done.plus(Erased("", len(changed.gone), 1, len(changed.data or b"")))
        return done

    def _changed(self, kind: LandedKind, info: ObjectInfo) -> Changed | None:
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

    def _write(self, kind: LandedKind, info: ObjectInfo, changed: Changed) -> None:
        store = self.rooms.object_store
        name = info.key.removeprefix(kind.quarantine)
        with kinds.alone(kind, self.rooms.postgres.lock):
            if "/" not in name:
                kind.ledger.forget_refused(name.partition(".")[0], changed.gone)
            if changed.data is None:
                store.delete(info.key)
            else:
                store.replace(info.key, changed.data, info.etag or "")

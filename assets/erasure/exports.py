"""Exports of a person: the folder that theirs lie in, and erasing them.

A folder is named by the keyed hash of an id, so that its name leads to nobody. What belongs here: the folder. What does
not: making an export (export).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from assets.apps import App
from assets.privacy import tombstones
from assets.privacy.identity import Erased, Identity
from assets.rooms import Rooms

PREFIX = "exports/"


def folders(rooms: Rooms, app: App, identity: Identity) -> list[str]:
    """The folders in which exports of a person may lie, one an id; a new one goes to the first."""
    with rooms.postgres.connection() as connection:
        hashes = [
            tombstones.keyed_hash(connection, *subject, lambda: rooms.keyring)
            for subject in tombstones.subjects_of(identity)
        ]
    return [f"{PREFIX}{app.name}/{digest.hex()}" for digest in hashes]


@dataclass(frozen=True)
class ExportsEraser:
    """An `Eraser` over the exports of an app."""

    rooms: Rooms
    app: App
    place: str = "exports"

    def erase(self, identities: Sequence[Identity]) -> Erased:
        """See Eraser.erase."""
        store = self.rooms.object_store
        found = [
            info.key
            for identity in identities
            for folder in folders(self.rooms, self.app, identity)
            for info in store.list(folder)
        ]
        store.delete(found)
        return Erased(self.place, objects=len(found))


def eraser(rooms: Rooms, app: App) -> ExportsEraser:
    """The Eraser of an app."""
    return ExportsEraser(rooms, app)

"""Erasing people's media: everything in their folders, images with their variants, videos, and refused uploads.

What does not belong here: media of pruned sessions (assets/media/remove.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from assets.apps import App
from assets.media import naming
from assets.media.ledger import ImageLedger
from assets.media.make import lock_of, nameless
from assets.privacy.identity import Erased, Identity
from assets.rooms import Rooms


def eraser(rooms: Rooms, app: App) -> "MediaEraser | None":
    """The Eraser of an app's media; None for an app without any."""
    return MediaEraser(rooms, app) if app.media is not None else None


@dataclass(frozen=True)
class MediaEraser:
    """The folders of users below the root of an app's media, and those of quarantine."""

    rooms: Rooms
    app: App

    @property
    def place(self) -> str:
        """See Eraser."""
        return "media"

    def erase(self, identities: Sequence[Identity]) -> Erased:
        """See Eraser. It waits for a run that makes variants, so that none is made after it.

        Raises:
            MediaError: the object store failed; the message names nobody.
        """
        media = self.app.media
        assert media is not None, f"{self.app.name} has no media"
        subjects = self.app.holding("r2", f"{media.root}/").subjects
        ids = {
            user
            for identity in identities
            if identity.app == self.app.name
            for kind, _ in subjects
            for user in identity.ids.get(kind, ())
        }
        # An id that is no part of a key names no folder.
        folders = [folder for user in sorted(ids) if (folder := naming.folder_of_user(media, user)) is not None]
        if not folders:
            return Erased(self.place)
        ledger = ImageLedger(self.rooms.postgres, self.app.name, self.rooms.clock)
        with self.rooms.postgres.lock(lock_of(self.app.name)):
            removed = sum(nameless(lambda folder=folder: self._remove(folder)) for folder in folders)  # type: ignore[misc]
            for folder in folders:
                ledger.forget_below(folder)
        return Erased(self.place, objects=removed)

    def _remove(self, folder: str) -> int:
        store = self.rooms.object_store
        keys = [info.key for prefix in (folder, naming.quarantined(folder)) for info in store.list(prefix)]
        store.delete(keys)
        return len(keys)

"""Erasing an organisation from the raw pages of ad platforms. They hold nothing of single people.

A slice says in its manifest whose it is. What does not belong here: the entities and facts that were merged from pages.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from assets.ads.staging import MANIFEST, Staging
from assets.apps import App
from assets.privacy.identity import Erased, Identity
from assets.rooms import Rooms


def eraser(rooms: Rooms, app: App) -> "StagedEraser | None":
    """The Eraser of an app's raw pages; None for an app without ad accounts."""
    return StagedEraser(rooms, app) if app.ad_accounts is not None else None


@dataclass(frozen=True)
class StagedEraser:
    """The raw pages of an app's connections."""

    rooms: Rooms
    app: App

    @property
    def place(self) -> str:
        """See Eraser."""
        return "raw ads pages"

    def erase(self, identities: Sequence[Identity]) -> Erased:
        """See Eraser."""
        organisations = frozenset[str]().union(*(i.organisation for i in identities if i.app == self.app.name))
        assert self.app.ad_accounts is not None, f"{self.app.name} has no ad accounts"
        root, removed = self.app.ad_accounts.raw, 0
        staging = Staging(self.rooms.object_store, root)
        for prefix in self._connections(root) if organisations else ():
            # A connection is one organisation's. Slices without a manifest are what a killed run left of it.
            listed = [info.key for info in self.rooms.object_store.list(prefix)]
            manifests = [key.removesuffix(f"/{MANIFEST}") for key in listed if key.endswith(f"/{MANIFEST}")]
            if any(staging.manifest(slice_).org_id in organisations for slice_ in manifests[:1]):
                # The manifest that says whose they are goes last, so that a killed run is finished by the next.
                last = f"{manifests[0]}/{MANIFEST}"
                self.rooms.object_store.delete(key for key in listed if key != last)
                self.rooms.object_store.delete(last)
                removed += len(listed)
        return Erased(self.place, objects=removed)

    def _connections(self, root: str) -> list[str]:
        store = self.rooms.object_store
        return [folder for platform in store.list_prefixes(root) for folder in store.list_prefixes(platform)]

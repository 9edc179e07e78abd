"""Sets of a D1 for tests: a target in a folder, a method, and backups that are verified at once."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from assets.apps import App
from assets.backups import sets
from assets.backups.d1 import D1Backups
from assets.backups.manifest import Kind, Manifest
from assets.backups.method import Contents, Restored, Scope
from assets.backups.parts import Draft
from assets.backups.target import Target, new_id
from resources.d1 import D1, EmbeddedD1
from resources.d1.pace import Pace
from resources.keyring import Keyring
from resources.r2 import FolderObjectStore

SHOP = App(name="shop", title="Shop", owner="team:shop", tables={})
RING = Keyring({1: b"1" * 32})


def clock() -> datetime:
    return datetime.now(UTC)


def target_in(folder: Path) -> Target:
    return Target(FolderObjectStore(folder), "backups", RING)


@dataclass(frozen=True)
class Kept:
    """A D1 and its backups."""

    method: D1Backups
    target: Target

    @classmethod
    def of(cls, d1: D1, folder: Path, app: App = SHOP, now: Callable[[], datetime] = clock) -> "Kept":
        return cls(D1Backups(app, d1, now, pace=Pace(sleep=lambda _: None)), target_in(folder))

    def over(self, d1: D1) -> "Kept":
        """The same sets, read of and written for another connection."""
        return replace(self, method=replace(self.method, d1=d1))

    @property
    def found(self) -> sets.Sets:
        return sets.find(self.target, self.method.store)

    def full(self) -> Manifest:
        draft = Draft(self.target, self.method.store, new_id(self.method.clock(), Kind.FULL))
        return self._sealed(draft, lambda: self.method.full(draft))

    def incremental(self) -> Manifest:
        draft = Draft(self.target, self.method.store, new_id(self.method.clock(), Kind.INCREMENTAL))
        base = self.found.newest_good
        assert base is not None
        return self._sealed(draft, lambda: self.method.incremental(draft, base))

    def _sealed(self, draft: Draft, contents: Callable[[], Contents]) -> Manifest:
        manifest = sets.seal(draft, contents(), "test")
        sets.mark_verified(self.target, self.method.store, manifest.id, self.method.clock())
        return manifest

    def restore(self, place: D1, scope: Scope = Scope()) -> Restored:  # noqa: B008
        chain = self.method.chain(self.found, scope.at)
        restored = self.method.restore(self.target, chain, place, scope)
        assert list(self.method.differences(place, restored)) == []
        return restored


def new_file(folder: Path, name: str) -> EmbeddedD1:
    return EmbeddedD1(folder / f"{name}.sqlite")

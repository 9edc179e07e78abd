"""A target in a folder, and sets made by a method without the rules around it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assets.backups.manifest import Kind, Manifest
from assets.backups.method import Contents, Method
from assets.backups.parts import Draft
from assets.backups.sets import Sets, find, mark_verified, seal
from assets.backups.target import Target, new_id
from resources.keyring import Keyring
from resources.r2 import FolderObjectStore

KEYS = Keyring({1: b"k" * 32})


class Killed(BaseException):
    """What a test raises in the place of a kill: nothing of the product catches it."""


@dataclass(frozen=True)
class KilledStore:
    """An object store that is killed at one of its requests."""

    store: FolderObjectStore
    survives: list[int]

    def __getattr__(self, name: str) -> Any:
        request = getattr(self.store, name)

        def counted(*arguments: Any, **named: Any) -> Any:
            if not self.survives[0]:
                raise Killed
            self.survives[0] -= 1
            return request(*arguments, **named)

        return counted


def target_in(folder: Path) -> Target:
    """A target whose objects are files of a folder."""
    return Target(FolderObjectStore(folder), "backups", KEYS)


def killed_after(target: Target, requests: int) -> Target:
    """The same target, whose process is killed at the request after so many."""
    assert isinstance(target.objects, FolderObjectStore)
    store: Any = KilledStore(target.objects, [requests])
    return Target(store, target.prefix, target.keyring)


def full(method: Method[Any], target: Target) -> Manifest:
    """A set that stands alone, verified."""
    return _made(method, target, method.full)


def incremental(method: Method[Any], target: Target) -> Manifest:
    """A set after the newest good one, verified."""
    base = sets(method, target).newest_good
    assert base is not None
    return _made(method, target, lambda draft: method.incremental(draft, base))


def sets(method: Method[Any], target: Target) -> Sets:
    """All sets of the method's store."""
    return find(target, method.store)


def _made(method: Method[Any], target: Target, write: Callable[[Draft], Contents]) -> Manifest:
    draft = Draft(target, method.store, new_id(datetime.now(UTC), Kind.FULL))
    manifest = seal(draft, write(draft), "0.1.0")
    mark_verified(target, method.store, manifest.id, manifest.moment)
    return manifest

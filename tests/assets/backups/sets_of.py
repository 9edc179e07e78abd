"""Sets made by a method without the rules around it. No fixtures here."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from assets.backups.manifest import Kind, Manifest
from assets.backups.method import Contents, Method
from assets.backups.parts import Draft
from assets.backups.sets import Sets, find, mark_verified, seal
from assets.backups.target import Target, new_id


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

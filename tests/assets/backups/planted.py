"""Sets of a few files, planted in a target, for the tests of what holds for every store. No fixtures here."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from assets.backups.manifest import Kind, Manifest
from assets.backups.method import Contents
from assets.backups.parts import Draft, read
from assets.backups.sets import seal
from assets.backups.target import StoreName, Target, new_id
from resources.keyring import Keyring
from resources.r2 import FolderObjectStore, ObjectStore

STORE = StoreName("consignment", "d1")
NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
KEYS = Keyring({1: b"1" * 32})


def target(objects: ObjectStore | Path, keys: Keyring = KEYS) -> Target:
    """A target in a folder or another store."""
    return Target(FolderObjectStore(objects) if isinstance(objects, Path) else objects, "backups", keys)


def planted(
    at: Target,
    moment: datetime = NOON,
    base: Manifest | None = None,
    *,
    files: Sequence[bytes] = (b"rows of one", b"", b"rows of another" * 500),
    reused: Manifest | None = None,
    store: StoreName = STORE,
) -> Manifest:
    """A complete set. `reused`: a set of which it takes over all parts."""
    kind = Kind.INCREMENTAL if base else Kind.FULL
    draft = Draft(at, store, new_id(moment, kind), part_bytes=200)
    for number, content in enumerate(files):
        draft.write(f"file-{number}", content)
    if reused is not None:
        draft.reuse(reused, reused.parts)
    contents = Contents(kind, until=moment.isoformat(), moment=moment, base=base.id if base else None)
    return seal(draft, contents, "test")


def contents(at: Target, manifest: Manifest) -> dict[str, bytes]:
    """All files of a set."""
    return {file: b"".join(read(at, manifest, file)) for file in manifest.files()}

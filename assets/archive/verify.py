"""Verifying sealed archives: every part is read whole, and every fault is named.

What belongs here: finding faults. What does not: repairing them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from assets.archive import parts
from assets.archive.layout import bucket_folder
from assets.archive.manifest import BucketManifest
from assets.archive.parts import DamagedPartError
from assets.archive.quarters import Quarter
from assets.archive.registry import ArchiveRegistry, Revision
from assets.archive.sealed import DamagedManifestError, manifest_of
from assets.progress import Progress, silent
from resources.postgres import Postgres
from resources.r2 import ObjectStore


@dataclass
class Verified:
    """What was read, and the faults: one line each, with the key of the object."""

    buckets: int = 0
    parts: int = 0
    rows: int = 0
    packed_bytes: int = 0
    faults: list[str] = field(default_factory=list)


def verify(
    store: ObjectStore,
    postgres: Postgres,
    app: str,
    table: str,
    quarter: Quarter | None = None,
    wanted: Callable[[str], bool] = lambda _: True,
    progress: Progress = silent,
) -> Verified:
    """Read the sealed buckets of a quarter, or of all, and compare manifests, bytes, rows and checksums."""
    revisions = [r for r in ArchiveRegistry(postgres, app, table).sealed(quarter) if wanted(r.bucket)]
    done = Verified()
    for number, revision in enumerate(revisions, start=1):
        faults_of(store, app, table, revision, done)
        progress(number, len(revisions))
    return done


def faults_of(store: ObjectStore, app: str, table: str, revision: Revision, done: Verified) -> Sequence[str]:
    """Read one bucket and add to `done`. The faults of this bucket."""
    folder = bucket_folder(app, table, revision.quarter, revision.bucket)
    before = len(done.faults)
    done.buckets += 1
    try:
        manifest = manifest_of(store, folder, revision)
    except DamagedManifestError as error:
        done.faults.append(error.reason)
        return done.faults[before:]
    for part in manifest.parts:
        try:
            done.rows += sum(f.height for f in parts.read(store, folder, part, manifest.columns))
            done.packed_bytes += part.packed_bytes
            done.parts += 1
        except DamagedPartError as error:
            done.faults.append(error.reason)
    if not _agrees(manifest, revision):
        done.faults.append(f"{folder}: the manifest and the registry do not agree on rows and checksum")
    return done.faults[before:]


def _agrees(manifest: BucketManifest, revision: Revision) -> bool:
    return (manifest.rows, manifest.checksum, len(manifest.parts)) == (
        revision.rows,
        revision.checksum,
        revision.parts,
    )

"""What lies in sealed buckets: their manifests, compared with the registry, and their rows.

What belongs here: what both archive and retention read of a sealed revision. What does not: the format of parts.
"""

from collections.abc import Iterator, Sequence

import polars as pl

from assets.archive import parts
from assets.archive.layout import manifest_name
from assets.archive.manifest import BucketManifest, ManifestError, digest, instant, merged, parse
from assets.archive.registry import Revision
from assets.rows.columns import RowColumn, schema
from assets.windows import Window
from resources.r2 import ObjectNotFoundError, ObjectStore


class DamagedManifestError(RuntimeError):
    """A manifest is missing, cut or changed; the message names it."""


def manifest_of(store: ObjectStore, folder: str, revision: Revision) -> BucketManifest:
    """The manifest of a sealed revision.

    Raises:
        DamagedManifestError: it is not the one that was sealed.
    """
    key = f"{folder}/{manifest_name(revision.number)}"
    try:
        data = store.get(key)
    except ObjectNotFoundError:
        raise DamagedManifestError(f"{key}: missing") from None
    try:
        manifest = parse(data)
    except ManifestError as error:
        raise DamagedManifestError(f"{key}: {error}") from None
    if digest(data) != revision.manifest_sha256:
        raise DamagedManifestError(f"{key}: not the manifest that was sealed")
    return manifest


def rows_within(
    store: ObjectStore, folder: str, manifest: BucketManifest, columns: Sequence[RowColumn], window: Window
) -> Iterator[tuple[int, pl.DataFrame]]:
    """The rows of a bucket that may lie in a window, as frames of `columns`, each with its revision.

    Raises:
        DamagedPartError: a part is not what the manifest says.
    """
    start, end = instant(window.start), instant(window.end)
    for part in manifest.parts:
        if part.since < end and part.until > start:
            for frame in parts.read(store, folder, part, merged(manifest.columns, columns)):
                yield part.revision, frame.select(list(schema(columns)))

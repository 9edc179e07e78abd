"""What lies in sealed buckets: their manifests, compared with the registry, and their rows.

What belongs here: what both archive and retention read of a sealed revision. What does not: the format of parts.
"""

from collections.abc import Iterator, Sequence
from typing import Self

import polars as pl

from assets.archive import parts
from assets.archive.commands import command
from assets.archive.damage import DamagedError
from assets.archive.layout import manifest_name
from assets.archive.manifest import (
    BucketManifest,
    ManifestError,
    NewerFormatError,
    digest,
    instant,
    merged,
    parse,
)
from assets.archive.quarters import Quarter
from assets.archive.registry import Revision
from assets.rows.columns import RowColumn, schema
from assets.windows import Window
from resources.declined import DeclinedError
from resources.r2 import ObjectNotFoundError, ObjectStore


class NotArchivedError(DeclinedError):
    """Nothing of what was asked for is in a sealed archive."""

    @classmethod
    def of(cls, app: str, table: str, quarter: Quarter) -> Self:
        """The error about a quarter of a table."""
        listed = command("list", app, table)
        return cls(f"{quarter} of {app} {table}: no such sealed archive", f"{listed} shows what there is")


class DamagedManifestError(DamagedError):
    """A manifest is missing, cut or changed."""


class NewerManifestError(DeclinedError):
    """A manifest that was sealed by a newer release than this one can read."""


def manifest_of(store: ObjectStore, folder: str, revision: Revision) -> BucketManifest:
    """The manifest of a sealed revision.

    Raises:
        DamagedManifestError: it is not the one that was sealed.
        NewerManifestError: it is, and a newer release wrote it.
    """
    key = f"{folder}/{manifest_name(revision.number)}"
    try:
        data = store.get(key)
    except ObjectNotFoundError:
        raise DamagedManifestError(key, "missing") from None
    return checked_manifest(data, key, revision)


def checked_manifest(data: bytes, key: str, revision: Revision) -> BucketManifest:
    """The manifest of a sealed revision in these bytes; `key` names it in errors, which are those of `manifest_of`."""
    sealed = digest(data) == revision.manifest_sha256
    try:
        manifest = parse(data)
    except ManifestError as error:
        raise DamagedManifestError(key, str(error)) from None
    except NewerFormatError as error:
        if sealed:
            raise NewerManifestError(f"{key}: {error}", "upgrade, then run the same again") from None
    else:
        if sealed:
            return manifest
    raise DamagedManifestError(key, "not the manifest that was sealed")


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

"""Sealed buckets: their manifests, read and compared with what the registry says of them."""

from assets.archive.layout import manifest_name
from assets.archive.manifest import Manifest, ManifestError, digest, parse
from assets.archive.registry import Revision
from resources.r2 import ObjectNotFoundError, ObjectStore


class DamagedManifestError(RuntimeError):
    """A manifest is missing, cut or changed; the message names it."""


def manifest_of(store: ObjectStore, folder: str, revision: Revision) -> Manifest:
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

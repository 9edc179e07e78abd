"""The proof, from the store itself: every upload that the ledger knows has its variants or is in quarantine."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from assets.apps import Media
from assets.media import naming, plan
from assets.media.follow import Stretch, stretches
from assets.media.ledger import ImageLedger
from resources.r2 import ObjectStore


@dataclass
class MediaProof:
    """Uploads listed = made + quarantined + arrived after the last listing + missing."""

    uploads: int = 0
    made: int = 0
    quarantined: int = 0
    arrived: int = 0
    missing: int = 0


def audit(store: ObjectStore, ledger: ImageLedger, media: Media, folders: Iterable[str] | None) -> MediaProof:
    """List these folders (None: all) and compare them with the ledger."""
    proof = MediaProof()
    for stretch in stretches(store, media) if folders is None else _of(store, media, folders):
        known = ledger.between(stretch.after, stretch.until)
        objects = {info.key: info for info in stretch.objects}
        uploads = {naming.stem(key) for key in objects if _is_upload(media, key)}
        for key, info in objects.items():
            stem = naming.stem_of_variant(media, key)
            if not naming.is_image(key) or (stem is not None and stem in uploads):
                continue
            proof.uploads += 1
            row = known.get(key)
            if row is not None and plan.is_settled(media, info, row, objects):
                proof.made += row.state == "made"
                proof.quarantined += row.state == "quarantined"
            elif row is None or row.etag != info.etag:
                proof.arrived += 1
            else:
                proof.missing += 1
    return proof


def _is_upload(media: Media, key: str) -> bool:
    return naming.is_image(key) and naming.stem_of_variant(media, key) is None


def _of(store: ObjectStore, media: Media, folders: Iterable[str]) -> Iterator[Stretch]:
    for folder in sorted(folders):
        objects = [info for info in store.list(folder) if naming.folder_of(media, info.key) == folder]
        # Every key of a folder begins with it, so that the keys lie between the folder and the last possible one.
        yield Stretch(objects, len(objects), folder, f"{folder}\U0010ffff")

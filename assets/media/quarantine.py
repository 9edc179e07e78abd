"""Replaying refused images: they are put back where they were uploaded, as they are or corrected, and judged again."""

from collections import Counter
from collections.abc import Iterable
from typing import Literal

from assets.media import naming
from assets.media.ledger import RefusedImage
from resources.r2 import ObjectNotFoundError, ObjectStore

Outcome = Literal["again", "no_bytes", "replaced", "gone"]


def replay(store: ObjectStore, refused: Iterable[RefusedImage], corrected: bytes | None = None) -> Counter[Outcome]:
    """Put images back, or `corrected` in their place; returns how many had which outcome.

    An image is put back only over the empty object that its refusal left. `replaced` counts images over which another
    one was uploaded, `gone` those that the application deleted, `no_bytes` those of which no bytes are kept. The next
    look treats them as any upload. A repetition gives the same result.
    """
    return Counter(_replayed(store, image, corrected) for image in refused)


def _replayed(store: ObjectStore, image: RefusedImage, corrected: bytes | None) -> Outcome:
    data = corrected
    try:
        if data is None:
            data = store.get(naming.quarantined(image.key)) if image.kept else b""
    except ObjectNotFoundError:
        data = b""
    if not data:
        return "no_bytes"
    try:
        present = store.head(image.key)
    except ObjectNotFoundError:
        return "gone"
    if present.size or store.replace(image.key, data, present.etag or "") is None:
        return "replaced"
    return "again"

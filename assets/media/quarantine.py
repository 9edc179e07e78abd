"""Refused images on their way back: put where they were uploaded, as they are or mended, to be judged anew."""

from collections import Counter
from collections.abc import Iterable
from typing import Literal

from assets.media import naming
from assets.media.ledger import Refused
from resources.r2 import ObjectNotFoundError, ObjectStore

Outcome = Literal["again", "no_bytes", "replaced", "gone"]


def replay(store: ObjectStore, refused: Iterable[Refused], mended: bytes | None = None) -> Counter[Outcome]:
    """Put images back, or `mended` in their stead; what became of them.

    An image is put only where the empty object still lies that its refusal left: `replaced` counts those in whose place
    another one lies by now, `gone` those that the application deleted, `no_bytes` those of which nothing is kept. The
    next look makes of them what it makes of any upload. Done again, it ends the same.
    """
    return Counter(_replayed(store, image, mended) for image in refused)


def _replayed(store: ObjectStore, image: Refused, mended: bytes | None) -> Outcome:
    data = mended
    try:
        if data is None:
            data = store.get(naming.quarantined(image.key)) if image.kept else b""
    except ObjectNotFoundError:
        data = b""
    if not data:
        return "no_bytes"
    try:
        lies = store.head(image.key)
    except ObjectNotFoundError:
        return "gone"
    if lies.size or store.replace(image.key, data, lies.etag or "") is None:
        return "replaced"
    return "again"

"""Following uploads: the listing of the store is compared with the ledger, some whole folders at a time.

Keys sort by user, not by time, so new uploads cannot be listed alone. Each look lists a bounded stretch from where the
last look ended, and starts again from the beginning after the end. So its cost does not grow with the history, and with
fewer objects than its budget it sees all. A sweep lists everything. The position of the listing and the marks are
written in one transaction. Keys name users and therefore stay in the ledger.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from assets.apps import Media
from assets.media import naming, plan
from assets.media.ledger import ImageLedger
from resources.r2 import ObjectInfo, ObjectStore
from resources.r2.keys import checked_key

# 20 pages of a listing, which take some seconds.
BUDGET = 20_000
STRETCH = 2_000


@dataclass(frozen=True)
class Stretch:
    """The objects of users in whole folders after the key `after`, up to the key `until` (None: to the end).

    listed: how many objects were listed, also those outside of users' folders.
    """

    objects: list[ObjectInfo]
    listed: int
    after: str
    until: str | None


def follow(
    store: ObjectStore, ledger: ImageLedger, media: Media, *, sweep: bool = False, budget: int = BUDGET
) -> tuple[int, int]:
    """Mark uploads that are wanted or gone; returns how many objects were listed and how many uploads were marked."""
    listed = marked = 0
    position = ledger.position()
    for stretch in stretches(store, media, "" if sweep else position):
        known = ledger.between(stretch.after, stretch.until)
        if not sweep:
            position = stretch.until or ""
        marked += ledger.mark(plan.marks(media, stretch.objects, known), position)
        listed += stretch.listed
        if listed >= budget and not sweep:
            break
    return listed, marked


def stretches(store: ObjectStore, media: Media, after: str = "") -> Iterator[Stretch]:
    """The media of users, folder by folder, in parts of bounded size; the last may be empty."""
    objects: list[ObjectInfo] = []
    listed = 0
    folder = last = ""
    for info in store.list(media.root, start_after=after or None):
        # The objects of a folder inside this folder are listed between its own, so that they do not end it.
        if not folder or not info.key.startswith(folder):
            folder = naming.folder_of(media, info.key) or info.key
            if listed >= STRETCH:
                yield Stretch(objects, listed, after, last)
                objects, listed, after = [], 0, last
        last = info.key
        listed += 1
        if naming.folder_of(media, info.key) is not None and _is_addressable(info.key):
            objects.append(info)
    yield Stretch(objects, listed, after, None)


def _is_addressable(key: str) -> bool:
    """Whether the store accepts the key: a key of another program may have characters that it refuses."""
    try:
        checked_key(key)
    except ValueError:
        return False
    return True

"""Following uploads: a listing beside the ledger, a stretch of whole folders at a time.

Keys sort by user, not by time, so what is new cannot be listed alone. A look lists a bounded stretch, goes on where the
last one ended and begins anew at the end: its cost does not grow with the history, and below its budget it sees all. A
sweep lists everything. The place and the marks are one transaction; keys, which name users, stay in the ledger.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from assets.apps import Media
from assets.media import naming, plan
from assets.media.ledger import Ledger
from resources.r2 import ObjectInfo, ObjectStore
from resources.r2.keys import checked_key

# Twenty pages of a bucket's listing, some seconds.
BUDGET = 20_000
STRETCH = 2_000


@dataclass(frozen=True)
class Stretch:
    """Users' objects in whole folders behind the key `after`, up to the key `until` (None: to the end).

    listed: how many objects were listed for it, those that are no user's too.
    """

    objects: list[ObjectInfo]
    listed: int
    after: str
    until: str | None


def follow(
    store: ObjectStore, ledger: Ledger, media: Media, *, sweep: bool = False, budget: int = BUDGET
) -> tuple[int, int]:
    """Mark what is wanted and what is gone; returns how many objects were listed, how many uploads marked."""
    listed = marked = 0
    place = ledger.place()
    for stretch in stretches(store, media, "" if sweep else place):
        known = ledger.between(stretch.after, stretch.until)
        if not sweep:
            place = stretch.until or ""
        marked += ledger.mark(plan.marks(media, stretch.objects, known), place)
        listed += stretch.listed
        if listed >= budget and not sweep:
            break
    return listed, marked


def stretches(store: ObjectStore, media: Media, after: str = "") -> Iterator[Stretch]:
    """The media of users, folder by folder, in stretches of bounded size; the last may be empty."""
    held: list[ObjectInfo] = []
    listed = 0
    folder = last = ""
    for found in store.list(media.root, start_after=after or None):
        # Folders in a folder lie among its own objects, and are no end of it.
        if not folder or not found.key.startswith(folder):
            folder = naming.folder_of(media, found.key) or found.key
            if listed >= STRETCH:
                yield Stretch(held, listed, after, last)
                held, listed, after = [], 0, last
        last = found.key
        listed += 1
        if naming.folder_of(media, found.key) is not None and _is_addressable(found.key):
            held.append(found)
    yield Stretch(held, listed, after, None)


def _is_addressable(key: str) -> bool:
    """Whether the store takes the key back: another program's may have characters that it refuses."""
    try:
        checked_key(key)
    except ValueError:
        return False
    return True

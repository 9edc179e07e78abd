"""The objects of each kind that lands for an app, gone through once: looked at by several readers, changed alone.

What belongs here: the order, and the locks. What does not: what an object becomes (landing.py, quarantine.py).
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Generic, Protocol, TypeVar

from assets.apps import App
from assets.erasure import kinds
from assets.erasure.erased_people import ErasedPeople
from assets.erasure.kinds import LandedKind
from assets.privacy.identity import Erased, Identity
from assets.rooms import Rooms
from resources.r2 import ObjectInfo, ObjectStore

STRETCH = 1_000
READERS = 8

Found = TypeVar("Found")


class Work(Protocol[Found]):
    """What is done below one prefix of a kind."""

    @property
    def prefix(self) -> str:
        """The prefix, with a final slash."""

    def look(self, info: ObjectInfo) -> Found | None:
        """What is known of an object; None where it is gone. Several look at once."""

    def going(self, found: Sequence[Found]) -> Sequence[Found]:
        """Those of some objects that must change."""

    def write(self, found: Found) -> Erased:
        """Write one object again, or remove it, while nobody takes objects of the kind."""


@dataclass(frozen=True)
class LandedObjectsEraser(Generic[Found]):
    """An `Eraser` over one prefix of each kind. work: as of a kind."""

    rooms: Rooms
    app: App
    place: str
    work: Callable[[Rooms, LandedKind], Work[Found]]

    def erase(self, identities: Sequence[Identity]) -> Erased:
        """See Eraser. rows: lines that went.

        Raises:
            DeclinedError: an object cannot be read or written again; all before it are done.
        """
        people, done = ErasedPeople.of(identities, self.app.name), Erased(self.place)
        for kind in kinds.kinds(self.rooms, self.app, people) if people else ():
            work = self.work(self.rooms, kind)
            for stretch in _stretches(self.rooms.object_store, work.prefix):
                with ThreadPoolExecutor(READERS) as readers:
                    found = [each for each in readers.map(work.look, stretch) if each is not None]
                if going := work.going(found):
                    with kinds.alone(kind, self.rooms.postgres.lock):
                        for each in going:
                            done = done.plus(work.write(each))
        return done


def _stretches(store: ObjectStore, prefix: str) -> Iterator[list[ObjectInfo]]:
    """The objects of a prefix, each stretch listed after the end of the last one."""
    after = None
    while stretch := list(islice(store.list(prefix.rstrip("/"), start_after=after), STRETCH)):
        yield stretch
        after = stretch[-1].key

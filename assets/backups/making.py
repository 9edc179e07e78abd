"""One backup of one store: a set is written, read back whole, and marked as verified.

A run that is killed leaves parts without a manifest, or a set without a mark. Neither counts, and the rotation removes
them. What does not belong here: what a set holds (a method), and proving that it can be restored (drill.py).
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from time import monotonic
from typing import Any

from assets.backups.key_needs import require_own
from assets.backups.manifest import Kind, Manifest
from assets.backups.method import Contents, FullNeededError, FullOnlyError, Method
from assets.backups.parts import Draft
from assets.backups.sets import WHOLE_EVERY, Sets, find, seal
from assets.backups.target import Target, new_id
from assets.backups.verify import Verification
from assets.rooms import Clock
from resources.declined import DeclinedError


class NotReadBackError(DeclinedError):
    """A set that was just written does not read back. It counts as none."""


@dataclass(frozen=True)
class Made:
    """A set that was made and read back. full_because: why it is a full one, where an incremental was due.
    unreadable: how many earlier sets cannot be read. read: the bytes that were read back; whole: whether these are all
    that the set needs, or only what the newest good set had not.
    """

    manifest: Manifest
    seconds: float
    full_because: str = ""
    unreadable: int = 0
    read: int = 0
    whole: bool = True


@dataclass(frozen=True)
class Backup:
    """Makes the sets of one store. prune: is called with all sets once a further one is verified."""

    target: Target
    method: Method[Any]
    clock: Clock
    prune: Callable[[Sets], None] = lambda _: None

    def run(self, *, full: bool = False) -> Made:
        """A further set: an incremental on the newest verified one, else a full one. What that one has already is read
        again with a full one, and each 7th day, because a disk may forget.

        Raises:
            KeysMissingError: sets are there, and the key set opens none of them.
            NotReadBackError: what was written is not what lies there.
            TargetError: the target refuses or does not answer.
        """
        began = monotonic()
        store = self.method.store
        sets = find(self.target, store)
        if not sets.complete:
            require_own(self.target)
        base, because = sets.newest_good, ""
        drafted = None
        if base is not None and not full:
            try:
                drafted = self._incremental(base)
            except FullOnlyError:
                pass
            except FullNeededError as error:
                because = error.reason
        draft, contents = drafted or self._full()
        manifest = seal(draft, contents, code_version())
        now, there = self.clock(), find(self.target, store)
        read_whole_at = there.verified.get(base.id) if base is not None and not full else None
        known = base if read_whole_at is not None and now - read_whole_at < WHOLE_EVERY else None
        (read,) = Verification(self.target, there, now, known=known).run([manifest.id])
        if read.faults:
            raise NotReadBackError(
                f"{store} {manifest.id} does not read back: {read.faults[0]}", f"`clearlift backup run {store}` again"
            )
        self.prune(find(self.target, store))
        return Made(manifest, monotonic() - began, because, len(sets.damaged), read.bytes, known is None)

    def _incremental(self, base: Manifest) -> tuple[Draft, Contents]:
        draft = self._draft(Kind.INCREMENTAL)
        return draft, self.method.incremental(draft, base)

    def _full(self) -> tuple[Draft, Contents]:
        draft = self._draft(Kind.FULL)
        return draft, self.method.full(draft)

    def _draft(self, kind: Kind) -> Draft:
        store = self.method.store
        return Draft(self.target, store, new_id(self.clock(), kind))


def code_version() -> str:
    """The release that makes a set, as its manifest says it."""
    return f"clearlift-pipelines {version('clearlift-pipelines')}"

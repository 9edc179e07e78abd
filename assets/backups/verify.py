"""Verifying sets: every byte of a set and of all that it needs is read, and every fault is named.

What belongs here: finding faults, and the marks that say whether there are any. What does not: what the bytes mean,
which only a restore shows (drill.py).
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, partial

from assets.backups.at_once import SMALL_BYTES, at_once
from assets.backups.manifest import Manifest, Object, Part
from assets.backups.method import NotRestorableError
from assets.backups.parts import DamagedSetError, read_part
from assets.backups.sets import DAMAGED, MANIFEST, MARKS, VERIFIED, Sets, mark, mark_damaged, mark_verified
from assets.backups.target import Target
from assets.progress import Progress, silent
from resources.counts import listed
from resources.declined import DeclinedError


@dataclass(frozen=True)
class Verified:
    """What was read of one set and of those that it needs, and what was found, a line each. Of known parts only
    sizes were looked at, and they do not count.

    faults: why it cannot be restored. notes: what lies in the folders and is not of a set, which harms nothing.
    """

    id: str
    read: tuple[str, ...] = ()
    parts: int = 0
    bytes: int = 0
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass
class Verification:
    """The sets of one store in a target. A part that several sets need is read once.

    known: a good set whose parts, and those of its chain, are not read again; None to read all.
    """

    target: Target
    sets: Sets
    at: datetime
    progress: Progress = silent
    known: Manifest | None = None
    _faults: dict[Object, str | None] = field(default_factory=dict, init=False)
    _marked: dict[str, str] = field(default_factory=dict, init=False)

    def run(self, wanted: Collection[str] = ()) -> tuple[Verified, ...]:
        """Read the wanted sets, or all, and mark those that are whole, and all that have a damaged part as such.

        Raises:
            DeclinedError: there is no such set.
            TargetError: the target does not answer, which says nothing about damage.
        """
        damaged = {damage.id: damage.reason for damage in self.sets.damaged}
        known = [*(m.id for m in self.sets.complete), *damaged, *self.sets.unfinished]
        if unknown := [set_id for set_id in wanted if set_id not in known]:
            raise DeclinedError(
                f"there is no backup {unknown[0]} of {self.sets.store}", "`clearlift backup list` shows them all"
            )
        chosen = [set_id for set_id in sorted(known) if not wanted or set_id in wanted]
        found = []
        for number, set_id in enumerate(chosen, start=1):
            if set_id in damaged:
                found.append(Verified(set_id, faults=(f"{self._key(set_id, MANIFEST)}: {damaged[set_id]}",)))
            elif (manifest := self.sets.get(set_id)) is not None:
                found.append(self._set(manifest))
            elif set_id in wanted or VERIFIED in self.target.names(self.sets.store, set_id):
                # The mark is put after the manifest, and goes before it.
                found.append(Verified(set_id, faults=(f"{self._key(set_id, MANIFEST)}: missing",)))
            self.progress(number, len(chosen))
        return tuple(found)

    def _set(self, manifest: Manifest) -> Verified:
        try:
            chain = self.sets.chain(manifest)
        except NotRestorableError as error:
            return Verified(manifest.id, faults=(error.reason,))
        faults: list[str] = []
        notes: list[str] = []
        for one in chain:
            faults += self._faults_of(one)
            notes += self._notes_of(one)
        if faults:
            self._mark_damaged()
        else:
            whole_at = self.sets.verified[self.known.id] if self.known is not None else self.at
            for one in chain:
                mark_verified(self.target, self.sets.store, one.id, self.at, whole_at)
                if one.id in self.sets.faulty:
                    self.target.delete(self.sets.store, one.id, [DAMAGED])
        read = [part for one in chain for part in one.parts if one.object_of(part) not in self._known]
        return Verified(
            manifest.id,
            tuple(one.id for one in chain),
            len(read),
            sum(part.size for part in read),
            tuple(faults),
            tuple(notes),
        )

    @cached_property
    def _known(self) -> frozenset[Object]:
        chain = self.sets.chain(self.known) if self.known is not None else ()
        return frozenset[Object]().union(*(one.objects for one in chain))

    @cached_property
    def _sizes(self) -> dict[Object, int]:
        """The known parts that lie there, with their bytes."""
        folders = {set_id for set_id, _ in self._known}
        return {
            (set_id, name): size
            for set_id in folders
            for name, size in self.target.names(self.sets.store, set_id).items()
        }

    def _mark_damaged(self) -> None:
        """Mark every set that has a part with a fault, so that no further set takes the part over."""
        wrong = {of: fault for of, fault in self._faults.items() if fault}
        for one in self.sets.complete:
            if found := [wrong[of] for of in sorted(wrong.keys() & one.objects)]:
                said = listed(found, 1)
                if self._marked.get(one.id) != said:
                    mark_damaged(self.target, self.sets.store, one.id, self.at, said)
                    self._marked[one.id] = said

    def _faults_of(self, manifest: Manifest) -> Iterator[str]:
        """The faults of one set, without those that it needs."""
        left = {of: part for part in manifest.parts if (of := manifest.object_of(part)) not in self._faults}
        small = {of: part for of, part in left.items() if part.size <= SMALL_BYTES}
        look = partial(self._fault, manifest)
        self._faults |= dict(zip(small, at_once(look, small.values()), strict=True))
        self._faults |= {of: look(part) for of, part in left.items() if of not in small}
        for part in manifest.parts:
            if fault := self._faults[manifest.object_of(part)]:
                yield fault

    def _fault(self, manifest: Manifest, part: Part) -> str | None:
        # One that is cut or gone is read all the same, because that says which.
        if (of := manifest.object_of(part)) in self._known and self._sizes.get(of) == part.size:
            return None
        try:
            for _ in read_part(self.target, manifest, part):
                pass
        except DamagedSetError as error:
            return error.reason
        return None

    def _notes_of(self, manifest: Manifest) -> Iterator[str]:
        names = self.target.names(self.sets.store, manifest.id)
        own = {part.name for part in manifest.parts if not part.set_id}
        for name in sorted(names.keys() - own - {MANIFEST, *MARKS}):
            yield f"{self._key(manifest.id, name)}: not of this set"
        for name in MARKS:
            if name in names and mark(self.target, self.sets.store, manifest.id, name) is None:
                self.target.delete(self.sets.store, manifest.id, [name])
                yield f"{self._key(manifest.id, name)}: not the mark that was put there"

    def _key(self, set_id: str, name: str) -> str:
        return self.target.key(self.sets.store, set_id, name)

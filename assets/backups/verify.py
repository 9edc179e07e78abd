"""Verifying sets: every byte of a set and of all that it needs is read, and every fault is named.

What belongs here: finding faults, and the mark that says that there are none. What does not: what the bytes mean, which
only a restore shows (drill.py).
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from assets.backups.manifest import Manifest, Part
from assets.backups.method import NotRestorableError
from assets.backups.parts import DamagedSetError, read_part
from assets.backups.sets import MANIFEST, VERIFIED, Sets, is_marked, mark_verified
from assets.backups.target import Target
from assets.progress import Progress, silent
from resources.declined import DeclinedError


@dataclass(frozen=True)
class Verified:
    """What was read of one set and of those that it needs, and what was found, a line each.

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
    """The sets of one store in a target. A part that several sets need is read once."""

    target: Target
    sets: Sets
    at: datetime
    progress: Progress = silent
    _faults: dict[str, str | None] = field(default_factory=dict, init=False)

    def run(self, wanted: Collection[str] = ()) -> tuple[Verified, ...]:
        """Read the wanted sets, or all, and mark those that are whole; a damaged one loses its mark.

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
            found = list(self._faults_of(one))
            if found and one.id in self.sets.verified:
                self.target.delete(self.sets.store, one.id, [VERIFIED])
            faults += found
            notes += self._notes_of(one)
        if not faults:
            for one in chain:
                mark_verified(self.target, self.sets.store, one.id, self.at)
        return Verified(
            manifest.id,
            tuple(one.id for one in chain),
            sum(len(one.parts) for one in chain),
            sum(one.size for one in chain),
            tuple(faults),
            tuple(notes),
        )

    def _faults_of(self, manifest: Manifest) -> Iterator[str]:
        """The faults of one set, without those that it needs."""
        for part in manifest.parts:
            key = self._key(part.set_id or manifest.id, part.name)
            if key not in self._faults:
                self._faults[key] = self._fault(manifest, part)
            if fault := self._faults[key]:
                yield fault

    def _fault(self, manifest: Manifest, part: Part) -> str | None:
        try:
            for _ in read_part(self.target, manifest, part):
                pass
        except DamagedSetError as error:
            return error.reason
        return None

    def _notes_of(self, manifest: Manifest) -> Iterator[str]:
        names = self.target.names(self.sets.store, manifest.id)
        own = {part.name for part in manifest.parts if not part.set_id}
        for name in sorted(names.keys() - own - {MANIFEST, VERIFIED}):
            yield f"{self._key(manifest.id, name)}: not of this set"
        if VERIFIED in names and not is_marked(self.target, self.sets.store, manifest.id):
            self.target.delete(self.sets.store, manifest.id, [VERIFIED])
            yield f"{self._key(manifest.id, VERIFIED)}: not the mark that was put there"

    def _key(self, set_id: str, name: str) -> str:
        return self.target.key(self.sets.store, set_id, name)

"""Which sets of a store there are, which of them are verified, and which need which.

The truth lies in the target alone, because our own Postgres may be what is lost. A set counts once its manifest is
there, which is put last; it is verified once a mark lies beside it. What does not belong here: reading a set's parts.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from assets.backups.manifest import Manifest, ManifestError, NewerFormatError, parse
from assets.backups.method import Contents, NotRestorableError
from assets.backups.parts import Draft
from assets.backups.target import Document, OtherKeySetError, StoreName, TakenError, Target, begun_at
from resources.keyring import SealError
from resources.r2 import ObjectNotFoundError

MANIFEST = "manifest"
VERIFIED = "verified"
DAMAGED = "damaged"
DRILLED = "drilled"
MARKS = (VERIFIED, DAMAGED, DRILLED)
MISSING = "missing"
WHOLE_EVERY = timedelta(days=6, hours=12)
"""From this age of the last whole reading on, what had been read before is read again: each 7th day of a daily backup.
"""


@dataclass(frozen=True)
class Damage:
    """A set that cannot be used at all, and why. sealed: it does not open, as with the keys of another key set.
    key: the missing one, where the set names it.
    """

    id: str
    reason: str
    sealed: bool = False
    key: str = ""


@dataclass(frozen=True)
class Sets:
    """What lies of one store, in order of time.

    complete: the manifests that can be read. verified: the ids with a mark, each with the time when all that it needs
    was last read. faulty: complete sets in whose parts a fault was found when they were last read, with the fault.
    damaged: sets whose manifest is no longer what was written, is gone, is of a newer release, or whose key is gone.
    unfinished: ids that never had a manifest.
    """

    store: StoreName
    complete: tuple[Manifest, ...] = ()
    verified: Mapping[str, datetime] = field(default_factory=dict)
    faulty: Mapping[str, str] = field(default_factory=dict)
    damaged: tuple[Damage, ...] = ()
    unfinished: tuple[str, ...] = ()

    @cached_property
    def _by_id(self) -> dict[str, Manifest]:
        return {manifest.id: manifest for manifest in self.complete}

    def get(self, set_id: str) -> Manifest | None:
        """The manifest of a complete set."""
        return self._by_id.get(set_id)

    def chain(self, manifest: Manifest) -> tuple[Manifest, ...]:
        """The sets that a restore of this one reads: the one that stands alone first, itself last.

        Raises:
            NotRestorableError: one of them is missing.
        """
        chain, gone = self._needed(manifest)
        if gone:
            reasons = {d.id: d.reason for d in self.damaged if d.reason != MISSING}
            why = f"cannot be read: {reasons[gone]}" if gone in reasons else "is not there"
            raise NotRestorableError(f"{self.store} {manifest.id} needs {gone}, which {why}", self.instead())
        return chain

    def _needed(self, manifest: Manifest) -> tuple[tuple[Manifest, ...], str]:
        """The chain of a set as far as it is there, and the id of the one that is not."""
        chain = [manifest]
        while (base := chain[0].base) is not None:
            found = self.get(base)
            if found is None or found in chain:
                return tuple(chain), base
            chain.insert(0, found)
        return tuple(chain), ""

    def is_restorable(self, manifest: Manifest) -> bool:
        """Whether a set and all that it needs are there."""
        return not self._needed(manifest)[1]

    def fault(self, manifest: Manifest) -> str:
        """Why a set cannot be restored, as it was last read: itself or one that it needs is damaged; empty if not."""
        chain, gone = self._needed(manifest)
        if gone:
            return "what it needs is not there"
        found = next((one.id for one in chain if one.id in self.faulty), "")
        needs = f"it needs {found}, " if found != manifest.id else ""
        return f"{needs}{self.faulty[found]}" if found else ""

    def instead(self, at: datetime | None = None, but: Manifest | None = None) -> str:
        """The next step of who asked for what cannot be restored, such as `at` or the set `but`: what can be."""
        there = [m.moment for m in self.complete if m != but and not self.fault(m)]
        other = "other " if but else ""
        if not there:
            return f"no {other}moment can be restored; `clearlift backup run {self.store} --full` makes a set"
        first, last = there[0], there[-1]
        if first == last:
            return f"--at {first.isoformat()} is the only {other}moment that can be restored"
        said = f"--at any time from {first.isoformat()} to {last.isoformat()}"
        if at is None or not first < at < last:
            return said
        before, after = max(m for m in there if m <= at), min(m for m in there if m > at)
        return f"{said} that a set holds; nearest are {before.isoformat()} and {after.isoformat()}"

    def is_good(self, manifest: Manifest) -> bool:
        """Whether a set and all that it needs are there and verified."""
        return self.is_restorable(manifest) and all(needed.id in self.verified for needed in self.chain(manifest))

    def unverified(self, at: datetime, longest: timedelta) -> tuple[Manifest, ...]:
        """The sets that were begun longer ago than this and were never read back."""
        read = self.verified.keys() | self.faulty.keys()
        return tuple(m for m in self.complete if m.id not in read and at - begun_at(m.id) > longest)

    @property
    def unreliable(self) -> tuple[Damage, ...]:
        """The sets that are damaged by themselves, whether it is seen at once or was found when they were read."""
        return (*self.damaged, *(Damage(set_id, fault) for set_id, fault in self.faulty.items()))

    @property
    def foreign(self) -> bool:
        """Whether not one set opens, as with the keys of another key set."""
        return not self.complete and any(damage.sealed for damage in self.damaged)

    @property
    def newest_good(self) -> Manifest | None:
        """The good set that reaches furthest; the base of the next incremental."""
        return max(filter(self.is_good, self.complete), key=lambda m: (m.moment, m.id), default=None)

    def passed_over(self, chosen: Manifest, *, unverified: bool = False) -> Damage | None:
        """The newest set which was begun no earlier than a chosen one and cannot be restored; None where there is none.

        unverified: one that was not verified counts too.
        """
        found = [damage for damage in self.damaged if begun_at(damage.id) >= begun_at(chosen.id)]
        for manifest in self.complete:
            if (manifest.moment, manifest.id) > (chosen.moment, chosen.id):
                try:
                    chain = self.chain(manifest)
                except NotRestorableError as error:
                    found.append(Damage(manifest.id, error.reason))
                    continue
                if unverified and (waiting := [one.id for one in chain if one.id not in self.verified]):
                    found.append(Damage(manifest.id, self.fault(manifest) or f"{waiting[0]} is not verified"))
        return max(found, key=lambda damage: damage.id, default=None)

    def at_or_before(self, at: datetime | None) -> tuple[Manifest, ...]:
        """The chain of the newest set whose moment is not after `at`, for a method without a log.

        Raises:
            NotRestorableError: there is none.
        """
        found = [m for m in self.complete if at is None or m.moment <= at]
        if not found:
            age = f" as old as {at:%Y-%m-%d %H:%M:%S} UTC" if at else ""
            raise NotRestorableError(f"there is no backup of {self.store}{age}", self.instead(at))
        return self.chain(max(found, key=lambda m: (m.moment, m.id)))

    def at_position(self, position: str) -> tuple[Manifest, ...]:
        """The chain of the newest set that ends at a position or has this id, for a method without a log.

        Raises:
            NotRestorableError: there is none.
        """
        found = [m for m in self.complete if position in (m.until, m.id)]
        if not found:
            raise NotRestorableError(f"no backup of {self.store} has the position {position}", self.instead())
        return self.chain(found[-1])


def find(target: Target, store: StoreName) -> Sets:
    """All sets of a store, as they lie in the target now."""
    complete: list[Manifest] = []
    verified: dict[str, datetime] = {}
    faulty: dict[str, str] = {}
    damaged: list[Damage] = []
    unfinished: list[str] = []
    for set_id in target.ids(store):
        try:
            manifest = read_manifest(target, store, set_id)
        except ObjectNotFoundError:
            # The mark is put after the manifest, and goes before it.
            if mark(target, store, set_id, VERIFIED) is not None:
                damaged.append(Damage(set_id, MISSING))
            else:
                unfinished.append(set_id)
            continue
        except (SealError, ManifestError, NewerFormatError) as error:
            key = error.key if isinstance(error, OtherKeySetError) else ""
            damaged.append(Damage(set_id, str(error), isinstance(error, SealError), key))
            continue
        complete.append(manifest)
        if (whole_at := mark(target, store, set_id, VERIFIED)) is not None:
            verified[set_id] = whole_at
        elif fault := _fault(target, store, set_id):
            faulty[set_id] = fault
    complete.sort(key=lambda m: (m.moment, m.id))
    return Sets(store, tuple(complete), verified, faulty, tuple(damaged), tuple(unfinished))


def read_manifest(target: Target, store: StoreName, set_id: str) -> Manifest:
    """The manifest of a set.

    Raises:
        ObjectNotFoundError: there is none, so that the set is unfinished.
        SealError: it is not what was written there, or its key or that of a part is gone.
        ManifestError, NewerFormatError: as of `manifest.parse`.
    """
    manifest = manifest_of(target, store, set_id, target.document(store, set_id, MANIFEST))
    # Parts that were taken over have the key of the set that put them.
    for key_id in sorted({part.key_id for part in manifest.parts} - target.keyring.ids):
        raise OtherKeySetError(f"parts of {store} {set_id}", key_id, "", target.keyring)
    return manifest


def manifest_of(target: Target, store: StoreName, set_id: str, document: Document) -> Manifest:
    """The same of one that was read; raises as `read_manifest`, except for one that is not there."""
    manifest = parse(target.opened(document))
    if (manifest.app, manifest.store, manifest.id) != (store.app, store.store, set_id):
        raise ManifestError(f"it says that it is {manifest.app}/{manifest.store}/{manifest.id}")
    return manifest


def seal(draft: Draft, contents: Contents, code_version: str) -> Manifest:
    """Make a set of a draft: put the manifest, last."""
    manifest = Manifest(
        app=draft.store.app,
        store=draft.store.store,
        id=draft.id,
        kind=contents.kind,
        base=contents.base,
        since=contents.since,
        until=contents.until,
        moment=contents.moment,
        code_version=code_version,
        schema=contents.schema,
        tables=tuple(contents.tables),
        parts=tuple(draft.parts),
        facts=dict(contents.facts),
    )
    draft.target.put_sealed(draft.store, draft.id, MANIFEST, manifest.to_json())
    return manifest


def mark_verified(
    target: Target, store: StoreName, set_id: str, at: datetime, whole_at: datetime | None = None
) -> None:
    """Note that what was new of a set and its chain was read and was right. A second mark changes nothing.

    whole_at: when all of it was; None for now.
    """
    _put_mark(target, store, set_id, VERIFIED, at, whole_at)


def mark_drilled(target: Target, store: StoreName, set_id: str, at: datetime, whole_at: datetime | None = None) -> None:
    """Note that what was new of a set was restored and compared; as `mark_verified`."""
    _put_mark(target, store, set_id, DRILLED, at, whole_at)


def _put_mark(
    target: Target, store: StoreName, set_id: str, name: str, at: datetime, whole_at: datetime | None
) -> None:
    said = {"at": at.isoformat(), "whole_at": (whole_at or at).isoformat()}
    with suppress(TakenError):
        target.put_sealed(store, set_id, name, json.dumps(said).encode())


def mark_damaged(target: Target, store: StoreName, set_id: str, at: datetime, fault: str) -> None:
    """Note the fault that was found in a set, in the place of the mark that says that it is verified."""
    target.delete(store, set_id, [DAMAGED])
    with suppress(TakenError):
        target.put_sealed(store, set_id, DAMAGED, json.dumps({"at": at.isoformat(), "fault": fault}).encode())
    target.delete(store, set_id, [VERIFIED])


def _fault(target: Target, store: StoreName, set_id: str) -> str:
    try:
        return str(json.loads(target.get_sealed(store, set_id, DAMAGED))["fault"])
    except (ObjectNotFoundError, SealError):
        return ""


def mark(target: Target, store: StoreName, set_id: str, name: str) -> datetime | None:
    """When all of a set was last read, as its mark says; None without one. One that somebody else put there is none."""
    try:
        said = json.loads(target.get_sealed(store, set_id, name))
    except (ObjectNotFoundError, SealError):
        return None
    # The first releases read all of each set.
    return datetime.fromisoformat(said.get("whole_at", said["at"]))


def any_marked(target: Target, store: StoreName) -> bool:
    """Whether a mark lies beside any set: two requests where the newest has one, however many sets there are."""
    return any(mark(target, store, set_id, VERIFIED) for set_id in reversed(target.ids(store)))


def opens_any(target: Target) -> bool:
    """Whether the keys of a target open any set that lies there, of any store."""
    for store in target.stores():
        for set_id in reversed(target.ids(store)):
            try:
                target.get_sealed(store, set_id, MANIFEST)
            except (ObjectNotFoundError, SealError):
                continue
            return True
    return False

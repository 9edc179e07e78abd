"""A drill: the newest verified sets of a store are restored to a scratch place, and what came back is compared.

RPO is what a loss of the store would cost now: the time since the last moment that comes back. RTO is how long the
restore took, with all that it is compared with. What does not belong here: what a restore does (restore.py).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from assets.backups.manifest import Manifest
from assets.backups.method import NotRestorableError, Scope
from assets.backups.parts import DamagedSetError
from assets.backups.restore import DiffersError, Done, PassedOverError, Restore, readable
from assets.backups.scratch import scratch
from assets.backups.sets import DRILLED, WHOLE_EVERY, Sets, find, mark, mark_drilled
from assets.rooms import Clock
from resources.keyring import SealError


@dataclass(frozen=True)
class Drilled:
    """A drill that went well. opened: sealed fields that were opened."""

    done: Done
    rpo: timedelta
    opened: int

    @property
    def whole(self) -> bool:
        """Whether all of the store was restored, or only what was new since the drill before."""
        return not self.done.restored.new_only

    @property
    def rto(self) -> timedelta:
        """How long it took until the store was back and compared."""
        return timedelta(seconds=self.done.seconds)


@dataclass(frozen=True)
class Drill:
    """Drills one store. root: the folder of scratch places. opens: how many sealed fields of a place it could open."""

    restore: Restore
    root: Path
    clock: Clock
    opens: Callable[[Any], int]

    def run(self, *, whole: bool = True) -> Drilled:
        """Restore and compare; the scratch place is gone afterwards.

        whole: all of the store. Else what a drill of the last days has restored is left out where the store is made of
        files that never change; each 7th day it comes too.

        Raises:
            NotRestorableError: no set is verified.
            PassedOverError: a newer set than the newest verified one is damaged or was not verified.
            UnreadableError, DamagedSetError, DiffersError: as of a restore; the last one also for a sealed field that
                does not open.
        """
        method, target = self.restore.method, self.restore.target
        sets = readable(find(target, method.store))
        newest = sets.newest_good
        if newest is None:
            raise NotRestorableError(
                f"no backup of {method.store} is verified", f"`clearlift backup run {method.store}`"
            )
        damage = sets.passed_over(newest, unverified=True)
        if damage is not None:
            raise PassedOverError(
                f"{method.store} {damage.id} cannot be relied on: {damage.reason}; what comes back is of "
                f"{newest.moment:%Y-%m-%d %H:%M:%S} UTC",
                f"`clearlift backup verify {method.store}`, then `clearlift backup run {method.store}`",
            )
        now, before, whole_at = self.clock(), None, None
        if not whole and (found := self._last(sets)) is not None and now - found[1] < WHOLE_EVERY:
            before, whole_at = found
        with scratch(self.root) as folder, method.scratch(folder) as place:
            try:
                done = self.restore.into(place, sets.chain(newest), Scope(since=before))
            except DamagedSetError as error:
                step = f"put a copy of it back, or `clearlift backup run {method.store} --full`"
                raise DamagedSetError(error.key, error.what, step) from None
            if gone := done.restored.without_place:
                raise DiffersError(
                    f"{method.store} came back without {', '.join(gone)}, because no migration makes "
                    f"{'it' if len(gone) == 1 else 'them'}",
                    "add a migration that does, or drop what nobody needs",
                )
            opened = self._opened(place)
        mark_drilled(target, method.store, newest.id, now, whole_at if done.restored.new_only else now)
        return Drilled(done, self.clock() - done.restored.moment, opened)

    def _last(self, sets: Sets) -> tuple[Manifest, datetime] | None:
        """The newest set that was drilled, and when all of the store was."""
        for manifest in reversed(sets.complete):
            whole_at = mark(self.restore.target, sets.store, manifest.id, DRILLED)
            if whole_at is not None:
                return manifest, whole_at
        return None

    def _opened(self, place: Any) -> int:
        try:
            return self.opens(place)
        except SealError as error:
            raise DiffersError(
                f"{self.restore.method.store} came back, and a sealed field does not open: {error}",
                "bring back the key set that sealed it; docs/recovery.md says how",
            ) from None

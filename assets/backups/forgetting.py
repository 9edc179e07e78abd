"""Giving up a set that cannot be relied on, with the sets that need it: the newest good one counts again.

Manifests and marks go. Parts that no other set names go with a rotation, after its grace. What does not belong here:
sets that are good, which only the rotation removes (removal.py).
"""

from dataclasses import dataclass

from assets.backups.manifest import Manifest
from assets.backups.restore import NotConfirmedError, readable
from assets.backups.sets import MANIFEST, MARKS, Damage, Sets, find
from assets.backups.target import StoreName, Target
from resources.counts import counted, listed
from resources.declined import DeclinedError

NAMED = 8  # sets of a sentence


@dataclass(frozen=True)
class Forgotten:
    """What is given up. needing: the sets that need it, the newest first. left: the newest good set, None for none."""

    id: str
    needing: tuple[str, ...]
    left: Manifest | None

    def __str__(self) -> str:
        needing = counted(len(self.needing), "set that needs it", "sets that need it")
        with_them = f", and {needing}: {listed(self.needing, NAMED)}" if self.needing else ""
        newest = f"is {self.left.id} of {self.left.moment:%Y-%m-%d %H:%M:%S} UTC" if self.left else "is none"
        return f"{self.id}{with_them}; the newest good set {newest}"


def forget(target: Target, store: StoreName, set_id: str, *, confirmed: bool = False) -> Forgotten:
    """Give up a set of a store. Killed and run again, it ends the same.

    Raises:
        NotConfirmedError: nobody confirmed it; the error says what would go.
        DeclinedError: there is no such set, it is good, or it never counted.
        UnreadableError: not one set opens, which says more of the key set than of the sets.
        TargetError: the target refuses to delete it, or does not answer.
    """
    sets = readable(find(target, store))
    why = _wrong(sets, set_id)
    done = Forgotten(set_id, _needing(sets, set_id), sets.newest_good)
    if not confirmed:
        raise NotConfirmedError(
            f"this would give up {store} {done} ({set_id}: {why})", "the same with --confirm does it"
        )
    # The newest first: a set that a kill leaves over has all that it had. Marks go before their manifest, because one
    # alone is damage (verify.py).
    for one in (*done.needing, set_id):
        for name in (*MARKS, MANIFEST):
            target.delete(store, one, [name])
    return done


def _wrong(sets: Sets, set_id: str) -> str:
    """Why a set cannot be relied on."""
    damage: Damage | None = next((one for one in sets.damaged if one.id == set_id), None)
    if damage is not None:
        return damage.reason
    manifest = sets.get(set_id)
    if manifest is None:
        if set_id in sets.unfinished:
            raise DeclinedError(
                f"{sets.store} {set_id} was never finished, and counts as none", "leave it to the rotation"
            )
        raise DeclinedError(f"there is no backup {set_id} of {sets.store}", "`clearlift backup list` shows them all")
    if sets.is_good(manifest):
        raise DeclinedError(
            f"{sets.store} {set_id} is verified, with all that it needs",
            f"`clearlift backup verify {sets.store} {set_id}` reads it again; what no rule keeps goes by rotation",
        )
    return sets.fault(manifest) or "it is not verified, or a set that it needs is not"


def _needing(sets: Sets, set_id: str) -> tuple[str, ...]:
    """The sets whose chain has a set in it, the newest first; those of a damaged manifest say nothing of theirs."""
    needed, found = {set_id}, []
    for manifest in sets.complete:  # in order of time, so that a base comes before who needs it
        if manifest.base in needed:
            needed.add(manifest.id)
            found.append(manifest.id)
    return tuple(reversed(found))

"""Rotation carried out: the manifest of a set that goes is removed at once, what lies below it after a grace.

A rotation writes down what no manifest names. The one after the grace removes what was written down then and is still
named by none, so that a restore that began before can end, and a backup may take over parts that it saw. Parts of
killed backups go the same way. What does not belong here: which sets stay (rotation.py).
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from secrets import token_hex

from assets.backups.manifest import Manifest, Object
from assets.backups.rotation import RotationPolicy, kept
from assets.backups.sets import MANIFEST, MARKS, find
from assets.backups.target import StoreName, Target, TargetError
from resources.keyring import SealError
from resources.r2 import ObjectNotFoundError

# Longer than any run, whose parts or whose borrowed parts could go else (dagster.yaml, max_runtime_seconds).
GRACE = timedelta(hours=24)
UNNAMED = "unnamed"
_AT = "%Y%m%dT%H%M%SZ"


@dataclass
class Rotated:
    """What a rotation did.

    kept: the sets that stay, each with the rule. dropped: the sets that went. removed: how many objects went after
    their grace. waiting: how many objects wait for the end of it. held: what the target refuses to delete, by a lock
    or because its keys may only write; a set whose manifest is among it stays whole. unreadable: sets whose manifest
    cannot be read. While there is one, nothing goes, because nobody knows what it needs.
    """

    kept: Mapping[str, str] = field(default_factory=dict)
    dropped: list[str] = field(default_factory=list)
    removed: int = 0
    waiting: int = 0
    held: list[str] = field(default_factory=list)
    unreadable: tuple[str, ...] = ()


def rotate(
    target: Target, store: StoreName, policy: RotationPolicy, now: datetime, *, dry_run: bool = False
) -> Rotated:
    """Rotate the sets of a store; `dry_run` only says what would be dropped and removed. Killed and run again, it ends
    the same.

    Raises:
        TargetError: the target cannot be reached.
    """
    # Listed before the manifests are read: what is put meanwhile is not in the list.
    listed = list(_objects(target, store))
    sets = find(target, store)
    good = {manifest.id for manifest in sets.complete if sets.is_good(manifest)}
    done = Rotated(kept(sets.complete, good, policy), unreadable=tuple(damage.id for damage in sets.damaged))
    if done.unreadable:
        return done
    # The newest first: a set that is left over by a kill then has all that it needs.
    going = [m for m in reversed(sets.complete) if m.id not in done.kept]
    if dry_run:
        done.dropped = [manifest.id for manifest in going]
    else:
        done.dropped = [manifest.id for manifest in going if _drop(target, store, manifest.id, done)]
    named = set(_named(m for m in sets.complete if m.id not in done.dropped))
    unnamed = [one for one in listed if one not in named]
    _collect(target, store, unnamed, now, done, dry_run=dry_run)
    return done


def _drop(target: Target, store: StoreName, set_id: str, done: Rotated) -> bool:
    # Marks go first: one without its manifest is damage (verify.py).
    return all(_delete(target, store, set_id, [name], done) for name in (*MARKS, MANIFEST))


def _collect(
    target: Target, store: StoreName, unnamed: Sequence[Object], now: datetime, done: Rotated, *, dry_run: bool
) -> None:
    """Remove what was unnamed a grace ago and is so now; write down the rest."""
    lists = {name: _read(target, store, name) for name in target.names(store, UNNAMED)}
    ripe = {name for name in lists if _written_at(name) <= now - GRACE}
    old = set().union(*(lists[name] for name in ripe))
    gone: set[Object] = set()
    for set_id, some in groupby((one for one in unnamed if one in old), key=lambda one: one[0]):
        objects = list(some)
        if dry_run or _delete(target, store, set_id, [name for _, name in objects], done):
            gone.update(objects)
    done.removed = len(gone)
    waiting = [one for one in unnamed if one not in gone]
    done.waiting = len(waiting)
    if dry_run:
        return
    if ripe and not done.held and _delete(target, store, UNNAMED, sorted(ripe), done):
        lists = {name: written for name, written in lists.items() if name not in ripe}
    if not set(waiting) <= set().union(*lists.values()):
        name = f"{now.astimezone(UTC).strftime(_AT)}-{token_hex(6)}"
        target.put_sealed(store, UNNAMED, name, json.dumps(waiting).encode())


def _objects(target: Target, store: StoreName) -> Iterator[Object]:
    """All objects in the folders of sets."""
    for set_id in target.ids(store):
        yield from ((set_id, name) for name in target.names(store, set_id))


def _named(manifests: Iterable[Manifest]) -> Iterator[Object]:
    """The objects that sets need."""
    for manifest in manifests:
        yield from ((manifest.id, name) for name in (MANIFEST, *MARKS))
        yield from manifest.objects


def _read(target: Target, store: StoreName, name: str) -> set[Object]:
    """What was written down; nothing where the list is not what was put there."""
    try:
        return {(set_id, of) for set_id, of in json.loads(target.get_sealed(store, UNNAMED, name))}
    except (ObjectNotFoundError, SealError):
        return set()


def _written_at(name: str) -> datetime:
    return datetime.strptime(name.partition("-")[0], _AT).replace(tzinfo=UTC)


def _delete(target: Target, store: StoreName, set_id: str, names: Sequence[str], done: Rotated) -> bool:
    """Delete objects of a set; False where the target answers, and refuses."""
    try:
        target.delete(store, set_id, names)
    except TargetError:
        if not target.names(store, set_id):  # an error where it does not answer at all
            raise
        done.held.append(set_id)
        return False
    return True

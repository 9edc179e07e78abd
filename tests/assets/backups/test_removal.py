"""Rotation carried out: what goes, when, and what stays whole, also after a kill at each call of the store."""

from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from assets.backups.manifest import Manifest
from assets.backups.removal import GRACE, UNNAMED, Rotated, rotate
from assets.backups.rotation import RotationPolicy
from assets.backups.sets import MANIFEST, VERIFIED, find, mark_verified
from assets.backups.target import Target, TargetError
from resources.r2 import FolderObjectStore, ObjectStoreError
from tests.assets.backups.dying import Dying, Killed
from tests.assets.backups.planted import NOON, STORE, contents, planted, target

DAY = timedelta(days=1)
LAST = RotationPolicy(days=1, weeks=0, months=0)


def good(at: Target, days: Iterable[int], **of: object) -> list[Manifest]:
    """A verified set on each day."""
    made = [planted(at, NOON + day * DAY) for day in days]
    for one in made:
        mark_verified(at, STORE, one.id, one.moment)
    return made


def rotated(at: Target, days: float) -> Rotated:
    return rotate(at, STORE, LAST, NOON + days * DAY)


def objects(folder: Path) -> list[str]:
    """What lies in the folders of sets."""
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and UNNAMED not in path.parts
    )


def test_the_manifest_of_a_set_goes_at_once_and_its_parts_after_a_grace(tmp_path: Path) -> None:
    at = target(tmp_path)
    old, new = good(at, range(2))
    whole = objects(tmp_path)

    first = rotated(at, 1)

    assert (first.dropped, first.removed, first.waiting) == ([old.id], 0, len(old.parts) + 2)
    manifest, mark = (at.key(STORE, old.id, name) for name in (MANIFEST, VERIFIED))
    assert objects(tmp_path) == [name for name in whole if name not in (manifest, mark)]
    assert contents(at, old)  # a restore that has begun goes on
    again = rotated(at, 1 + GRACE / DAY - 0.01)
    assert (again.dropped, again.removed, again.waiting) == ([], 0, len(old.parts))
    last = rotated(at, 1 + GRACE / DAY)
    assert (last.dropped, last.removed, last.waiting) == ([], len(old.parts), 0)
    assert objects(tmp_path) == [name for name in whole if new.id in name]
    assert rotated(at, 9) == Rotated({new.id: "newest verified set"})
    assert [path.name for path in tmp_path.rglob(f"{UNNAMED}/*")] == []


def test_a_dry_run_says_the_same_and_touches_nothing(tmp_path: Path) -> None:
    at = target(tmp_path)
    old, _ = good(at, range(2))
    for day in (1.0, 2.0):
        before = sorted(path for path in tmp_path.rglob("*"))
        said = rotate(at, STORE, LAST, NOON + day * DAY, dry_run=True)
        assert sorted(path for path in tmp_path.rglob("*")) == before
        done = rotated(at, day)
        assert (said.dropped, said.removed) == (done.dropped, done.removed)
    assert find(at, STORE).get(old.id) is None


def test_parts_that_a_kept_set_took_over_stay(tmp_path: Path) -> None:
    at = target(tmp_path)
    (old,) = good(at, [0])
    new = planted(at, NOON + DAY, files=(b"new",), reused=old)
    mark_verified(at, STORE, new.id, NOON)
    assert rotated(at, 1).dropped == [old.id]
    assert rotated(at, 3).waiting == 0
    assert contents(at, new)

    (last,) = good(at, [4])
    assert rotated(at, 4).dropped == [new.id]
    rotated(at, 6)
    assert all(last.id in name for name in objects(tmp_path))


def test_parts_of_a_killed_backup_go_after_the_grace_and_those_of_a_running_one_stay(tmp_path: Path) -> None:
    at = target(tmp_path)
    (last,) = good(at, [0])
    begun = planted(at, NOON + DAY)
    manifest = Path(tmp_path, at.key(STORE, begun.id, MANIFEST))
    ready = manifest.read_bytes()
    manifest.unlink()
    assert rotated(at, 1).waiting == len(begun.parts)

    manifest.write_bytes(ready)  # its run comes to its end
    assert (rotated(at, 2.5).removed, contents(at, begun)) == (0, contents(at, begun))
    manifest.unlink()
    assert rotated(at, 4).removed == 0
    assert rotated(at, 5).removed == len(begun.parts)
    assert all(last.id in name for name in objects(tmp_path))


def test_while_a_manifest_cannot_be_read_nothing_goes(tmp_path: Path) -> None:
    at = target(tmp_path)
    _, damaged, _ = good(at, range(3))
    manifest = Path(tmp_path, at.key(STORE, damaged.id, MANIFEST))
    manifest.write_bytes(manifest.read_bytes()[:-1])
    before = objects(tmp_path)
    found = rotated(at, 2)
    assert (found.unreadable, found.dropped, found.removed) == ((damaged.id,), [], 0)
    assert objects(tmp_path) == before


class Locked(FolderObjectStore):
    """A bucket with a lock over some keys: what is put there cannot be overwritten or deleted."""

    lock = ""

    def delete(self, keys: str | Iterable[str]) -> None:
        for key in [keys] if isinstance(keys, str) else keys:
            if self.lock and self.lock in key:
                raise ObjectStoreError(f"delete {key}: PermissionDeniedError: the object is locked")
            super().delete(key)


def test_a_lock_of_the_target_is_respected_and_reported(tmp_path: Path) -> None:
    store = Locked(tmp_path)
    at = target(store)
    old, _ = good(at, range(2))
    store.lock = old.id
    whole = objects(tmp_path)

    assert (rotated(at, 1).held, objects(tmp_path)) == ([old.id], whole)
    assert find(at, STORE).is_good(old)
    store.lock = "/part-"  # over parts only: they stay behind, and are asked for again each time
    assert rotated(at, 2).dropped == [old.id]
    for day in (3, 4, 5):
        found = rotated(at, day)
        assert (found.held, found.removed, found.waiting) == ([old.id], 0, len(old.parts))
    store.lock = ""
    assert rotated(at, 6).removed == len(old.parts)
    assert rotated(at, 7) == Rotated(found.kept)


def test_a_target_that_does_not_answer_is_no_lock(tmp_path: Path) -> None:
    class Gone(FolderObjectStore):
        def delete(self, keys: str | Iterable[str]) -> None:
            (tmp_path / "backups").rename(tmp_path / "unmounted")
            raise ObjectStoreError("delete: GenericError: timed out")

    at = target(Gone(tmp_path))
    good(at, range(2))
    with pytest.raises(TargetError, match="timed out"):
        rotated(at, 1)


@pytest.mark.parametrize("after", [False, True])
def test_a_rotation_that_is_killed_at_any_call_ends_the_same_when_run_again(tmp_path: Path, *, after: bool) -> None:
    def life(folder: Path, number: int) -> int:
        """Two rotations with the grace between, the store dying at a call of either; the calls that were made."""
        at = target(folder)
        old, base = good(at, range(2))
        log = planted(at, NOON + 1.5 * DAY, base)
        mark_verified(at, STORE, log.id, NOON)
        calls = 0
        for day in (1.5, 3.5):
            store = Dying(folder, number - calls, after=after)
            try:
                rotated(target(store.objects), day)
            except Killed:
                found = find(at, STORE)
                assert found.is_good(log)
                assert contents(at, base)
                assert old.id not in found.verified or contents(at, old)
            calls += store.calls
        rotated(at, 3.6)
        rotated(at, 6)
        left = find(at, STORE)
        assert [one.id for one in left.complete] == [base.id, log.id]
        assert all(base.id in name or log.id in name for name in objects(folder))
        assert len(objects(folder)) == len(base.parts) + len(log.parts) + 4
        assert not list(folder.rglob(f"{UNNAMED}/*"))
        return calls

    calls = life(tmp_path / "whole", 0)
    assert calls > 30
    for number in range(1, calls + 1):
        life(tmp_path / str(number), number)


@pytest.mark.parametrize("after", [False, True])
def test_two_rotations_at_once_end_as_one(tmp_path: Path, *, after: bool) -> None:
    number, calls = 0, 1
    while number < calls:
        number += 1
        folder = tmp_path / str(number)
        at = target(folder)
        _, base = good(at, range(2))
        log = planted(at, NOON + 1.5 * DAY, base)
        mark_verified(at, STORE, log.id, NOON)
        calls = 0
        for day in (1.5, 3.5):
            store = Dying(folder, number - calls, after=after, at=partial(rotated, at, day))
            rotated(target(store.objects), day)
            calls += store.calls
        rotated(at, 6)
        assert [one.id for one in find(at, STORE).complete] == [base.id, log.id]
        assert len(objects(folder)) == len(base.parts) + len(log.parts) + 4
        assert not list(folder.rglob(f"{UNNAMED}/*"))
    assert calls > 30

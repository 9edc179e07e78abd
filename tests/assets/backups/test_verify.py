"""Verification names each byte that is wrong, in every object of a set; a restore refuses the same."""

import random
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from assets.backups.manifest import FORMAT, Manifest
from assets.backups.method import NotRestorableError
from assets.backups.sets import MANIFEST, VERIFIED, find
from assets.backups.target import Target, TargetError
from assets.backups.verify import Verification, Verified
from resources.declined import DeclinedError
from resources.keyring import Keyring, fingerprint
from resources.r2 import FolderObjectStore, ObjectStoreError
from tests.assets.backups.planted import KEYS, NOON, STORE, contents, planted, target

FLIPS = 8


def verified(at: Target, *wanted: str) -> tuple[Verified, ...]:
    return Verification(at, find(at, STORE), NOON).run(wanted)


def faults(at: Target) -> list[str]:
    return [fault for one in verified(at) for fault in one.faults]


def is_refused(at: Target, manifest: Manifest) -> bool:
    """Whether a restore of the set would end before all of it is read."""
    found = find(at, STORE)
    if (there := found.get(manifest.id)) is None:
        return True
    try:
        for one in found.chain(there):
            contents(at, one)
    except DeclinedError:
        return True
    return False


def test_a_whole_set_is_marked_with_all_that_it_needs(tmp_path: Path) -> None:
    at = target(tmp_path)
    full = planted(at)
    log = planted(at, base=full)

    (found,) = verified(at, log.id)

    assert found == Verified(log.id, (full.id, log.id), len(full.parts) + len(log.parts), full.size + log.size)
    assert find(at, STORE).verified.keys() == {full.id, log.id}
    assert [one.faults for one in verified(at)] == [(), ()]


def test_each_changed_cut_or_missing_object_is_named_and_not_restored(tmp_path: Path) -> None:
    dice, at = random.Random(0), target(tmp_path)
    full = planted(at)
    log = planted(at, base=full)
    verified(at)
    objects = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    assert len(objects) == len(full.parts) + len(log.parts) + 4

    for path in objects:
        whole, key = path.read_bytes(), path.relative_to(tmp_path).as_posix()
        places = sorted({0, 4, len(whole) - 1, *(dice.randrange(len(whole)) for _ in range(FLIPS))})
        flipped = [whole[:n] + bytes([whole[n] ^ 1 << dice.randrange(8)]) + whole[n + 1 :] for n in places]
        for damaged in [*flipped, whole[:-1], whole[: len(whole) // 2], whole[:5], b"", whole + b"\0", None]:
            path.unlink()
            if damaged is not None:
                path.write_bytes(damaged)
            found = verified(at)
            if path.name != VERIFIED:
                assert any(key in fault for one in found for fault in one.faults), (key, found)
                assert is_refused(at, log)
                assert not find(at, STORE).is_good(log)
            else:  # it harms no restore: the set was read, and is marked again
                wrong = [] if damaged is None else [f"{key}: not the mark that was put there"]
                assert [note for one in found for note in one.notes] == wrong
                assert find(at, STORE).is_good(log)
            path.unlink(missing_ok=True)
            path.write_bytes(whole)
        assert faults(at) == []


def test_a_part_of_another_place_is_foreign(tmp_path: Path) -> None:
    at = target(tmp_path)
    first, second = planted(at), planted(at)
    here = [Path(tmp_path, at.key(STORE, first.id, part.name)) for part in first.parts]
    there = Path(tmp_path, at.key(STORE, second.id, second.parts[0].name))
    for place, other in (
        (here[0], there),
        (here[0], here[1]),
        (Path(here[0].parent, MANIFEST), there.with_name(MANIFEST)),
    ):
        whole = place.read_bytes()
        place.write_bytes(other.read_bytes())
        assert str(place.relative_to(tmp_path)) in faults(at)[0]
        place.write_bytes(whole)
    # A manifest that names the foreign part, as somebody with the keys could write it: its seal says where it belongs.
    forged = msgspec.structs.replace(first.parts[0], size=second.parts[0].size, sha256=second.parts[0].sha256)
    here[0].write_bytes(there.read_bytes())
    Path(here[0].parent, MANIFEST).unlink()
    at.put_sealed(STORE, first.id, MANIFEST, msgspec.structs.replace(first, parts=(forged,)).to_json())
    assert "does not open with key 1: cut, changed, not of this place" in faults(at)[0]


def test_a_set_of_a_newer_release_is_named_as_such(tmp_path: Path) -> None:
    at = target(tmp_path)
    newer = msgspec.structs.replace(planted(at), format=FORMAT + 1)
    Path(tmp_path, at.key(STORE, newer.id, MANIFEST)).unlink()
    at.put_sealed(STORE, newer.id, MANIFEST, newer.to_json())
    (fault,) = faults(at)
    assert fault.startswith(f"{at.key(STORE, newer.id, MANIFEST)}: format {FORMAT + 1}")
    assert is_refused(at, newer)


def test_a_set_whose_key_is_gone_is_named_with_the_key(tmp_path: Path) -> None:
    made = planted(target(tmp_path, Keyring({1: b"1" * 32, 2: b"2" * 32})))
    at = target(tmp_path, KEYS)
    (fault,) = faults(at)
    assert "sealed with key 2, which is not in the key set" in fault
    assert is_refused(at, made)


def test_a_set_whose_base_is_gone_and_one_without_its_manifest_are_named(tmp_path: Path) -> None:
    at = target(tmp_path)
    full = planted(at)
    log = planted(at, base=full)
    verified(at, full.id)
    Path(tmp_path, at.key(STORE, full.id, MANIFEST)).unlink()
    assert sorted(faults(at)) == sorted(
        [f"{at.key(STORE, full.id, MANIFEST)}: missing", f"{STORE} {log.id} needs {full.id}, which is not there"]
    )


def test_a_backup_that_is_not_finished_is_no_fault_unless_it_is_asked_for(tmp_path: Path) -> None:
    at = target(tmp_path)
    begun = planted(at)
    Path(tmp_path, at.key(STORE, begun.id, MANIFEST)).unlink()
    assert verified(at) == ()
    assert verified(at, begun.id)[0].faults == (f"{at.key(STORE, begun.id, MANIFEST)}: missing",)


def test_parts_that_several_sets_share_are_read_once_and_damage_all_of_them(tmp_path: Path) -> None:
    at = target(tmp_path)
    first = planted(at)
    second = planted(at, files=(b"new",), reused=first)
    third = planted(at, files=(), reused=second)
    assert {part.set_id for part in third.parts} == {first.id, second.id}
    assert contents(at, third) == contents(at, second)
    assert faults(at) == []

    Path(tmp_path, at.key(STORE, first.id, first.parts[0].name)).unlink()

    assert [len(one.faults) for one in verified(at)] == [1, 1, 1]
    assert find(at, STORE).verified.keys() == set()


def test_a_fault_that_was_found_stays_known_until_the_set_reads_well_again(tmp_path: Path) -> None:
    at = target(tmp_path)
    full = planted(at)
    log = planted(at, base=full)
    other = planted(at)
    part = Path(tmp_path, at.key(STORE, full.id, full.parts[0].name))
    whole = part.read_bytes()
    fault = f"{at.key(STORE, full.id, full.parts[0].name)}: missing"
    for verified_before in (False, True):
        if verified_before:
            verified(at)
        part.unlink()
        # Before it is read nobody knows.
        assert find(at, STORE).faulty == {}
        for _ in range(2):
            verified(at)
            found = find(at, STORE)
            assert (found.faulty, found.verified.keys() - {log.id}) == ({full.id: fault}, {other.id})
            assert [found.fault(one) for one in (full, log, other)] == [fault, f"it needs {full.id}, {fault}", ""]
            assert [(one.id, one.reason) for one in found.unreliable] == [(full.id, fault)]
        part.write_bytes(whole)
        assert faults(at) == []
        assert find(at, STORE).faulty == {}
        assert find(at, STORE).verified.keys() == {full.id, log.id, other.id}


def test_another_fault_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    at = target(tmp_path)
    made = planted(at)
    first, *others = (Path(tmp_path, at.key(STORE, made.id, part.name)) for part in made.parts)
    whole = first.read_bytes()
    first.unlink()
    verified(at)
    first.write_bytes(whole)
    for part in others:
        part.unlink()
    verified(at)
    assert find(at, STORE).faulty == {made.id: f"{others[0].relative_to(tmp_path)}: missing and {len(others) - 1} more"}


def test_a_set_that_nobody_verified_is_told_once_it_is_old(tmp_path: Path) -> None:
    at, day = target(tmp_path), timedelta(days=1)
    old, damaged, young, good = planted(at, NOON - 3 * day), planted(at, NOON - 3 * day), planted(at), planted(at)
    Path(tmp_path, at.key(STORE, damaged.id, damaged.parts[0].name)).unlink()
    verified(at, damaged.id)
    verified(at, good.id)
    assert find(at, STORE).unverified(NOON, 2 * day) == (old,)
    assert find(at, STORE).unverified(NOON + 3 * day, 2 * day) == (old, young)


def test_who_asks_for_what_is_not_there_is_told_what_is(tmp_path: Path) -> None:
    at, day = target(tmp_path), timedelta(days=1)
    with pytest.raises(NotRestorableError, match=r"Next: no moment can be restored; `clearlift backup run consignment"):
        find(at, STORE).at_or_before(NOON)
    full = planted(at, NOON)
    log = planted(at, NOON + day, base=full)
    early = NOON - day
    with pytest.raises(
        NotRestorableError, match=r"Next: --at any time from 2026-11-30T12:00:00\+00:00 to 2026-12-01T12"
    ):
        find(at, STORE).at_or_before(early)
    assert find(at, STORE).instead(but=log) == f"--at {NOON.isoformat()} is the only other moment that can be restored"
    manifest = Path(tmp_path, at.key(STORE, full.id, MANIFEST))
    whole = manifest.read_bytes()
    manifest.unlink()
    with pytest.raises(
        NotRestorableError, match=r"needs .*, which is not there. Next: no moment can be restored; `cle"
    ):
        find(at, STORE).chain(log)
    later = planted(at, NOON + 2 * day)
    with pytest.raises(
        NotRestorableError, match=r"Next: --at 2026-12-02T12:00:00\+00:00 is the only moment that can be"
    ):
        find(at, STORE).chain(log)
    manifest.write_bytes(whole)
    said = find(at, STORE).instead(NOON + 1.5 * day)
    assert said.endswith("that a set holds; nearest are 2026-12-01T12:00:00+00:00 and 2026-12-02T12:00:00+00:00")
    # What verify found damaged is not offered.
    Path(tmp_path, at.key(STORE, later.id, later.parts[0].name)).unlink()
    verified(at)
    assert find(at, STORE).instead().endswith("to 2026-12-01T12:00:00+00:00")


def test_what_lies_beside_a_set_is_noted_and_harms_nothing(tmp_path: Path) -> None:
    at = target(tmp_path)
    made = planted(at)
    at.put(at.key(STORE, made.id, "part-99999"), b"foreign")
    (found,) = verified(at)
    assert (found.faults, found.notes) == ((), (f"{at.key(STORE, made.id, 'part-99999')}: not of this set",))
    assert find(at, STORE).verified.keys() == {made.id}


def test_an_unknown_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeclinedError, match="there is no backup 20261130T000000Z-full-000000000000 of consignment/d1"):
        verified(target(tmp_path), "20261130T000000Z-full-000000000000")


class Silent(FolderObjectStore):
    """A store that does not answer any more."""

    def get(self, key: str) -> bytes:
        raise ObjectStoreError(f"get {key}: GenericError: timed out")


def test_a_target_that_does_not_answer_says_nothing_about_damage(tmp_path: Path) -> None:
    at = target(tmp_path)
    verified_before = planted(at)
    verified(at)
    found = find(at, STORE)
    with pytest.raises(TargetError, match="timed out"):
        Verification(target(Silent(tmp_path)), found, NOON).run()
    assert find(at, STORE).verified.keys() == {verified_before.id}


def test_a_set_names_the_key_that_it_needs_and_the_first_sets_open_without(tmp_path: Path) -> None:
    made, other = planted(target(tmp_path)), Keyring({1: b"x" * 32, 2: b"y" * 32})
    needed = f"key 1 {fingerprint(KEYS, 1)}"
    (damage,) = find(target(tmp_path, other), STORE).damaged
    assert (damage.sealed, damage.key) == (True, needed)
    assert damage.reason.endswith(
        f"its fingerprint is {fingerprint(KEYS, 1)}, and the keys here are 1 {fingerprint(other, 1)}, "
        f"2 {fingerprint(other, 2)}"
    )
    at = target(tmp_path)
    manifest = Path(tmp_path, at.key(STORE, made.id, MANIFEST))
    line, _, sealed = manifest.read_bytes().partition(b"\n")
    assert line.decode() == needed
    manifest.write_bytes(sealed)
    assert find(at, STORE).complete == (made,)
    (damage,) = find(target(tmp_path, other), STORE).damaged
    assert (damage.sealed, damage.key) == (True, "")

"""Giving up a damaged set: what goes with it, what counts afterwards, and that nothing good goes."""

from pathlib import Path

import pytest

from assets.backups.forgetting import forget
from assets.backups.manifest import Manifest
from assets.backups.removal import GRACE, rotate
from assets.backups.restore import NotConfirmedError, UnreadableError
from assets.backups.rotation import RotationPolicy
from assets.backups.sets import MANIFEST, VERIFIED, Sets, find
from assets.backups.target import Target
from assets.backups.verify import Verification
from resources.declined import DeclinedError
from resources.keyring import Keyring
from tests.assets.backups.dying import Dying, Killed
from tests.assets.backups.planted import NOON, STORE, contents, planted, target
from tests.assets.backups.test_removal import DAY


def sets(at: Target) -> Sets:
    return find(at, STORE)


def chained(at: Target) -> list[Manifest]:
    """A good set, and after it a full one that two incrementals need."""
    first = planted(at)
    full = planted(at, NOON + DAY)
    log = planted(at, NOON + 2 * DAY, full)
    made = [first, full, log, planted(at, NOON + 3 * DAY, log)]
    Verification(at, sets(at), NOON).run()
    return made


def damage(folder: Path, at: Target, manifest: Manifest, name: str) -> None:
    path = folder / at.key(STORE, manifest.id, name)
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize("name", [MANIFEST, "part-00001"])
def test_a_damaged_set_goes_with_those_that_need_it_and_the_good_one_counts(tmp_path: Path, name: str) -> None:
    at = target(tmp_path)
    first, full, log, last = chained(at)
    damage(tmp_path, at, full, name)
    Verification(at, sets(at), NOON).run()
    assert sets(at).passed_over(first, unverified=True) is not None

    with pytest.raises(NotConfirmedError) as said:
        forget(at, STORE, full.id)
    assert f"give up {STORE} {full.id}, and 2 sets that need it: {last.id}, {log.id}; " in said.value.reason
    assert f"the newest good set is {first.id} of 2026-11-30 12:00:00 UTC (" in said.value.reason
    assert {path.name for path in tmp_path.rglob(f"*{last.id}/*")} >= {MANIFEST}

    done = forget(at, STORE, full.id, confirmed=True)
    assert (done.needing, done.left) == ((last.id, log.id), first)
    found = sets(at)
    assert (found.complete, found.damaged, found.newest_good) == ((first,), (), first)
    assert found.passed_over(first, unverified=True) is None
    policy = RotationPolicy(days=1, weeks=0, months=0)
    rotate(at, STORE, policy, NOON)
    assert rotate(at, STORE, policy, NOON + GRACE).removed == len(full.parts) + len(log.parts) + len(last.parts)
    assert contents(at, first)


def test_one_of_the_last_goes_alone_and_a_part_that_another_set_has_stays(tmp_path: Path) -> None:
    at = target(tmp_path)
    first = planted(at)
    second = planted(at, NOON + DAY, reused=first)
    Verification(at, sets(at), NOON).run()
    damage(tmp_path, at, first, MANIFEST)
    assert forget(at, STORE, first.id, confirmed=True).needing == ()
    rotate(at, STORE, RotationPolicy(), NOON)
    assert rotate(at, STORE, RotationPolicy(), NOON + GRACE).removed == 0
    assert contents(at, second)


def test_what_is_good_unknown_unfinished_or_of_another_key_set_is_refused(tmp_path: Path) -> None:
    at = target(tmp_path)
    made, begun = planted(at), planted(at, NOON + DAY)
    Path(tmp_path, at.key(STORE, begun.id, MANIFEST)).unlink()
    Verification(at, sets(at), NOON).run()
    before = sorted(tmp_path.rglob("*"))
    for set_id, said in (
        (made.id, "is verified, with all that it needs. Next: `clearlift backup verify"),
        (begun.id, "was never finished, and counts as none"),
        ("20261130T000000Z-full-000000000000", "there is no backup 20261130T000000Z"),
    ):
        with pytest.raises(DeclinedError, match=said):
            forget(at, STORE, set_id, confirmed=True)
    with pytest.raises(UnreadableError, match="another key set sealed it"):
        forget(target(tmp_path, Keyring({1: b"x" * 32})), STORE, made.id, confirmed=True)
    assert sorted(tmp_path.rglob("*")) == before


def test_the_last_set_may_be_given_up_and_none_is_good_then(tmp_path: Path) -> None:
    at = target(tmp_path)
    one, other = planted(at), planted(at, NOON + DAY)
    Verification(at, sets(at), NOON).run()
    for made in (one, other):
        damage(tmp_path, at, made, "part-00001")
    Verification(at, sets(at), NOON).run()
    assert str(forget(at, STORE, one.id, confirmed=True)).endswith("the newest good set is none")
    assert sets(at).complete == (other,)


@pytest.mark.parametrize("after", [False, True])
def test_killed_at_any_call_and_run_again_it_ends_the_same(tmp_path: Path, *, after: bool) -> None:
    number = 0
    while True:
        number += 1
        folder = tmp_path / str(number)
        at = target(folder)
        first, full, _, _ = chained(at)
        damage(folder, at, full, MANIFEST)
        try:
            forget(target(Dying(folder, number, after=after).objects), STORE, full.id, confirmed=True)
            break
        except Killed:
            assert all(VERIFIED not in at.names(STORE, one) for one in sets(at).unfinished)
            if full.id in {one.id for one in sets(at).damaged}:
                forget(at, STORE, full.id, confirmed=True)
        assert (sets(at).complete, sets(at).damaged) == ((first,), ())
    assert number > 12

"""Sets whose keys are not in the key set: counted by their keys, and no further set is made beside them."""

from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from assets.backups.key_needs import KeysMissingError, check_key_set, check_keys, require_own
from assets.backups.making import Backup
from assets.backups.sets import MANIFEST, find
from assets.backups.target import StoreName, Target
from resources.declined import DeclinedError
from resources.keyring import Keyring, KeySetError, fingerprint
from resources.r2 import FolderObjectStore
from tests.assets.backups.notebook import Notebook
from tests.assets.backups.planted import KEYS, NOON, STORE, planted, target

BOTH = Keyring({1: b"1" * 32, 2: b"2" * 32})
NEW = Keyring({2: b"2" * 32})
FOREIGN = Keyring({1: b"x" * 32})
OTHER = StoreName("sesh", "d1")
Check = Callable[[FolderObjectStore, str, Callable[[], Keyring]], str]


def said(check: Check, folder: Path, keyring: Callable[[], Keyring]) -> str:
    """What a check refuses with; its line where it does not."""
    try:
        return check(FolderObjectStore(folder), "backups", keyring)
    except KeysMissingError as error:
        return str(error)


def gone() -> NoReturn:
    raise DeclinedError("there is no key set", "`clearlift keys open ENVELOPE FILE` brings it back")


def unreadable() -> NoReturn:
    raise KeySetError("key set x: others may read it; chmod 600")


def test_while_there_is_no_set_no_key_set_is_asked_for(tmp_path: Path) -> None:
    for check in (check_key_set, check_keys):
        assert said(check, tmp_path, gone) == "no backup set needs one yet"


def test_the_keys_of_all_sets_are_here_or_each_that_is_not_is_named_with_its_sets(tmp_path: Path) -> None:
    old = planted(target(tmp_path))
    planted(target(tmp_path), base=old)
    planted(target(tmp_path), store=OTHER)
    planted(target(tmp_path, BOTH))
    for check in (check_key_set, check_keys):
        assert "4" not in said(check, tmp_path, lambda: BOTH)
    one, two = f"key 1 {fingerprint(BOTH, 1)}", f"key 2 {fingerprint(BOTH, 2)}"
    # One key is lost: the key set is the right one, and three sets do not open.
    assert said(check_key_set, tmp_path, lambda: NEW) == "it opens backup sets"
    lost = said(check_keys, tmp_path, lambda: NEW)
    assert lost.startswith(
        f"3 of 4 backup sets cannot be opened without keys that are not here: {one} (3 sets). Next: `clearlift keys op"
    )
    # All are lost, or it is the key set of another deployment.
    every = f"4 of 4 backup sets cannot be opened without keys that are not here: {one} (3 sets), {two} (1 set)"
    for check, keyring in ((check_key_set, lambda: FOREIGN), (check_keys, lambda: FOREIGN), (check_key_set, gone)):
        assert every in said(check, tmp_path, keyring)
        assert "`clearlift keys open ENVELOPE FILE`" in said(check, tmp_path, keyring)
    assert said(check_key_set, tmp_path, unreadable).startswith(f"key set x: others may read it; chmod 600; {every}")


def test_parts_that_were_taken_over_need_their_own_key(tmp_path: Path) -> None:
    first = planted(target(tmp_path))
    second = planted(target(tmp_path, BOTH), files=(b"new",), reused=first)
    at = target(tmp_path, NEW)
    at.delete(STORE, first.id, [MANIFEST])
    (damage,) = find(at, STORE).damaged
    assert (damage.id, damage.sealed, damage.key) == (second.id, True, "key 1")
    assert "1 of 1 backup set cannot be opened without keys that are not here: key 1 (1 set)" in said(
        check_keys, tmp_path, lambda: NEW
    )


def test_a_damaged_set_says_nothing_of_keys(tmp_path: Path) -> None:
    made = planted(target(tmp_path))
    manifest = Path(tmp_path, target(tmp_path).key(STORE, made.id, MANIFEST))
    manifest.write_bytes(manifest.read_bytes()[:-1])
    assert said(check_keys, tmp_path, lambda: KEYS) == "all that the backup sets need are here"
    require_own(target(tmp_path))


def test_no_set_is_made_beside_those_of_another_key_set(tmp_path: Path) -> None:
    notebook = Notebook(tmp_path / "live.jsonl")
    notebook.write(("ann", "one"))
    planted(target(tmp_path / "r2"), store=OTHER)

    def back_up(keyring: Keyring, prefix: str = "backups") -> None:
        Backup(Target(FolderObjectStore(tmp_path / "r2"), prefix, keyring), notebook, lambda: NOON).run()

    there = sorted(tmp_path.rglob("*"))
    with pytest.raises(KeysMissingError, match=r"sealed by another key set: 1 of 1 .* set CLEARLIFT_BACKUP_PREFIX to"):
        back_up(FOREIGN)
    assert sorted(tmp_path.rglob("*")) == there
    back_up(FOREIGN, "others")
    # With the right ones, and a newer one, it goes on.
    back_up(BOTH)
    back_up(NEW)

"""What holds for the backups of every store: which set is made, what a restore may touch, who stays away."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from assets.apps.consignment import APP as CONSIGNMENT
from assets.backups.drill import Drill
from assets.backups.erased import TombstonesMissingError
from assets.backups.making import Backup, NotReadBackError
from assets.backups.method import NotRestorableError, OccupiedError, Scope
from assets.backups.parts import DamagedSetError
from assets.backups.restore import DiffersError, NotConfirmedError, PassedOverError, Restore, UnreadableError
from assets.backups.sets import MANIFEST, VERIFIED, find
from assets.backups.target import Target, TargetError
from resources.disk import DiskFullError
from resources.keyring import Keyring, SealError
from resources.postgres import Postgres
from resources.r2 import FolderObjectStore, ObjectStoreError
from resources.r2.protocol import ObjectStoreUnreachableError
from tests.assets.backups.notebook import Notebook
from tests.tombstones import bury

MONDAY = datetime(2026, 3, 2, 1, tzinfo=UTC)
KEYS = Keyring({1: b"k" * 32})


@pytest.fixture
def notebook(tmp_path: Path) -> Notebook:
    made = Notebook(tmp_path / "live.jsonl")
    made.write(("ann", "one"), ("bob", "two"))
    return made


@pytest.fixture
def target(tmp_path: Path) -> Target:
    return Target(FolderObjectStore(tmp_path / "r2"), "backups", KEYS)


def backup(target: Target, notebook: Notebook) -> Backup:
    return Backup(target, notebook, lambda: notebook.now)


def restore(target: Target, notebook: Notebook, postgres: Postgres) -> Restore:
    return Restore(target, notebook, (CONSIGNMENT,), postgres)


def erase(postgres: Postgres, *people: str) -> None:
    bury(postgres, "consignment", *(("user", person) for person in people), keyring=KEYS)


def test_the_first_set_is_full_and_the_next_has_what_changed(target: Target, notebook: Notebook) -> None:
    first = backup(target, notebook).run().manifest
    notebook.write(("cid", "three"))
    second = backup(target, notebook).run().manifest
    third = backup(target, notebook).run(full=True).manifest
    assert [one.kind for one in (first, second, third)] == ["full", "incremental", "full"]
    assert (second.base, second.tables[0].rows, third.tables[0].rows) == (first.id, 1, 3)
    assert find(target, notebook.store).verified.keys() == {first.id, second.id, third.id}


def test_where_no_incremental_can_be_made_a_full_one_is_and_says_why(target: Target, notebook: Notebook) -> None:
    backup(target, notebook).run()
    notebook.incrementals = False
    made = backup(target, notebook).run()
    assert (made.manifest.kind, made.full_because) == ("full", "the schema is another one")


def test_a_set_that_does_not_read_back_is_not_verified(
    target: Target, notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = FolderObjectStore.put_if_absent

    def flipped(store: FolderObjectStore, key: str, data: bytes) -> bool:
        return put(store, key, data[:-1] + bytes([data[-1] ^ 1]) if "/part-" in key else data)

    monkeypatch.setattr(FolderObjectStore, "put_if_absent", flipped)
    with pytest.raises(NotReadBackError, match="SHA-256"):
        backup(target, notebook).run()
    sets = find(target, notebook.store)
    assert (len(sets.complete), sets.verified, sets.newest_good) == (1, {}, None)


def test_a_restore_beside_what_is_live_leaves_it_alone_and_takes_no_place_twice(
    target: Target, notebook: Notebook, postgres: Postgres, tmp_path: Path
) -> None:
    backup(target, notebook).run()
    done = restore(target, notebook, postgres).run(Scope(), str(tmp_path / "beside"))
    assert (tmp_path / "beside").read_bytes() == notebook.path.read_bytes()
    assert (done.rows, done.restored.until) == (2, "2")
    with pytest.raises(OccupiedError, match="Next: name another place"):
        restore(target, notebook, postgres).run(Scope(), str(tmp_path / "beside"))


def test_what_is_live_is_written_to_only_when_it_is_confirmed(
    target: Target, notebook: Notebook, postgres: Postgres
) -> None:
    backup(target, notebook).run()
    notebook.path.write_text('["ann", "wrong"]\n')
    before = notebook.path.read_bytes()
    with pytest.raises(
        NotConfirmedError,
        match=r"all tables as of 2026-03-02 01:00:00 UTC .*; the cover stays as it is. Next: .* --confirm",
    ):
        restore(target, notebook, postgres).run(Scope(), "live")
    assert notebook.path.read_bytes() == before
    restore(target, notebook, postgres).run(Scope(), "live", confirmed=True)
    assert b"two" in notebook.path.read_bytes()


def test_people_who_were_erased_do_not_come_back(
    target: Target, notebook: Notebook, postgres: Postgres, tmp_path: Path
) -> None:
    backup(target, notebook).run()
    erase(postgres, "ann")
    done = restore(target, notebook, postgres).run(Scope(), str(tmp_path / "beside"))
    assert [json.loads(line)[0] for line in (tmp_path / "beside").read_text().splitlines()] == ["bob"]
    assert done.restored.erased == 1


def test_nothing_is_restored_while_nobody_knows_who_was_erased(
    target: Target, notebook: Notebook, postgres: Postgres, tmp_path: Path
) -> None:
    backup(target, notebook).run()
    postgres.execute("alter table archive.tombstones rename to gone")
    with pytest.raises(TombstonesMissingError, match="Next: `clearlift backup restore pipelines/postgres`"):
        restore(target, notebook, postgres).run(Scope(), str(tmp_path / "beside"))
    with pytest.raises(TombstonesMissingError):
        Restore(target, notebook, (CONSIGNMENT,), None).run(Scope(), str(tmp_path / "beside"))
    nowhere = Postgres("postgresql://nobody@127.0.0.1:1/none", wait_seconds=0.1)
    with nowhere, pytest.raises(TombstonesMissingError):
        restore(target, notebook, nowhere).run(Scope(), str(tmp_path / "beside"))
    assert not (tmp_path / "beside").exists()


def test_a_result_that_differs_is_an_error_that_names_the_difference(
    target: Target, notebook: Notebook, postgres: Postgres, tmp_path: Path
) -> None:
    backup(target, notebook).run()
    notebook.wrong = [f"{number} rows have no event" for number in range(7)]
    with pytest.raises(DiffersError, match=r"0 rows have no event; .*\(and 2 more\)"):
        restore(target, notebook, postgres).run(Scope(), str(tmp_path / "beside"))


def test_a_time_before_the_first_set_and_a_target_that_is_gone_are_one_line(
    target: Target, notebook: Notebook, postgres: Postgres, tmp_path: Path
) -> None:
    backup(target, notebook).run()
    with pytest.raises(NotRestorableError, match="no backup of consignment/notes as old as 2026-03-01"):
        restore(target, notebook, postgres).run(Scope(at=MONDAY - timedelta(days=1)), str(tmp_path / "beside"))


def test_sets_whose_key_is_gone_are_not_said_to_be_absent(
    target: Target, notebook: Notebook, postgres: Postgres, tmp_path: Path
) -> None:
    backup(target, notebook).run()
    elsewhere = replace(target, keyring=Keyring({2: b"l" * 32}))
    with pytest.raises(UnreadableError, match=r"sealed with key 1, .* Next: bring back the key set"):
        restore(elsewhere, notebook, postgres).run(Scope(), str(tmp_path / "beside"))
    with pytest.raises(UnreadableError):
        drill(elsewhere, notebook, postgres, tmp_path / "scratch", lambda _: 0).run()


def drill(target: Target, notebook: Notebook, postgres: Postgres, root: Path, opens: Callable[[Path], int]) -> Drill:
    return Drill(restore(target, notebook, postgres), root, lambda: MONDAY + timedelta(hours=3), opens)


def test_a_drill_says_what_a_loss_would_cost_and_leaves_nothing(
    target: Target, notebook: Notebook, postgres: Postgres, tmp_path: Path
) -> None:
    seen: list[bytes] = []

    def opens(place: Path) -> int:
        seen.append(place.read_bytes())
        return 7

    with pytest.raises(NotRestorableError, match="no backup of consignment/notes is verified"):
        drill(target, notebook, postgres, tmp_path / "scratch", opens).run()
    backup(target, notebook).run()
    done = drill(target, notebook, postgres, tmp_path / "scratch", opens).run()
    assert (done.rpo, done.opened) == (timedelta(hours=3), 7)
    assert done.rto > timedelta(0)
    assert seen == [notebook.path.read_bytes()]
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_drill_whose_sealed_fields_do_not_open_fails(
    target: Target, notebook: Notebook, postgres: Postgres, tmp_path: Path
) -> None:
    def opens(place: Path) -> int:
        raise SealError("connections.token: sealed with key 3, which is not in the key set")

    backup(target, notebook).run()
    with pytest.raises(DiffersError, match=r"sealed field does not open: connections\.token: sealed with key 3"):
        drill(target, notebook, postgres, tmp_path / "scratch", opens).run()


def test_a_drill_of_a_damaged_set_fails_and_leaves_nothing(
    target: Target, notebook: Notebook, postgres: Postgres, tmp_path: Path
) -> None:
    made = backup(target, notebook).run().manifest
    target.objects.delete(target.key(notebook.store, made.id, made.parts[0].name))
    with pytest.raises(DamagedSetError, match="missing"):
        drill(target, notebook, postgres, tmp_path / "scratch", lambda _: 0).run()
    assert list((tmp_path / "scratch").iterdir()) == []


@pytest.mark.parametrize(
    ("reason", "expected", "said"),
    [
        ("put: no route", TargetError, r"no route\. Next: check"),
        ("put: No space left on device (os error 28)", DiskFullError, r"the disk is full .* Next: make room"),
    ],
)
def test_a_target_that_does_not_answer_or_is_full_is_one_line(
    target: Target, notebook: Notebook, monkeypatch: pytest.MonkeyPatch, reason: str, expected: type, said: str
) -> None:
    def away(*_: object) -> bool:
        raise ObjectStoreError(reason)

    monkeypatch.setattr(FolderObjectStore, "put_if_absent", away)
    with pytest.raises(expected, match=said):
        backup(target, notebook).run()


def test_a_drill_of_rows_that_have_no_place_fails(
    target: Target, notebook: Notebook, postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup(target, notebook).run()
    real = Notebook.restore
    monkeypatch.setattr(Notebook, "restore", lambda *given: replace(real(*given), without_place={"public.by_hand": 2}))
    with pytest.raises(DiffersError, match=r"came back without public\.by_hand, because no migration makes it"):
        drill(target, notebook, postgres, tmp_path / "scratch", lambda _: 0).run()


def test_an_unreadable_newest_set_is_named_and_never_passed_over_in_silence(
    target: Target, notebook: Notebook, postgres: Postgres, tmp_path: Path
) -> None:
    older = backup(target, notebook).run().manifest
    notebook.now += timedelta(minutes=10)
    notebook.write(("bob", "three"))
    newest = backup(target, notebook).run().manifest
    key = target.key(notebook.store, newest.id, MANIFEST)
    whole = target.objects.get(key)
    moment = "2026-03-02T01:00:00"
    for damaged in (whole[:-1] + bytes([whole[-1] ^ 1]), b"", None):
        target.objects.delete(key) if damaged is None else target.objects.put(key, damaged)
        beside = tmp_path / f"beside-{damaged is None}-{len(damaged or b'')}"
        for into, confirmed in ((str(beside), False), ("live", False), ("live", True)):
            with pytest.raises(PassedOverError, match=rf"{newest.id} cannot be read: .* --at {moment}\+00:00"):
                restore(target, notebook, postgres).run(Scope(), into, confirmed=confirmed)
        with pytest.raises(PassedOverError, match=rf"{newest.id} cannot be relied on"):
            drill(target, notebook, postgres, tmp_path / "scratch", lambda _: 0).run()
        assert not beside.exists()
        done = restore(target, notebook, postgres).run(Scope(at=older.moment), str(beside))
        assert (done.newest.id, done.notes) == (older.id, ())
        beside.unlink()
        done = restore(target, notebook, postgres).run(Scope(at=notebook.now), str(beside))
        assert done.notes == (f"without {newest.id}, which cannot be read",)


def test_a_newer_set_that_was_not_verified_fails_a_drill_and_is_said_of_a_restore(
    target: Target, notebook: Notebook, postgres: Postgres, tmp_path: Path
) -> None:
    backup(target, notebook).run()
    notebook.now += timedelta(minutes=10)
    newest = backup(target, notebook).run().manifest
    target.delete(notebook.store, newest.id, [VERIFIED])
    with pytest.raises(PassedOverError, match=f"{newest.id} is not verified"):
        drill(target, notebook, postgres, tmp_path / "scratch", lambda _: 0).run()
    done = restore(target, notebook, postgres).run(Scope(), str(tmp_path / "beside"))
    assert done.notes == (f"{newest.id} was never verified",)


def test_a_damaged_part_names_the_newest_set_that_can_do_without_it(
    target: Target, notebook: Notebook, postgres: Postgres, tmp_path: Path
) -> None:
    backup(target, notebook).run()
    notebook.now += timedelta(minutes=10)
    newest = backup(target, notebook).run(full=True).manifest
    target.objects.delete(target.key(notebook.store, newest.id, newest.parts[0].name))
    with pytest.raises(
        DamagedSetError, match=r"Next: --at 2026-03-02T01:00:00\+00:00 restores the newest older set that"
    ):
        restore(target, notebook, postgres).run(Scope(), str(tmp_path / "beside"))
    with pytest.raises(DamagedSetError, match="Next: put a copy of it back, or `clearlift backup run"):
        drill(target, notebook, postgres, tmp_path / "scratch", lambda _: 0).run()


def test_where_only_newer_sets_are_without_a_damaged_part_the_next_one_is_named(
    target: Target, notebook: Notebook, postgres: Postgres, tmp_path: Path
) -> None:
    older = backup(target, notebook).run().manifest
    notebook.now += timedelta(minutes=10)
    backup(target, notebook).run(full=True)
    target.objects.delete(target.key(notebook.store, older.id, older.parts[0].name))
    with pytest.raises(
        DamagedSetError, match=r"Next: --at 2026-03-02T01:10:00\+00:00 restores the oldest newer set that"
    ):
        restore(target, notebook, postgres).run(Scope(at=older.moment), str(tmp_path / "beside"))


def test_a_result_that_differs_offers_other_moments_or_says_that_there_are_none(
    target: Target, notebook: Notebook, postgres: Postgres, tmp_path: Path
) -> None:
    backup(target, notebook).run()
    notebook.wrong = ["rows differ"]
    with pytest.raises(DiffersError, match=r"verify consignment/notes`; no other moment can be restored; `clearlift"):
        restore(target, notebook, postgres).run(Scope(), str(tmp_path / "one"))
    notebook.now += timedelta(minutes=10)
    backup(target, notebook).run(full=True)
    with pytest.raises(DiffersError, match=r"; --at 2026-03-02T01:00:00\+00:00 is the only other moment that can be"):
        restore(target, notebook, postgres).run(Scope(), str(tmp_path / "two"))


def test_a_store_that_says_what_to_do_next_says_it_once(
    target: Target, notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> bool:
        raise ObjectStoreUnreachableError("put: no route", "see that r2.example can be reached")

    monkeypatch.setattr(FolderObjectStore, "put_if_absent", away)
    with pytest.raises(TargetError) as raised:
        backup(target, notebook).run()
    assert str(raised.value) == "backups at backups/: put: no route. Next: see that r2.example can be reached"

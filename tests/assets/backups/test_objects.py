"""Backups of objects: copied once where the backups have a bucket of their own, else looked for where they are."""

import base64
import gzip
from dataclasses import replace
from pathlib import Path

import pytest

from assets.apps import APPS
from assets.apps.personal import Subject
from assets.backups.making import Backup
from assets.backups.manifest import Manifest
from assets.backups.method import NotRestorableError, OccupiedError, Scope
from assets.backups.objects import ObjectsBackup
from assets.backups.parts import DamagedSetError
from assets.backups.sets import find
from assets.backups.target import StoreName, Target
from assets.privacy.erased_lines import LineFields
from assets.privacy.tombstones import Tombstones
from clearlift_pipelines.settings import load
from clearlift_pipelines.stores import Stores
from resources.r2 import FolderObjectStore, ObjectStore
from tests.assets.backups.dying import Dying, Killed
from tests.assets.backups.planted import NOON, target

STORE = StoreName("pipelines", "objects")
ARCHIVED = {
    "archive/sesh/sessions/2025-Q1/user%201/part-1.jsonl.gz": b"one",
    "archive/sesh/sessions/2025-Q1/b/part-2.jsonl.gz": b"two",
    "media/user-1/sessions/s/i.jpg": b"image" * 200,
    "media/user-2/sessions/s/i.jpg": b"",
    "other/1": b"of nobody",
}


@pytest.fixture
def live(tmp_path: Path) -> ObjectStore:
    store = FolderObjectStore(tmp_path / "r2")
    for key, data in ARCHIVED.items():
        store.put(key, data)
    return store


@pytest.fixture
def at(tmp_path: Path) -> Target:
    return target(tmp_path / "backups")


def method(live: ObjectStore, *, copied: bool = True) -> ObjectsBackup:
    return ObjectsBackup(STORE, live, ("archive", "media"), copied, lambda: NOON)


def backup(at: Target, of: ObjectsBackup) -> Manifest:
    return Backup(at, of, of.clock).run().manifest


def restore(at: Target, of: ObjectsBackup, place: ObjectStore, scope: Scope) -> int:
    """The number of objects that a restore brought, after the comparison."""
    done = of.restore(at, of.chain(find(at, STORE), scope.at), place, scope)
    assert list(of.differences(place, done)) == []
    return sum(table.rows for table in done.tables)


def held(place: ObjectStore) -> dict[str, bytes]:
    return {info.key: place.get(info.key) for info in place.list()}


BOTH = {key: data for key, data in ARCHIVED.items() if not key.startswith("other")}


def test_the_objects_of_the_prefixes_come_back(at: Target, live: ObjectStore, tmp_path: Path) -> None:
    made = backup(at, method(live))
    assert [(table.name, table.rows) for table in made.tables] == [("archive", 2), ("media", 2)]
    place = method(live).place(str(tmp_path / "beside"))
    assert method(live).is_empty(place)
    assert restore(at, method(live), place, Scope()) == 4
    assert held(place) == BOTH
    assert restore(at, method(live), place, Scope(at=made.until)) == 4  # as after a kill
    place.put("media/mine", b"")
    with pytest.raises(OccupiedError, match="holds media/mine already"):
        restore(at, method(live), place, Scope())


def test_each_object_is_copied_once_and_again_where_it_changed(at: Target, live: ObjectStore) -> None:
    first = backup(at, method(live))
    live.put("media/user-2/sessions/s/i.jpg", b"new")
    live.put("media/user-3/sessions/s/i.jpg", b"newer")
    live.delete("archive/sesh/sessions/2025-Q1/b/part-2.jsonl.gz")
    second = backup(at, method(live))
    own = {part.file for part in second.parts if not part.set_id}
    assert own == {"inventory", "media/user-2/sessions/s/i.jpg", "media/user-3/sessions/s/i.jpg"}
    assert {part.set_id for part in second.parts} == {"", first.id}
    place = method(live).place(str(live.uri()) + "-beside")
    restore(at, method(live), place, Scope())
    assert held(place) == {key: data for key, data in held(live).items() if not key.startswith("other")}


def test_what_is_live_and_lost_or_changed_is_whole_again_and_the_rest_stays(at: Target, live: ObjectStore) -> None:
    backup(at, method(live))
    for key in BOTH:
        live.delete(key) if "media" in key else live.put(key, b"rot")
    live.put("media/user-9/new.jpg", b"new")
    restore(at, method(live), live, Scope(live=True))
    assert held(live) == {**ARCHIVED, "media/user-9/new.jpg": b"new"}


def test_single_prefixes_and_single_people_come_back(at: Target, live: ObjectStore, tmp_path: Path) -> None:
    backup(at, method(live))
    for number, (scope, count) in enumerate(
        [
            (Scope(tables=("media",)), 2),
            (Scope(owners=("user 1",)), 1),
            (Scope(owners=("user-1", "user-2"), tables=("media",)), 2),
            (Scope(owners=("nobody",)), 0),
        ]
    ):
        place, of = method(live).place(str(tmp_path / str(number))), method(live)
        coming = of.preview(at, of.chain(find(at, STORE), None), replace(scope, live=True))
        assert sum(table.rows for table in coming) == count
        assert restore(at, method(live), place, scope) == count == len(held(place))


def test_images_of_who_was_erased_do_not_come_back(at: Target, live: ObjectStore, tmp_path: Path) -> None:
    backup(at, method(live))
    place = method(live).place(str(tmp_path / "beside"))
    gone = Tombstones.of(("user", "user-1"))
    restore(at, method(live), place, Scope(erased=gone))
    assert not any("user-1" in key for key in held(place))
    assert len(held(place)) == 3


LANDED = {
    "landing/a.ndjson": b'{"user_id":"user-1","n":1}\n{"user_id":"user-2"}\n{"n": 3}\n',
    "landing/b.ndjson.gz": gzip.compress(b'{"anonymous_id" : "v"}\n{"user_id":"other"}\n', mtime=0),
    "landing/whole": b"\x1f\x8bno gzip",
    "quarantine/c.ndjson.gz": gzip.compress(
        b"\n".join(
            b'{"line":%d,"raw":"%s"}' % (number, base64.b64encode(raw))
            for number, raw in enumerate((b'{"user_id":"user-1",, no json', b'{"user_id":"user-3"}'))
        ),
        mtime=0,
    ),
}


def test_lines_of_who_was_erased_do_not_come_back(at: Target, live: ObjectStore, tmp_path: Path) -> None:
    for key, data in LANDED.items():
        live.put(key, data)
    lines: tuple[Subject, ...] = (("user", "content.user_id"), ("visitor", "content.anonymous_id"))
    of = ObjectsBackup(
        STORE,
        live,
        ("landing", "quarantine"),
        True,
        lambda: NOON,
        dict.fromkeys(("landing", "quarantine"), LineFields(lines)),
    )
    backup(at, of)
    place = of.place(str(tmp_path / "beside"))
    gone = Tombstones.of(("user", "user-1"), ("user", "x"), ("visitor", "v"))
    done = of.restore(at, of.chain(find(at, STORE), None), place, Scope(erased=gone))
    assert list(of.differences(place, done)) == []
    assert done.erased == 4
    found = held(place)
    assert found["landing/a.ndjson"] == b'{"user_id":"user-2"}\n{"n": 3}\n'
    assert gzip.decompress(found["landing/b.ndjson.gz"]) == b'{"user_id":"other"}\n'
    assert gzip.decompress(found["quarantine/c.ndjson.gz"]).startswith(b'{"line":1,')
    assert "landing/whole" not in found
    of.restore(at, of.chain(find(at, STORE), None), place, Scope(erased=gone))
    assert held(place) == found
    of.restore(at, of.chain(find(at, STORE), None), live, Scope(live=True))
    assert {key: data for key, data in held(live).items() if key in LANDED} == LANDED


def test_what_landed_and_what_was_refused_is_copied_into_a_bucket_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passing = ["landing/events", "quarantine/events", "sesh/points", "quarantine/points", "quarantine/user-media"]
    monkeypatch.setenv("CLEARLIFT_HOME", str(tmp_path / "home"))
    with Stores(load()) as stores:
        assert list(ObjectsBackup.of(stores, APPS).prefixes) == ["archive", "user-media"]
    monkeypatch.setattr(Stores, "backup_store", FolderObjectStore(tmp_path / "other"))
    with Stores(load()) as stores:
        of = ObjectsBackup.of(stores, APPS)
        assert sorted(of.prefixes) == sorted(["archive", "user-media", *passing])
        assert all(of.fields[prefix].subjects for prefix in passing)


def test_without_a_bucket_for_backups_the_inventory_says_what_is_lost(
    at: Target, live: ObjectStore, tmp_path: Path
) -> None:
    of = method(live, copied=False)
    made = backup(at, of)
    assert [part.file for part in made.parts] == ["inventory"]
    with of.scratch(tmp_path / "scratch") as place:
        assert restore(at, of, place, Scope()) == 4
        live.delete("media/user-1/sessions/s/i.jpg")
        live.put("archive/sesh/sessions/2025-Q1/b/part-2.jsonl.gz", b"rot")
        done = of.restore(at, of.chain(find(at, STORE), None), place, Scope())
        assert sorted(of.differences(place, done)) == [
            "archive/sesh/sessions/2025-Q1/b/part-2.jsonl.gz has another content than in the inventory",
            "media/user-1/sessions/s/i.jpg is missing",
        ]
    with pytest.raises(NotRestorableError, match="an inventory without the objects"):
        restore(at, of, of.place(str(tmp_path / "beside")), Scope())
    assert list((tmp_path / "beside").iterdir()) == []
    live.put("media/user-1/sessions/s/i.jpg", b"again")
    assert {part.file for part in backup(at, method(live)).parts} == {"inventory", *BOTH}  # a bucket was named since


def test_a_damaged_set_leaves_the_live_objects_alone(at: Target, live: ObjectStore, tmp_path: Path) -> None:
    made = backup(at, method(live))
    live.put("media/user-1/sessions/s/i.jpg", b"changed")
    before = held(live)
    for part in made.parts:
        path = Path(tmp_path / "backups", at.key(STORE, made.id, part.name))
        whole = path.read_bytes()
        path.write_bytes(whole[:-1])
        with pytest.raises(DamagedSetError, match=part.name):
            restore(at, method(live), live, Scope(live=True))
        assert held(live) == before
        with pytest.raises(DamagedSetError, match=part.name):
            restore(at, method(live), FolderObjectStore(tmp_path / "beside"), Scope())
        assert list((tmp_path / "beside").iterdir()) == []
        path.write_bytes(whole)


@pytest.mark.parametrize("after", [False, True])
def test_killed_at_any_call_and_run_again_backup_and_restore_end_the_same(
    live: ObjectStore, tmp_path: Path, *, after: bool
) -> None:
    number = 0
    while True:
        number += 1
        folder = tmp_path / f"backups {number}"
        try:
            backup(target(Dying(folder, number, after=after).objects), method(live))
            break
        except Killed:
            backup(target(folder), method(live))
    assert number > 15
    at, place = target(folder), tmp_path / "beside"
    number = 0
    while True:
        number += 1
        try:
            restore(at, method(live), Dying(place, number, after=after).objects, Scope())
            break
        except Killed:
            pass
    assert number > 8
    assert held(FolderObjectStore(place)) == BOTH

"""What a backup reads back and what a drill restores grows with what is new; each 7th day all of it is read again."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from assets.backups.at_once import AT_ONCE, at_once
from assets.backups.drill import Drill, Drilled
from assets.backups.making import Backup, Made, NotReadBackError
from assets.backups.method import Method
from assets.backups.objects import ObjectsBackup
from assets.backups.parts import DamagedSetError
from assets.backups.restore import Restore
from assets.backups.sets import find
from assets.backups.target import StoreName, Target
from resources.postgres import Postgres
from resources.r2 import FolderObjectStore
from tests.assets.backups.lake_side import LakeSide, lake_side
from tests.assets.backups.planted import KEYS, NOON

DAY = timedelta(days=1)
FILES = 40


class Counting(FolderObjectStore):
    """Objects, and how many parts were got since it was asked last."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.got = Counter[str]()

    def get(self, key: str) -> bytes:
        self.got["parts"] += "/part-" in key
        return super().get(key)

    def parts(self) -> int:
        return self.got.pop("parts", 0)


@dataclass
class Daily:
    """A store that is backed up and drilled each day, at the clock of the test."""

    method: Method[Any]
    objects: Counting
    postgres: Postgres
    folder: Path
    now: datetime = NOON

    @property
    def target(self) -> Target:
        return Target(self.objects, "backups", KEYS)

    def backup(self, *, full: bool = False) -> Made:
        return Backup(self.target, self.method, lambda: self.now).run(full=full)

    def drill(self, *, whole: bool = False) -> Drilled:
        restore = Restore(self.target, self.method, (), self.postgres)
        return Drill(restore, self.folder / "scratch", lambda: self.now, lambda _: 0).run(whole=whole)

    def rot(self) -> Path:
        """Flip a byte of the part with the first file of the first set; returns where."""
        first = find(self.target, self.method.store).complete[0]
        part = next(part for part in first.parts if part.file.endswith((".parquet", "object-00")))
        path = self.objects.path / self.target.key(self.method.store, first.id, part.name)
        whole = path.read_bytes()
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        return path


@pytest.fixture
def live(tmp_path: Path) -> FolderObjectStore:
    store = FolderObjectStore(tmp_path / "r2")
    for number in range(FILES):
        store.put(f"media/object-{number:02}", b"%d" % number * 50)
    return store


@pytest.fixture
def objects(live: FolderObjectStore, postgres: Postgres, tmp_path: Path) -> Daily:
    method = ObjectsBackup(StoreName("pipelines", "objects"), live, ("media",), True, lambda: daily.now)
    daily = Daily(method, Counting(tmp_path / "backups"), postgres, tmp_path)
    return daily


@pytest.fixture
def side(tmp_path: Path) -> Iterator[LakeSide]:
    with lake_side(tmp_path / "lake") as found:
        for _ in range(6):
            found.visits.append(found.visits.visits("ann"))
        yield found


@pytest.fixture
def lake(side: LakeSide, postgres: Postgres, tmp_path: Path) -> Daily:
    return Daily(side.method, Counting(tmp_path / "backups"), postgres, tmp_path)


def test_a_day_of_objects_reads_what_is_new_and_each_seventh_day_all(objects: Daily, live: FolderObjectStore) -> None:
    assert (objects.backup().whole, objects.objects.parts()) == (True, FILES + 1)
    assert (objects.drill().whole, objects.objects.parts()) == (True, FILES + 1)
    for day in range(1, 16):
        objects.now += DAY
        live.put(f"media/new-{day}", b"new")
        held = FILES + day
        made = objects.backup()
        whole = day % 7 == 0
        # The inventory of before; then what was put: the object and the inventory.
        assert (made.whole, objects.objects.parts()) == (whole, 1 + (held + 1 if whole else 2)), day
        drilled = objects.drill()
        # The inventories of both, and the object.
        assert (drilled.whole, objects.objects.parts()) == (whole, held + 1 if whole else 3), day
        assert drilled.done.rows == (held if whole else 1)
    assert (objects.backup(full=True).whole, objects.objects.parts()) == (True, 1 + FILES + 15 + 1)
    assert (objects.drill(whole=True).whole, objects.objects.parts()) == (True, FILES + 15 + 1)


def test_a_day_of_the_lake_reads_what_is_new_and_each_seventh_day_all(lake: Daily, side: LakeSide) -> None:
    first = lake.backup()
    assert (first.whole, lake.objects.parts()) == (True, len(first.manifest.parts))
    assert (lake.drill().whole, lake.objects.parts()) == (True, len(first.manifest.parts))
    for day in range(1, 9):
        lake.now += DAY
        side.visits.append(side.visits.visits("bob"))
        made, whole = lake.backup(), day == 7
        own = [part for part in made.manifest.parts if not part.set_id]
        assert (made.whole, lake.objects.parts()) == (whole, len(made.manifest.parts if whole else own)), day
        drilled = lake.drill()
        # Without its metadata a table cannot be read; of the data files only the new one is.
        data = [part for part in made.manifest.parts if part.file.endswith(".parquet")]
        left = 0 if whole else len(data) - 1
        assert (drilled.whole, lake.objects.parts()) == (whole, len(made.manifest.parts) - left), day
        assert drilled.done.rows == made.manifest.tables[0].rows


@pytest.mark.parametrize("name", ["objects", "lake"])
def test_rot_of_what_was_read_is_found_by_the_next_whole_reading_and_a_cut_at_once(
    name: str, request: pytest.FixtureRequest
) -> None:
    daily: Daily = request.getfixturevalue(name)
    daily.backup()
    daily.drill()
    rotten = daily.rot()
    daily.now += DAY
    assert not daily.backup().whole
    assert not daily.drill().whole
    with pytest.raises(DamagedSetError, match="SHA-256"):
        daily.drill(whole=True)
    daily.now += 6 * DAY
    with pytest.raises(DamagedSetError, match="SHA-256"):
        daily.drill()
    with pytest.raises(NotReadBackError, match="SHA-256"):
        daily.backup()
    # What has the file lost its mark by that, so that the next one copies it again.
    daily.now += timedelta(minutes=1)
    made = daily.backup()
    assert made.whole
    assert not any(part.set_id for part in made.manifest.parts)
    assert daily.drill().whole

    daily.now += DAY
    newest = daily.objects.path / daily.target.key(daily.method.store, made.manifest.id, made.manifest.parts[0].name)
    assert newest != rotten
    newest.write_bytes(newest.read_bytes()[:-1])
    with pytest.raises(NotReadBackError, match=r"bytes, where \d+ were written"):
        daily.backup()


def test_a_drill_that_failed_is_made_up_for(objects: Daily, live: FolderObjectStore) -> None:
    objects.backup()
    objects.drill()
    live.put("media/new-1", b"new")
    objects.now += DAY
    made = objects.backup().manifest
    (part,) = (part for part in made.parts if part.file == "media/new-1")
    path = objects.objects.path / objects.target.key(objects.method.store, made.id, part.name)
    whole = path.read_bytes()
    path.write_bytes(b"rot")
    with pytest.raises(DamagedSetError):
        objects.drill()
    path.write_bytes(whole)
    objects.now += DAY
    live.put("media/new-2", b"newer")
    objects.backup()
    assert objects.drill().done.rows == 2


def test_many_small_files_are_copied_at_once_and_never_more_than_stated(
    live: FolderObjectStore, objects: Daily, monkeypatch: pytest.MonkeyPatch
) -> None:
    together, most = Barrier(AT_ONCE, timeout=20), Counter[str]()
    real = FolderObjectStore.stream

    def stream(_: FolderObjectStore, key: str, *args: Any) -> Iterator[bytes]:
        most["now"] += 1
        most["most"] = max(most["most"], most["now"])
        if int(key[-2:]) < AT_ONCE:
            together.wait()  # ends only where so many are read at once
        yield from real(live, key, *args)
        most["now"] -= 1

    monkeypatch.setattr(FolderObjectStore, "stream", stream)
    made = objects.backup().manifest
    assert most["most"] == AT_ONCE
    assert [part.file for part in made.parts] == [*(f"media/object-{n:02}" for n in range(FILES)), "inventory"]
    assert len({part.name for part in made.parts}) == FILES + 1


def test_results_come_in_order_and_an_error_in_its_place() -> None:
    def work(number: int) -> int:
        if number == 30:
            raise ValueError("30")
        return number

    done: list[int] = []
    with pytest.raises(ValueError, match="30"):
        done.extend(at_once(work, range(100)))
    assert done == list(range(30))

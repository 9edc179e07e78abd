"""Backups and restores of a D1 that end at any call of a store, before or after it took effect, and are run again."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from assets.backups.method import OccupiedError, Scope
from resources.d1 import D1, EmbeddedD1, Statement
from tests.assets.backups.d1_databases import Kept, new_file
from tests.assets.backups.d1_shop import Shopkeeper, held, make

# To end at a reading is to end after the writing before it.
CALLS = {"execute", "batch", "put_if_absent"}


class KilledError(BaseException):
    """The process ends here."""


class Mortal:
    """A store whose user ends at its n-th call that writes: before it took effect, or after it."""

    def __init__(self, store: Any, countdown: "Countdown") -> None:
        self._store = store
        self._countdown = countdown

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if name not in CALLS:
            return found

        def call(*arguments: Any, **named: Any) -> Any:
            return self._countdown.over(lambda: found(*arguments, **named))

        return call


class Countdown:
    def __init__(self, calls: int, *, after: bool) -> None:
        self.left = calls
        self._after = after

    def over(self, call: Callable[[], Any]) -> Any:
        self.left -= 1
        if self.left == 0 and not self._after:
            raise KilledError
        answer = call()
        if self.left == 0:
            raise KilledError
        return answer


def every_end() -> Iterator[Countdown]:
    """Ends at the first call, at the second and so on, both ways, until nothing ends any more."""
    for after in (False, True):
        calls = 1
        while True:
            countdown = Countdown(calls, after=after)
            yield countdown
            if countdown.left > 0:
                assert calls > 3
                break
            calls += 1


def ends(work: Callable[[], object]) -> bool:
    try:
        work()
    except KilledError:
        return True
    return False


def mortal(kept: Kept, countdown: Countdown) -> Kept:
    """The backups over stores that end."""
    objects = cast("Any", Mortal(kept.target.objects, countdown))
    d1 = cast("D1", Mortal(kept.method.d1, countdown))
    return replace(kept.over(d1), target=replace(kept.target, objects=objects))


@pytest.fixture
def kept(memory_folder: Path) -> Iterator[Kept]:
    d1 = new_file(memory_folder, "shop")
    make(d1)
    shopkeeper = Shopkeeper(d1, 3)
    for _ in range(15):
        shopkeeper.trade()
    yield Kept.of(d1, memory_folder / "target")
    d1.close()


def restored(kept: Kept, place: D1, scope: Scope = Scope()) -> object:  # noqa: B008
    kept.restore(place, scope)
    state = held(place)
    place.close()
    return state


@pytest.mark.parametrize("kind", ["full", "incremental"])
def test_a_backup_that_was_killed_counts_as_none_and_the_next_one_is_whole(
    kept: Kept, memory_folder: Path, kind: str
) -> None:
    d1 = kept.method.d1
    shopkeeper = Shopkeeper(d1, 5)
    for number, countdown in enumerate(every_end()):
        one = Kept.of(d1, memory_folder / f"target {number}")
        first = one.full()
        shopkeeper.trade()
        state = held(d1)
        killed = ends(getattr(mortal(one, countdown), kind))
        found = one.found
        assert held(d1) == state
        assert [m.id for m in found.complete if m.id != first.id] + list(found.unfinished) != [] or killed
        assert found.newest_good is not None
        if number % 4 == 0 or not killed:
            one.incremental()
            assert restored(one, new_file(memory_folder, f"after {number}")) == state


def test_a_restore_that_was_killed_is_whole_when_it_was_run_again(kept: Kept, memory_folder: Path) -> None:
    kept.full()
    state = held(kept.method.d1)
    for number, countdown in enumerate(every_end()):
        file = new_file(memory_folder, f"place {number}")
        # What is no file for the method is written to as a D1 over HTTP is.
        place = cast("D1", Mortal(file, countdown))
        killed = ends(partial(kept.restore, place))
        if killed and kept.method.is_empty(file):
            kept.restore(cast("D1", Mortal(file, Countdown(0, after=True))))
        assert held(file) == state
        assert [row["name"] for row in file.query("select name from sqlite_master where name like 'backup%'")] == []
        file.close()


def test_a_restore_over_the_live_database_that_was_killed_is_whole_when_it_was_run_again(kept: Kept) -> None:
    kept.full()
    d1 = kept.method.d1
    state = held(d1)
    shopkeeper = Shopkeeper(d1, 8)
    for countdown in every_end():
        for _ in range(3):
            shopkeeper.trade()
        if ends(partial(kept.restore, cast("D1", Mortal(d1, countdown)), Scope(live=True))):
            kept.restore(d1, Scope(live=True))
        assert held(d1) == state


def test_a_file_appears_whole_or_not_at_all(kept: Kept, memory_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.full()
    state = held(kept.method.d1)
    file = new_file(memory_folder, "place")

    def dies(*_: object) -> None:
        raise KilledError

    for step in ("os.fsync", "os.link"):
        with monkeypatch.context() as patch:
            patch.setattr(f"resources.d1.scratch.{step}", dies)
            assert ends(lambda: kept.restore(file))
        assert not file.path.exists()
    assert restored(kept, file) == state
    assert [found.name for found in memory_folder.iterdir() if "draft" in found.name] == []


def test_two_restores_into_one_place_leave_one_whole_database(kept: Kept, memory_folder: Path) -> None:
    kept.full()
    state = held(kept.method.d1)
    first, second = new_file(memory_folder, "place"), new_file(memory_folder, "place")
    assert restored(kept, first) == state
    # One that was killed at its end has left the same, so that equal content is done.
    assert restored(kept, second) == state
    second.batch([Statement("delete from texts")])
    changed = held(second)
    with pytest.raises(
        OccupiedError, match=r"^\S+/place\S* is not empty, and holds something else. Next: name another"
    ):
        kept.restore(second)
    assert held(second) == changed
    second.close()


def test_one_table_in_a_place_is_done_and_all_of_them_are_something_else(kept: Kept, memory_folder: Path) -> None:
    kept.full()
    place = new_file(memory_folder, "place")
    one = Scope(tables=("texts",))
    assert restored(kept, place, one) == restored(kept, place, one)
    with pytest.raises(OccupiedError):
        kept.restore(place)
    place.close()


def test_a_disk_that_is_full_is_not_kept_full(kept: Kept, memory_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.full()

    def full(_: int) -> None:
        memory_folder.joinpath(".place.sqlite.draft-journal").touch()
        raise OSError(28, "No space left on device")

    before = {path.name for path in memory_folder.iterdir()}
    monkeypatch.setattr("resources.d1.scratch.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        kept.restore(EmbeddedD1(memory_folder / "place.sqlite"))
    assert {path.name for path in memory_folder.iterdir()} == before

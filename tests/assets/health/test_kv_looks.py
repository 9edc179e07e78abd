"""Looks at KV cost few writes, and still prove that it can be written."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from assets.health import stores
from clearlift_pipelines.health import KV_WRITTEN_EVERY
from resources.kv import EmbeddedKV, Entry, KVError
from tests.assets.health.watch import TICK, Watch

DAY = timedelta(days=1)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Counting(EmbeddedKV):
    """Counts its writes, which fail while `is_full`."""

    writes = 0
    is_full = False

    def put_many(self, entries: Iterable[Entry]) -> None:
        if self.is_full:
            raise KVError(10048, "free usage limit exceeded")
        self.writes += len(written := list(entries))
        super().put_many(written)

    def delete_many(self, keys: Iterable[str]) -> None:
        self.writes += len(gone := list(keys))
        super().delete_many(gone)


@pytest.fixture
def kv(tmp_path: Path) -> Iterator[Counting]:
    counting = Counting(tmp_path / "kv.sqlite")
    yield counting
    counting.close()


def test_a_day_of_looks_writes_once_an_hour(kv: Counting) -> None:
    for number in range(DAY // TICK):
        assert stores.kv(kv, NOON + number * TICK, KV_WRITTEN_EVERY) == "reachable, writable"
    assert kv.writes == 24


def test_a_write_that_failed_is_tried_by_every_look_until_it_goes_well(kv: Counting) -> None:
    stores.kv(kv, NOON, KV_WRITTEN_EVERY)
    kv.is_full = True
    stores.kv(kv, NOON + TICK, KV_WRITTEN_EVERY)
    for number in range(3):
        with pytest.raises(KVError):
            stores.kv(kv, NOON + KV_WRITTEN_EVERY + number * TICK, KV_WRITTEN_EVERY)
    kv.is_full = False
    stores.kv(kv, NOON + KV_WRITTEN_EVERY + 3 * TICK, KV_WRITTEN_EVERY)
    assert kv.writes == 2


def test_the_sensor_writes_rarely_and_a_person_is_told_of_now(watch: Watch) -> None:
    written: list[str] = []
    put = EmbeddedKV.put_many

    def noted(self: EmbeddedKV, entries: Iterable[Entry]) -> None:
        listed = list(entries)
        written.extend(entry.key for entry in listed)
        put(self, listed)

    watch.terminal.monkeypatch.setattr(EmbeddedKV, "put_many", noted)
    for _ in range(2):
        watch.engine.run()
    spaces = len([check for check in watch.engine.store_checks if check.name.endswith("-kv")])
    assert written == [stores.PROBE] * spaces
    watch.terminal.good("doctor")
    assert written == [stores.PROBE] * spaces * 2

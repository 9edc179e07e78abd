"""Requests to stores are counted by what their provider charges for, and noted by every process."""

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from assets import requests_sent
from resources.kv import EmbeddedKV, Entry
from resources.meter import KV_DELETES, KV_LISTS, KV_READS, KV_WRITES, R2_CLASS_A, R2_CLASS_B, Meter
from resources.postgres import Postgres
from resources.r2 import FolderObjectStore
from resources.r2.objects import PART_BYTES

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)


def test_keys_of_kv_are_counted_one_by_one_and_listings_by_the_page(tmp_path: Path) -> None:
    meter = Meter()
    kv = EmbeddedKV(tmp_path / "kv.sqlite", count=meter.of("app-kv"))
    kv.put_many(Entry(f"k{number}", b"v") for number in range(1_001))
    kv.get_many(["k1", "k2", "none"])
    assert len(list(kv.list())) == 1_001
    kv.delete_many(["k1", "k2"])
    kv.close()
    counted = {kind: number for (_, kind), number in meter.take().items()}
    assert counted == {KV_WRITES: 1_001, KV_READS: 3, KV_LISTS: 2, KV_DELETES: 2}


def test_requests_to_r2_are_counted_by_class_and_a_large_object_by_its_parts(tmp_path: Path) -> None:
    meter = Meter()
    store = FolderObjectStore(tmp_path, count=meter.of("object store"))
    store.put("a", b"x")
    store.put_if_absent("b", b"x")
    store.get("a")
    store.head("a")
    list(store.list())
    store.delete("a")
    assert meter.take() == {("object store", R2_CLASS_A): 3, ("object store", R2_CLASS_B): 2}
    store.put("c", iter([b"x" * PART_BYTES, b"x" * PART_BYTES, b"x"]))
    assert meter.take() == {("object store", R2_CLASS_A): 5}, "one that begins, three parts, one that ends"
    assert store.head("c").size == 2 * PART_BYTES + 1


def test_processes_add_up_and_what_could_not_be_noted_is_kept(postgres: Postgres) -> None:
    meters = [Meter(), Meter()]
    meters[0].of("object store")(R2_CLASS_A, 1)
    requests_sent.write(postgres, NOW, meters[0])
    assert not postgres.is_open, "what nothing else has asked may be what is lost"
    postgres.fetch("select 1 as one")
    for meter in meters:
        meter.of("object store")(R2_CLASS_A, 2)
    writers = [threading.Thread(target=requests_sent.write, args=(postgres, NOW, meter)) for meter in meters]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    requests_sent.write(postgres, NOW, meters[0])
    (counted,) = requests_sent.by_day(postgres, NOW.date())
    assert (counted.store, counted.kind, counted.requests) == ("object store", R2_CLASS_A, 5)
    postgres.execute("alter table health.requests rename to away")
    meters[0].of("object store")(R2_CLASS_A, 5)
    requests_sent.write(postgres, NOW, meters[0])
    postgres.execute("alter table health.away rename to requests")
    requests_sent.write(postgres, NOW, meters[0])
    (counted,) = requests_sent.by_day(postgres, NOW.date())
    assert counted.requests == 10


@pytest.mark.parametrize("number", [0, 3])
def test_nothing_is_noted_of_nothing(number: int) -> None:
    meter = Meter()
    meter.of("x")(R2_CLASS_A, number)
    assert bool(meter.take()) is bool(number)
    assert not meter.take()

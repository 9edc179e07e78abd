"""What the real rooms count: keys and pages of KV, and the rows that D1 itself says it read and wrote."""

import pytest

from resources.d1 import CloudflareD1
from resources.kv import CloudflareKV, Entry
from resources.meter import D1_ROWS_READ, D1_ROWS_WRITTEN, KV_DELETES, KV_LISTS, KV_READS, KV_WRITES, Meter
from tests.workerd.local_runtime import Workerd, local_session

pytestmark = pytest.mark.xdist_group("workerd")


def test_kv_is_counted_by_key_and_by_page(workerd: Workerd) -> None:
    meter = Meter()
    kv = CloudflareKV(local_session(), "", workerd.namespaces[0], api=workerd.api, count=meter.of("kv"))
    kv.delete_many([info.name for info in kv.list()])
    meter.take()
    kv.put_many(Entry(f"k{number}", b"v") for number in range(3))
    assert kv.get("k1") == b"v"
    assert len(kv.get_many(["k0", "k2", "none"])) == 2
    assert len(list(kv.list())) == 3
    kv.delete_many(["k0", "k1", "k2"])
    counted = {kind: number for (_, kind), number in meter.take().items()}
    assert counted == {KV_WRITES: 3, KV_READS: 4, KV_LISTS: 1, KV_DELETES: 3}


def test_d1_is_counted_by_the_rows_that_it_says(workerd: Workerd) -> None:
    meter = Meter()
    d1 = CloudflareD1(local_session(), "", workerd.databases[0], api=workerd.api, count=meter.of("d1"))
    d1.execute("drop table if exists counted")
    d1.execute("create table counted (id integer primary key)")
    meter.take()
    d1.execute("insert into counted values (1), (2), (3)")
    assert meter.take()["d1", D1_ROWS_WRITTEN] == 3
    assert len(d1.query("select id from counted")) == 3
    assert meter.take() == {("d1", D1_ROWS_READ): 3}
    d1.execute("drop table counted")

"""The embedded room of Workers KV only: expiry by a given clock, and one file for many threads."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from resources.kv import EmbeddedKV, Entry, KVError, hidden
from tests.standin.waits import Waits


@pytest.fixture
def embedded_kv(tmp_path: Path, waits: Waits) -> EmbeddedKV:
    return EmbeddedKV(tmp_path / "kv.sqlite", clock=waits.clock)


def test_what_has_expired_is_gone(embedded_kv: EmbeddedKV, waits: Waits) -> None:
    embedded_kv.put_many([Entry("in", b"1", ttl=60), Entry("at", b"2", expires_at=int(waits.now) + 90)])
    waits.sleep(59)
    assert embedded_kv.get_many(["in", "at"]) == {"in": b"1", "at": b"2"}
    waits.sleep(1)
    assert embedded_kv.get_many(["in", "at"]) == {"at": b"2"}
    assert [info.name for info in embedded_kv.list()] == ["at"]
    waits.sleep(30)
    assert embedded_kv.get("at") is None
    embedded_kv.put_many([Entry("in", b"3")])
    assert embedded_kv.get("in") == b"3"


def test_a_refused_pair_leaves_nothing_of_its_call(embedded_kv: EmbeddedKV) -> None:
    with pytest.raises(KVError, match=hidden("bad")):
        embedded_kv.put_many([Entry("good", b"1"), Entry("bad", b"2", ttl=1)])
    assert list(embedded_kv.list()) == []


def test_a_prefix_is_compared_to_its_end(embedded_kv: EmbeddedKV) -> None:
    embedded_kv.put_many([Entry("a", b"1"), Entry("a\0b", b"2"), Entry("ab", b"3")])
    assert [info.name for info in embedded_kv.list("a\0")] == ["a\0b"]
    assert [info.name for info in embedded_kv.list("a")] == ["a", "a\0b", "ab"]


def test_pairs_may_be_made_of_the_namespace_itself(embedded_kv: EmbeddedKV) -> None:
    def copies() -> Iterator[Entry]:
        for i in range(2_500):
            embedded_kv.put_many([Entry("count", str(i).encode())])
            yield Entry(f"k{i:04}", embedded_kv.get("count") or b"")

    embedded_kv.put_many(copies())
    assert embedded_kv.get_many(["k0000", "k0999", "k2499"]) == {"k0000": b"0", "k0999": b"999", "k2499": b"2499"}
    assert len(list(embedded_kv.list("k"))) == 2_500


def test_threads_share_it(embedded_kv: EmbeddedKV) -> None:
    def put(i: int) -> bytes | None:
        embedded_kv.put_many([Entry(f"k{i}", str(i).encode()), Entry("shared", b"x")])
        return embedded_kv.get(f"k{i}")

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(put, range(60))) == [str(i).encode() for i in range(60)]
    assert len(list(embedded_kv.list("k"))) == 60

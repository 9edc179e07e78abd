"""The contract of the object store, for each of its rooms."""

import datetime as dt
import hashlib
import io
import random
import threading
from collections.abc import Iterator

import polars as pl
import pytest

from resources.r2 import ObjectNotFoundError, ObjectStore
from tests.resources.r2.conftest import PART_BYTES

KEYS = [
    "plain.json",
    "a b/c+d&e=f/100%.json",
    "org_tag=a3f7c2/year=2025/month=10/events-é漢字.parquet",
    "percent%2Fencoded%20name",
    "hash#tag?query",
    "quote'\"<>.txt",
]


def keys(store: ObjectStore, prefix: str = "", start_after: str | None = None) -> list[str]:
    return [info.key for info in store.list(prefix, start_after)]


@pytest.mark.parametrize("key", KEYS)
def test_bytes_come_back_under_any_name(store: ObjectStore, key: str) -> None:
    body = bytes(range(256)) + key.encode()
    store.put(key, body)
    assert store.get(key) == body
    assert keys(store) == [key]
    assert store.exists(key)
    store.delete(key)
    assert not store.exists(key)


def test_head_says_size_and_time(store: ObjectStore) -> None:
    before = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=2)
    store.put("a/b", b"12345")
    info = store.head("a/b")
    assert (info.key, info.size) == ("a/b", 5)
    assert info.etag
    assert before <= info.last_modified <= dt.datetime.now(dt.UTC) + dt.timedelta(seconds=2)
    assert info.last_modified.tzinfo is dt.UTC
    assert next(store.list()) == info


def test_what_is_not_there(store: ObjectStore) -> None:
    for ask in (store.get, store.head):
        with pytest.raises(ObjectNotFoundError, match="none/here"):
            ask("none/here")
    with pytest.raises(ObjectNotFoundError, match="none/here"):
        store.copy("none/here", "there")
    assert not store.exists("there")
    store.delete(["none/here", "nor/there"])
    assert keys(store) == []
    assert list(store.list_prefixes()) == []


def test_put_replaces(store: ObjectStore) -> None:
    store.put("k", b"first, and longer")
    store.put("k", b"second")
    assert store.get("k") == b"second"
    store.put("k", b"")
    assert store.get("k") == b""


def test_put_if_absent_lets_one_through(store: ObjectStore) -> None:
    assert store.put_if_absent("k", b"one")
    assert not store.put_if_absent("k", b"two")
    # The second writer lost, even with equal bytes.
    assert not store.put_if_absent("k", b"one")
    assert store.get("k") == b"one"
    store.delete("k")
    assert store.put_if_absent("k", b"three")


def test_put_if_absent_in_a_race(store: ObjectStore) -> None:
    won: list[bytes] = []

    def attempt(body: bytes) -> None:
        if store.put_if_absent("race/k", body):
            won.append(body)

    threads = [threading.Thread(target=attempt, args=(str(i).encode(),)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert won == [store.get("race/k")]


def test_replace_takes_the_place_of_the_very_object_that_was_seen(store: ObjectStore) -> None:
    store.put("k", b"seen")
    seen = store.head("k").etag or ""
    replaced = store.replace("k", b"new", seen)
    assert replaced == store.head("k").etag != seen
    assert store.get("k") == b"new"
    assert store.replace("k", b"late", seen) is None
    assert store.get("k") == b"new"
    store.delete("k")
    assert store.replace("k", b"back", replaced or "") is None
    assert not store.exists("k")


@pytest.mark.parametrize("length", [0, 1, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES + 12345])
def test_streams_of_any_length(store: ObjectStore, length: int) -> None:
    seed = random.Random(length)
    sent = hashlib.sha256()

    def chunks() -> Iterator[bytes]:
        left = length
        while left:
            chunk = seed.randbytes(min(left, seed.randint(1, 3_000_000)))
            left -= len(chunk)
            sent.update(chunk)
            yield chunk

    store.put("big", chunks())
    assert store.head("big").size == length
    received = hashlib.sha256()
    for chunk in store.stream("big", 1_000_000):
        received.update(chunk)
    assert received.hexdigest() == sent.hexdigest()


def test_large_bytes(store: ObjectStore) -> None:
    body = random.Random(1).randbytes(PART_BYTES + 7)
    store.put("big", body)
    assert store.get("big") == body


@pytest.mark.parametrize("length", [100, PART_BYTES * 2])
def test_a_stream_that_fails_leaves_the_old_object(store: ObjectStore, length: int) -> None:
    store.put("dir/k", b"old")

    def failing() -> Iterator[bytes]:
        yield bytes(length)
        raise ValueError("the source broke")

    with pytest.raises(ValueError, match="the source broke"):
        store.put("dir/k", failing())
    with pytest.raises(ValueError, match="the source broke"):
        store.put("dir/new", failing())
    assert store.get("dir/k") == b"old"
    assert keys(store) == ["dir/k"]


def test_listing_is_in_order_and_resumes(store: ObjectStore) -> None:
    names = ["a", "b.txt", "b/1", "b/10", "b/2/x", "b/2/y", "b2/z", "c", "é", "漢"]
    for name in reversed(names):
        store.put(name, b"x")
    assert keys(store) == sorted(names, key=str.encode)
    assert keys(store, "b") == keys(store, "b/") == ["b/1", "b/10", "b/2/x", "b/2/y"]
    assert keys(store, "b/2") == ["b/2/x", "b/2/y"]
    assert keys(store, "none") == []
    for position, name in enumerate(names):
        assert keys(store, start_after=name) == names[position + 1 :]
    assert keys(store, "b", start_after="b/10") == ["b/2/x", "b/2/y"]
    assert keys(store, "b", start_after="b/15") == ["b/2/x", "b/2/y"]


def test_prefixes_are_those_with_objects(store: ObjectStore) -> None:
    for name in ("top", "a/1", "a/b/2", "a/c/d/3", "z=1/4"):
        store.put(name, b"x")
    assert list(store.list_prefixes()) == ["a", "z=1"]
    assert list(store.list_prefixes("a")) == list(store.list_prefixes("a/")) == ["a/b", "a/c"]
    assert list(store.list_prefixes("a/b")) == []
    store.delete("a/c/d/3")
    assert list(store.list_prefixes("a")) == ["a/b"]
    store.put("a/c/d/3", b"again")
    assert list(store.list_prefixes("a")) == ["a/b", "a/c"]


def test_delete_many(store: ObjectStore) -> None:
    names = [f"d/{i:03}" for i in range(30)]
    for name in names:
        store.put(name, b"x")
    store.delete(name for name in [*names[:20], "d/never"])
    assert keys(store) == names[20:]


def test_copy_overwrites(store: ObjectStore) -> None:
    store.put("from", b"new")
    store.put("to/x", b"old")
    store.copy("from", "to/x")
    assert store.get("to/x") == store.get("from") == b"new"


def test_storage_class_is_taken(store: ObjectStore) -> None:
    store.put("cold", b"x" * 10, storage_class="STANDARD_IA")
    assert store.get("cold") == b"x" * 10


@pytest.mark.parametrize("key", ["", "/a", "a/", "a//b", "../a", "a/../b", "./a", "a\x00b", "a\\b", "a#1", "x" * 300])
def test_keys_that_are_refused_everywhere(store: ObjectStore, key: str) -> None:
    for ask in (
        lambda: store.put(key, b"x"),
        lambda: store.put_if_absent(key, b"x"),
        lambda: store.replace(key, b"x", "etag"),
        lambda: store.get(key),
        lambda: store.head(key),
        lambda: store.exists(key),
        lambda: store.delete(key),
        lambda: store.copy(key, "ok"),
        lambda: store.copy("ok", key),
        lambda: store.signed_url(key, 60),
    ):
        with pytest.raises(ValueError, match="object key"):
            ask()
    assert keys(store) == []


def test_polars_reads_the_same_object(store: ObjectStore) -> None:
    table = io.BytesIO()
    frame = pl.DataFrame({"id": [1, 2, 3], "name": ["a", None, "é"]})
    frame.write_parquet(table)
    store.put("t/year=2025/part.parquet", table.getvalue())
    read = pl.scan_parquet(store.uri("t/year=2025/part.parquet"), storage_options=store.polars_options() or None)
    assert read.select("id", "name").collect().equals(frame)

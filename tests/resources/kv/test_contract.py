"""The contract of Workers KV, for each of its rooms."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.kv import KV, Entry, KeyInfo, KVError, hidden
from resources.kv.limits import BYTE_ORDER_MARK

keys = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40).filter(
    lambda key: key not in {".", ".."}
)
bodies = st.one_of(st.binary(max_size=60), st.text(st.characters(exclude_categories=["Cs"])).map(str.encode))
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=10)
metadata = st.one_of(st.none(), st.dictionaries(words, st.one_of(st.booleans(), st.integers(-100, 100), words)))


@settings(max_examples=25, derandomize=True)
@given(
    st.dictionaries(
        keys, st.tuples(bodies.filter(lambda body: not body.startswith(BYTE_ORDER_MARK)), metadata), max_size=8
    )
)
def test_pairs_come_back_as_they_were_put(
    kv: KV, pairs: dict[str, tuple[bytes, dict[str, bool | int | str] | None]]
) -> None:
    kv.delete_many([info.name for info in kv.list()])
    kv.put_many(Entry(key, value, metadata=about) for key, (value, about) in pairs.items())

    values = {key: value for key, (value, _) in pairs.items()}
    assert kv.get_many([*pairs, "missing key"]) == values
    assert {key: kv.get(key) for key in pairs} == values
    listed = [(info.name, info.metadata) for info in kv.list()]
    assert listed == [(key, pairs[key][1]) for key in sorted(pairs, key=str.encode)]


def test_keys_that_javascript_has_plans_for(kv: KV) -> None:
    odd = {
        "__proto__": b"1",
        "constructor": b"2",
        "toString": b"3",
        "a/../b": b"4",
        "%2e": b"5",
        "a b+c?d#e": b"6",
        "a\0b": b"7",
    }
    kv.put_many(Entry(key, value) for key, value in odd.items())
    assert kv.get_many([*odd, "hasOwnProperty"]) == odd
    assert {key: kv.get(key) for key in odd} == odd
    assert [info.name for info in kv.list()] == sorted(odd)
    kv.delete_many(odd)
    assert list(kv.list()) == []


def test_missing_keys_are_no_error(kv: KV) -> None:
    assert kv.get("missing") is None
    assert kv.get_many(["missing"]) == {}
    kv.delete_many(["missing"])
    assert list(kv.list()) == []
    kv.put_many([])
    kv.delete_many([])
    assert kv.get_many([]) == {}


def test_the_last_of_one_key_wins(kv: KV) -> None:
    kv.put_many([Entry("a", b"1"), Entry("b", b"2"), Entry("a", b"3", metadata={"n": 3})])
    assert kv.get_many(["a", "b", "a"]) == {"a": b"3", "b": b"2"}
    kv.put_many([Entry("a", b"4")])
    assert list(kv.list("a")) == [KeyInfo("a", None)]


def test_many_keys_are_listed_in_order_and_by_prefix(kv: KV) -> None:
    names = [f"org/{i % 2}/{i:05}" for i in range(1_203)]
    kv.put_many(Entry(name, name.encode()) for name in names)
    kv.put_many([Entry("org_0/x", b"x"), Entry("orf", b"x")])

    assert [info.name for info in kv.list("org/")] == sorted(names)
    assert [info.name for info in kv.list("org/1/")] == sorted(name for name in names if "/1/" in name)
    assert [info.name for info in kv.list("org_")] == ["org_0/x"]
    assert kv.get_many(names[:350]) == {name: name.encode() for name in names[:350]}
    kv.delete_many(names)
    assert [info.name for info in kv.list()] == ["orf", "org_0/x"]


def test_expiry_is_kept_in_unix_seconds(kv: KV) -> None:
    moment = 4_000_000_000
    kv.put_many([Entry("at", b"1", expires_at=moment), Entry("in", b"2", ttl=86_400), Entry("never", b"3")])
    at, within, never = kv.list()
    assert (at.expiration, never.expiration) == (moment, None)
    assert within.expiration
    assert time.time() - 2e8 < within.expiration < time.time() + 2e8


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (Entry("", b""), f"key {hidden('')} is no key"),
        (Entry(".", b""), f"key {hidden('.')} is no key"),
        (Entry("..", b""), f"key {hidden('..')} is no key"),
        (Entry("k\ud800", b""), "lone surrogate"),
        (Entry("ü" * 257, b""), "has 514 bytes, above KV's 512"),
        (Entry("big", b"x" * (25 * 1024 * 1024 + 1)), f"key {hidden('big')} has a value of 26,214,401 bytes"),
        (
            Entry("marked", BYTE_ORDER_MARK + b"x"),
            f"key {hidden('marked')} has a value that begins with a byte order mark",
        ),
        (Entry("meta", b"", metadata={"a": "x" * 1_017}), f"key {hidden('meta')} has metadata of 1,025 bytes"),
        (Entry("short", b"", ttl=59), f"key {hidden('short')} has a TTL of 59 s"),
        (Entry("past", b"", expires_at=1_000), f"key {hidden('past')} expires"),
        (Entry("both", b"", ttl=60, expires_at=4_000_000_000), f"key {hidden('both')} has both"),
    ],
)
def test_what_kv_refuses_is_refused_by_key(kv: KV, entry: Entry, reason: str) -> None:
    with pytest.raises(KVError) as refused:
        kv.put_many([entry])
    assert reason in str(refused.value)
    assert refused.value.keys == (entry.key,)
    assert list(kv.list()) == []


def test_no_message_has_a_key() -> None:
    """Also where the service repeats it."""
    key = "user:person-17:cart"
    error = KVError(10_013, f"unknown error: {key}, user:person-17", (key, "user:person-17"))
    assert "person-17" not in f"{error} {error!r} {error.message}"
    assert hidden(key) in str(error)
    assert error.keys == (key, "user:person-17")


def test_limits_hold_what_they_allow(kv: KV) -> None:
    largest = bytes(range(256)) * 1_024 * 8  # 2 MiB of bytes that are no text
    kv.put_many([
        Entry("ü" * 256, b"1"),
        Entry("large", largest),
        Entry("meta", b"2", ttl=60, metadata={"a": "x" * 1_016}),
    ])  # fmt: skip
    assert kv.get("ü" * 256) == b"1"
    assert kv.get_many(["large", "meta"]) == {"large": largest, "meta": b"2"}


def test_values_stay_out_of_a_repr() -> None:
    assert "secret" not in repr(Entry("k", b"secret", metadata={"secret": 1}))
    assert "secret" not in repr(KeyInfo("k", None, {"secret": 1}))

"""Warming: only what changed is written, what nobody wants goes, and a kill anywhere is made good by the next run."""

from dataclasses import replace
from datetime import timedelta

import pytest

from assets.cache.delta import RENEW, TTL, expiry
from tests.assets.cache.warmth import Warmth, numbers, of_values

VALUES = {f"dashboard:org{n}:summary:1d": b'{"events":%d}' % n for n in range(20)}
KEY = "dashboard:org7:summary:1d"


def test_a_second_warming_writes_nothing(warmth: Warmth) -> None:
    first = warmth.warm(VALUES)
    assert numbers(first) == (20, 20, 0, 0, 0, 0, 0)
    assert (first.bytes_written, first.freshness, first.writes_saved) == (sum(map(len, VALUES.values())), 1.0, 0)
    assert warmth.held() == VALUES
    warmth.put.clear()
    second = warmth.warm(VALUES)
    assert numbers(second) == (20, 0, 0, 0, 0, 20, 0)
    assert (second.bytes_written, second.freshness, second.writes_saved) == (0, 1.0, 20)
    assert warmth.put == warmth.deleted == []


def test_one_changed_value_writes_one_key(warmth: Warmth) -> None:
    warmth.warm(VALUES)
    warmth.put.clear()
    changed = {**VALUES, KEY: b"{}"}
    done = warmth.warm(changed)
    assert numbers(done) == (20, 0, 1, 0, 0, 19, 0)
    assert warmth.put == [KEY]
    assert warmth.held() == changed


def test_keys_that_nobody_wants_any_more_go(warmth: Warmth) -> None:
    warmth.warm(VALUES)
    left = {key: value for key, value in VALUES.items() if key != KEY}
    assert warmth.warm(left).deleted == 1
    assert warmth.held() == left
    assert warmth.deleted == [KEY]
    assert numbers(warmth.warm(left)) == (19, 0, 0, 0, 0, 19, 0)


def test_a_family_leaves_the_keys_of_others_alone(warmth: Warmth) -> None:
    warmth.warm(VALUES)
    other = {"dashboard:org1:top_pages:1d": b"[]"}
    warmth.warm(other, "top_pages")
    assert warmth.warm({}, "top_pages").deleted == 1
    assert warmth.held() == VALUES


@pytest.mark.parametrize("first", ["new", "old"])
def test_a_family_of_another_name_takes_keys_over(warmth: Warmth, first: str) -> None:
    warmth.run(replace(of_values(VALUES), name="old"))
    renamed = {"new": of_values(VALUES), "old": replace(of_values({}), name="old")}
    warmth.run(renamed[first])
    for name in ("new", "old"):
        warmth.run(renamed[name])
    assert warmth.held() == VALUES
    assert warmth.run(renamed["new"]).written == warmth.run(renamed["old"]).deleted == 0


def test_an_empty_family_knows_nothing_of_its_freshness(warmth: Warmth) -> None:
    assert warmth.warm({}).freshness is None


@pytest.mark.parametrize("dies", ["before", "half way", "after"])
@pytest.mark.parametrize("afterwards", ["wanted", "as before", "gone"])
def test_a_kill_around_the_write_to_kv_is_made_good(warmth: Warmth, dies: str, afterwards: str) -> None:
    """Even where the value is again what it was before the kill, or the organisation has gone meanwhile."""
    warmth.warm(VALUES)
    fresh = {f"dashboard:fresh{n}:summary:1d": b"new" for n in range(4)}
    wanted = {**VALUES, KEY: b"changed", **fresh}
    warmth.dies = dies
    with pytest.raises(KeyboardInterrupt):
        warmth.warm(wanted)
    warmth.dies = ""

    finally_wanted = {"wanted": wanted, "as before": VALUES, "gone": {}}[afterwards]
    warmth.warm(finally_wanted)
    assert warmth.held() == finally_wanted
    assert numbers(warmth.warm(finally_wanted)) == (len(finally_wanted), 0, 0, 0, 0, len(finally_wanted), 0)


def test_a_kill_between_the_delete_and_the_index_deletes_again(warmth: Warmth) -> None:
    warmth.warm(VALUES)
    warmth.dies = "after delete"
    with pytest.raises(KeyboardInterrupt):
        warmth.warm({KEY: VALUES[KEY]})
    warmth.dies = ""
    warmth.warm({KEY: VALUES[KEY]})
    assert warmth.held() == {KEY: VALUES[KEY]}
    assert warmth.lakeside.postgres.fetch("select key from cache.entries") == [{"key": KEY}]


def test_keys_near_their_expiry_are_renewed_and_none_ever_runs_out(warmth: Warmth) -> None:
    warmth.warm(VALUES)
    start = warmth.lakeside.now
    expirations = {info.name: info.expiration for info in warmth.kv.list()}
    assert expirations == {key: int(expiry(key, start).timestamp()) for key in VALUES}

    warmth.lakeside.now = start + timedelta(hours=16)
    due = {key for key in VALUES if expiry(key, start) - warmth.lakeside.now < RENEW}
    warmth.put.clear()
    done = warmth.warm(VALUES)
    assert 0 < done.survey.renewed < len(VALUES)
    assert set(warmth.put) == due
    assert done.written == done.survey.renewed == len(due)

    for _ in range(60):
        warmth.lakeside.now += timedelta(hours=1)
        assert warmth.held() == VALUES
        warmth.warm(VALUES)


def test_keys_that_expired_are_written_anew(warmth: Warmth) -> None:
    warmth.warm(VALUES)
    warmth.lakeside.now += TTL
    assert warmth.held() == {}
    assert warmth.warm(VALUES).survey.new == len(VALUES)
    assert warmth.held() == VALUES


def test_a_key_that_was_written_less_than_a_second_ago_waits(warmth: Warmth) -> None:
    warmth.warm(VALUES)
    warmth.lakeside.now += timedelta(seconds=0.25)
    warmth.warm({**VALUES, KEY: b"a"})
    assert warmth.slept == [0.75]
    warmth.lakeside.now += timedelta(seconds=1)
    warmth.warm({**VALUES, KEY: b"b"})
    assert warmth.slept == [0.75]


def test_a_clock_that_ran_ahead_costs_a_second_at_most(warmth: Warmth) -> None:
    warmth.warm(VALUES)
    warmth.lakeside.now -= timedelta(minutes=5)
    warmth.warm({**VALUES, KEY: b"a"})
    assert warmth.slept == [1.0]


def test_what_was_forgotten_is_written_again(warmth: Warmth) -> None:
    warmth.warm(VALUES)
    warmth.kv.delete_many(VALUES)
    assert numbers(warmth.warm(VALUES)) == (20, 0, 0, 0, 0, 20, 0)
    assert warmth.forget(VALUES) == 20
    assert warmth.warm(VALUES).written == 20
    assert warmth.held() == VALUES

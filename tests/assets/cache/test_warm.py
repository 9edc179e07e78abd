"""Warming: only what changed is written, what nobody wants goes, and a kill anywhere is made good by the next run."""

from dataclasses import replace
from datetime import timedelta

import pytest

from assets.cache.delta import RENEW, TTL, expiry
from tests.assets.cache.warmed_cache import WarmedCache, numbers, of_values

VALUES = {f"dashboard:org{n}:summary:1d": b'{"events":%d}' % n for n in range(20)}
KEY = "dashboard:org7:summary:1d"


def test_a_second_warming_writes_nothing(warmed_cache: WarmedCache) -> None:
    first = warmed_cache.warm(VALUES)
    assert numbers(first) == (20, 20, 0, 0, 0, 0, 0)
    assert (first.bytes_written, first.freshness, first.writes_saved) == (sum(map(len, VALUES.values())), 1.0, 0)
    assert warmed_cache.held() == VALUES
    warmed_cache.put.clear()
    second = warmed_cache.warm(VALUES)
    assert numbers(second) == (20, 0, 0, 0, 0, 20, 0)
    assert (second.bytes_written, second.freshness, second.writes_saved) == (0, 1.0, 20)
    assert warmed_cache.put == warmed_cache.deleted == []


def test_one_changed_value_writes_one_key(warmed_cache: WarmedCache) -> None:
    warmed_cache.warm(VALUES)
    warmed_cache.put.clear()
    changed = {**VALUES, KEY: b"{}"}
    done = warmed_cache.warm(changed)
    assert numbers(done) == (20, 0, 1, 0, 0, 19, 0)
    assert warmed_cache.put == [KEY]
    assert warmed_cache.held() == changed


def test_keys_that_nobody_wants_any_more_go(warmed_cache: WarmedCache) -> None:
    warmed_cache.warm(VALUES)
    left = {key: value for key, value in VALUES.items() if key != KEY}
    assert warmed_cache.warm(left).deleted == 1
    assert warmed_cache.held() == left
    assert warmed_cache.deleted == [KEY]
    assert numbers(warmed_cache.warm(left)) == (19, 0, 0, 0, 0, 19, 0)


def test_a_family_leaves_the_keys_of_others_alone(warmed_cache: WarmedCache) -> None:
    warmed_cache.warm(VALUES)
    other = {"dashboard:org1:top_pages:1d": b"[]"}
    warmed_cache.warm(other, "top_pages")
    assert warmed_cache.warm({}, "top_pages").deleted == 1
    assert warmed_cache.held() == VALUES


@pytest.mark.parametrize("first", ["new", "old"])
def test_a_family_of_another_name_takes_keys_over(warmed_cache: WarmedCache, first: str) -> None:
    warmed_cache.run(replace(of_values(VALUES), name="old"))
    renamed = {"new": of_values(VALUES), "old": replace(of_values({}), name="old")}
    warmed_cache.run(renamed[first])
    for name in ("new", "old"):
        warmed_cache.run(renamed[name])
    assert warmed_cache.held() == VALUES
    assert warmed_cache.run(renamed["new"]).written == warmed_cache.run(renamed["old"]).deleted == 0


def test_an_empty_family_knows_nothing_of_its_freshness(warmed_cache: WarmedCache) -> None:
    assert warmed_cache.warm({}).freshness is None


@pytest.mark.parametrize("dies", ["before", "half way", "after"])
@pytest.mark.parametrize("afterwards", ["wanted", "as before", "gone"])
def test_a_kill_around_the_write_to_kv_is_made_good(warmed_cache: WarmedCache, dies: str, afterwards: str) -> None:
    """Even where the value is again what it was before the kill, or the organisation has gone meanwhile."""
    warmed_cache.warm(VALUES)
    fresh = {f"dashboard:fresh{n}:summary:1d": b"new" for n in range(4)}
    wanted = {**VALUES, KEY: b"changed", **fresh}
    warmed_cache.dies = dies
    with pytest.raises(KeyboardInterrupt):
        warmed_cache.warm(wanted)
    warmed_cache.dies = ""

    finally_wanted = {"wanted": wanted, "as before": VALUES, "gone": {}}[afterwards]
    warmed_cache.warm(finally_wanted)
    assert warmed_cache.held() == finally_wanted
    assert numbers(warmed_cache.warm(finally_wanted)) == (len(finally_wanted), 0, 0, 0, 0, len(finally_wanted), 0)


def test_a_kill_between_the_delete_and_the_index_deletes_again(warmed_cache: WarmedCache) -> None:
    warmed_cache.warm(VALUES)
    warmed_cache.dies = "after delete"
    with pytest.raises(KeyboardInterrupt):
        warmed_cache.warm({KEY: VALUES[KEY]})
    warmed_cache.dies = ""
    warmed_cache.warm({KEY: VALUES[KEY]})
    assert warmed_cache.held() == {KEY: VALUES[KEY]}
    assert warmed_cache.event_lake.postgres.fetch("select key from cache.entries") == [{"key": KEY}]


def test_keys_near_their_expiry_are_renewed_and_none_ever_runs_out(warmed_cache: WarmedCache) -> None:
    warmed_cache.warm(VALUES)
    start = warmed_cache.event_lake.now
    expirations = {info.name: info.expiration for info in warmed_cache.kv.list()}
    assert expirations == {key: int(expiry(key, start).timestamp()) for key in VALUES}

    warmed_cache.event_lake.now = start + timedelta(hours=16)
    due = {key for key in VALUES if expiry(key, start) - warmed_cache.event_lake.now < RENEW}
    warmed_cache.put.clear()
    done = warmed_cache.warm(VALUES)
    assert 0 < done.survey.renewed < len(VALUES)
    assert set(warmed_cache.put) == due
    assert done.written == done.survey.renewed == len(due)

    for _ in range(60):
        warmed_cache.event_lake.now += timedelta(hours=1)
        assert warmed_cache.held() == VALUES
        warmed_cache.warm(VALUES)


def test_keys_that_expired_are_written_anew(warmed_cache: WarmedCache) -> None:
    warmed_cache.warm(VALUES)
    warmed_cache.event_lake.now += TTL
    assert warmed_cache.held() == {}
    assert warmed_cache.warm(VALUES).survey.new == len(VALUES)
    assert warmed_cache.held() == VALUES


def test_a_key_that_was_written_less_than_a_second_ago_waits(warmed_cache: WarmedCache) -> None:
    warmed_cache.warm(VALUES)
    warmed_cache.event_lake.now += timedelta(seconds=0.25)
    warmed_cache.warm({**VALUES, KEY: b"a"})
    assert warmed_cache.slept == [0.75]
    warmed_cache.event_lake.now += timedelta(seconds=1)
    warmed_cache.warm({**VALUES, KEY: b"b"})
    assert warmed_cache.slept == [0.75]


def test_a_clock_that_ran_ahead_costs_a_second_at_most(warmed_cache: WarmedCache) -> None:
    warmed_cache.warm(VALUES)
    warmed_cache.event_lake.now -= timedelta(minutes=5)
    warmed_cache.warm({**VALUES, KEY: b"a"})
    assert warmed_cache.slept == [1.0]


def test_what_was_forgotten_is_written_again(warmed_cache: WarmedCache) -> None:
    warmed_cache.warm(VALUES)
    warmed_cache.kv.delete_many(VALUES)
    assert numbers(warmed_cache.warm(VALUES)) == (20, 0, 0, 0, 0, 20, 0)
    assert warmed_cache.forget(VALUES) == 20
    assert warmed_cache.warm(VALUES).written == 20
    assert warmed_cache.held() == VALUES

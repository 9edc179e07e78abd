"""The delta: every wanted key has exactly one verdict, and doing what it says leaves nothing more to do."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from assets.cache.delta import RENEW, SPREAD, TTL, Indexed, compare, digest, lifetime

NOW = datetime(2026, 3, 20, 12, 30, tzinfo=UTC)
keys = st.integers(0, 12).map("dashboard:org{}:summary:1d".format)
values = st.binary(max_size=3)
wanteds = st.dictionaries(keys, values)
lives = st.integers(-60, 27 * 3600).map(lambda s: timedelta(seconds=s))
indexes = st.dictionaries(keys, st.builds(lambda v, life: Indexed(digest(v), NOW + life), values, lives))


@given(wanteds, indexes)
def test_every_wanted_key_has_one_verdict_and_every_other_indexed_one_is_unwanted(
    wanted: dict[str, bytes], index: dict[str, Indexed]
) -> None:
    found = compare(wanted, index, NOW)
    assert len(found.writes) == len(set(found.writes))
    assert len(found.writes) + found.unchanged == len(wanted)
    assert set(found.unwanted) == index.keys() - wanted.keys()
    for key in wanted:
        known = index.get(key)
        alive = known is not None and known.expires_at > NOW
        same = known is not None and known.hash == digest(wanted[key])
        lasting = known is not None and known.expires_at - NOW >= RENEW * lifetime(key)
        assert (key in found.new) == (not alive)
        assert (key in found.changed) == (alive and not same)
        assert (key in found.expiring) == (alive and same and not lasting)


@given(wanteds, indexes)
def test_after_it_is_done_nothing_is_left_to_do(wanted: dict[str, bytes], index: dict[str, Indexed]) -> None:
    found = compare(wanted, index, NOW)
    after = {key: known for key, known in index.items() if key not in found.unwanted}
    after |= {key: Indexed(digest(wanted[key]), NOW + lifetime(key)) for key in found.writes}
    again = compare(wanted, after, NOW)
    assert (again.writes, again.unwanted, again.unchanged) == ((), (), len(wanted))


@given(st.text(max_size=40))
def test_a_life_is_the_keys_own_and_within_the_spread(key: str) -> None:
    assert TTL * (1 - SPREAD) <= lifetime(key) <= TTL
    assert lifetime(key) == lifetime(key)


def test_lives_are_spread_so_that_no_minute_expires_many_keys() -> None:
    minutes = [int(lifetime(f"dashboard:org{n}:summary:1d").total_seconds() // 60) for n in range(5_000)]
    assert max(map(minutes.count, set(minutes))) < 5_000 / (SPREAD * 26 * 60) * 3
    assert max(minutes) - min(minutes) > 0.95 * SPREAD * 26 * 60

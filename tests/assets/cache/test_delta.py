"""Expiries: within the TTL, the key's own, and never many of them in one minute, whenever keys were written."""

import random
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st

from assets.cache.delta import MOST_IN_A_MINUTE, RENEW, SPREAD, TTL, digest, expiry

NOW = datetime(2026, 3, 20, 12, 30, tzinfo=UTC)
KEYS = 100_000
moments = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(st.text(max_size=40), moments)
def test_a_life_is_within_the_spread_and_ends_at_the_keys_own_moments(key: str, now: datetime) -> None:
    ends = expiry(key, now)
    assert ends - now + timedelta(seconds=1) > TTL - SPREAD
    assert ends - now <= TTL
    assert ends.microsecond == 0
    assert (expiry(key, now + timedelta(hours=40)) - ends) % SPREAD == timedelta(0)


@given(st.binary(max_size=8), st.binary(max_size=8))
def test_different_values_have_different_digests(one: bytes, other: bytes) -> None:
    assert (digest(one) == digest(other)) == (one == other)
    assert digest(one) != b""


def test_a_renewed_key_lives_on_for_longer_than_the_next_renewal_needs() -> None:
    assert RENEW + timedelta(hours=1) < TTL - SPREAD


def test_of_100000_keys_few_expire_in_any_minute_however_often_they_were_renewed_together() -> None:
    names = [f"dashboard:org{n}:summary:1d" for n in range(KEYS)]
    ends = np.array([expiry(name, NOW).timestamp() for name in names])
    assert _most_in_a_minute(ends) <= MOST_IN_A_MINUTE * KEYS
    chance = random.Random(7)
    now = NOW
    for hour in range(1, 40):
        now = NOW + timedelta(hours=hour)
        due = ends - now.timestamp() < RENEW.total_seconds()
        # And a share of the others, whose values changed.
        due |= np.array([chance.random() < 0.02 for _ in range(KEYS)]) if hour % 13 == 0 else False
        for position in np.flatnonzero(due):
            ends[position] = expiry(names[position], now).timestamp()
        assert (ends > now.timestamp()).all()
        if hour % 3 == 0:
            assert _most_in_a_minute(ends) <= MOST_IN_A_MINUTE * KEYS


def _most_in_a_minute(ends: npt.NDArray[np.float64]) -> int:
    """The most expiries in any 60 seconds, wherever they begin."""
    ordered = np.sort(ends)
    return int((np.searchsorted(ordered, ordered + 60, side="left") - np.arange(len(ordered))).max())

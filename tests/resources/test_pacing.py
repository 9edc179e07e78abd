"""Token buckets: never more requests than the rate allows, in any window of time."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.cloudflare import RATE
from resources.pacing import Pacing, Rate, SlidingWindow, TokenBucket
from tests.standin.waits import Waits


@given(
    per_second=st.floats(0.1, 50),
    burst=st.integers(1, 20),
    idle=st.lists(st.floats(0, 5), min_size=2, max_size=60),
)
def test_any_window_holds_the_burst_and_the_refill_at_most(per_second: float, burst: int, idle: list[float]) -> None:
    waits = Waits()
    bucket = TokenBucket(Rate(per_second, burst), clock=waits.clock, sleep=waits.sleep)
    taken = []
    for pause in idle:
        waits.sleep(pause)
        bucket.take()
        taken.append(waits.now)
    for first, start in enumerate(taken):
        for last in range(first, len(taken)):
            assert last - first + 1 <= burst + (taken[last] - start) * per_second + 1e-6


@given(most=st.integers(1, 8), idle=st.lists(st.floats(0, 30), min_size=2, max_size=60))
def test_a_window_holds_as_many_as_it_may_and_waits_no_longer(most: int, idle: list[float]) -> None:
    waits = Waits()
    window = SlidingWindow(most, 60, clock=waits.clock, sleep=waits.sleep)
    taken: list[float] = []
    for pause in idle:
        waits.sleep(pause)
        came = waits.now
        window.take()
        taken.append(waits.now)
        earliest = taken[-most - 1] + 60 if len(taken) > most else 0.0
        assert waits.now == pytest.approx(max(came, earliest))


def test_an_idle_bucket_lets_through_at_once_and_then_by_its_rate() -> None:
    waits = Waits()
    bucket = TokenBucket(Rate(2, 3), clock=waits.clock, sleep=waits.sleep)
    assert [bucket.take() for _ in range(5)] == [0, 0, 0, 0.5, 0.5]
    waits.sleep(100)
    assert [bucket.take() for _ in range(4)] == [0, 0, 0, 0.5]


def test_a_closed_bucket_opens_by_itself() -> None:
    waits = Waits()
    bucket = TokenBucket(Rate(10, 10), clock=waits.clock, sleep=waits.sleep)
    bucket.close_for(30)
    bucket.close_for(5)
    assert bucket.take() == 30
    assert bucket.take() == 0


def test_threads_share_a_bucket() -> None:
    waits = Waits()
    frozen = waits.now
    bucket = TokenBucket(Rate(1, 5), clock=lambda: frozen, sleep=waits.sleep)
    with ThreadPoolExecutor(8) as threads:
        taken = sorted(threads.map(lambda _: bucket.take(), range(20)))
    assert taken == [0.0] * 5 + [float(i) for i in range(1, 16)]


def test_each_key_has_its_bucket_and_rate() -> None:
    waits = Waits()
    pacing = Pacing(Rate(1, 1), {"wide": Rate(1, 3)}, clock=waits.clock, sleep=waits.sleep)
    assert pacing.bucket("a") is pacing.bucket("a")
    for key in ("a", "b", "wide", "wide", "wide"):
        pacing.bucket(key).take()
    assert waits.slept == []
    pacing.bucket("a").take()
    assert waits.slept == [1]


@pytest.mark.parametrize("rate", [Rate(0, 5), Rate(-1, 5), Rate(1, 0)])
def test_a_bucket_that_never_opens_is_refused(rate: Rate) -> None:
    with pytest.raises(ValueError, match="positive rate"):
        TokenBucket(rate)


def test_cloudflares_pace_stays_below_its_quota() -> None:
    assert RATE.burst + 300 * RATE.per_second <= 1_200

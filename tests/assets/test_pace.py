"""Asking again: never while a run is open, always again after a failure, and never faster than the pauses allow."""

from datetime import UTC, datetime, timedelta
from itertools import cycle, pairwise

from hypothesis import given
from hypothesis import strategies as st

from assets.pace import FIRST_PAUSE, LONGEST_PAUSE, TRIES, Ended, Try, due

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ages = st.integers(0, 10_000).map(lambda minutes: minutes * MINUTE)
histories = st.lists(
    st.builds(Try, st.sampled_from(Ended), ages.map(lambda age: NOW - age), st.sampled_from(["", "a", "b"])),
    max_size=TRIES,
).map(lambda tries: sorted(tries, key=lambda one: one.asked_at, reverse=True))


@given(histories, st.sampled_from(["", "a", "b"]), st.booleans())
def test_an_open_run_is_waited_for_and_an_hour_after_a_failure_it_is_always_asked_again(
    tries: list[Try], state: str, once: bool
) -> None:
    asked = due(tries, state, NOW, once=once)
    if not tries:
        assert asked
    elif tries[0].ended is Ended.OPEN:
        assert not asked
    elif tries[0].ended is Ended.FAILED and NOW - tries[0].asked_at >= LONGEST_PAUSE:
        assert asked
    elif tries[0].ended is Ended.FAILED and NOW - tries[0].asked_at < FIRST_PAUSE:
        assert not asked
    elif tries[0].ended is Ended.SUCCEEDED:
        settled = tries[0].state == state and (once or NOW - tries[0].asked_at < LONGEST_PAUSE)
        assert asked != settled


@given(st.lists(st.sampled_from(["", "a", "b"]), min_size=1))
def test_what_fails_for_a_day_is_asked_for_at_most_thirty_times_whatever_lands(states: list[str]) -> None:
    tries: list[Try] = []
    for minute, state in zip(range(24 * 60), cycle(states), strict=False):
        now = NOW + minute * MINUTE
        if due(tries[:TRIES], state, now):
            tries.insert(0, Try(Ended.FAILED, now, state))
    assert len(tries) <= 30
    pauses = [later.asked_at - earlier.asked_at for later, earlier in pairwise(tries)]
    assert pauses[::-1][:TRIES] == [FIRST_PAUSE * 2**n for n in range(TRIES - 1)] + [LONGEST_PAUSE]
    assert max(pauses) == LONGEST_PAUSE


def test_a_success_of_another_state_asks_at_once_and_one_of_the_same_after_an_hour_or_never() -> None:
    done = [Try(Ended.SUCCEEDED, NOW - MINUTE, "one")]
    assert due(done, "two", NOW)
    assert not due(done, "one", NOW)
    assert due(done, "one", NOW + LONGEST_PAUSE)
    assert not due(done, "one", NOW + timedelta(days=365), once=True)


def test_failures_before_the_last_success_do_not_count() -> None:
    tries = [Try(Ended.FAILED, NOW - FIRST_PAUSE), Try(Ended.SUCCEEDED, NOW - 2 * FIRST_PAUSE)]
    assert due([*tries, *[Try(Ended.FAILED, NOW - 3 * FIRST_PAUSE)] * 4], "", NOW)


def test_a_clock_that_was_wrong_bars_nothing() -> None:
    ahead = NOW + timedelta(days=400)
    assert due([Try(Ended.FAILED, ahead)], "", NOW)
    assert due([Try(Ended.SUCCEEDED, ahead)], "", NOW)

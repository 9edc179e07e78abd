"""Windows: cutting and joining lose nothing, double nothing and stay in order."""

from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.windows import DAY, HOUR, Window, day_window, floor_hour, joined, midnight

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
hours = st.integers(0, 24 * 20).map(lambda n: EPOCH + n * HOUR)
instants = st.integers(-(10**9), 10**9).map(lambda ms: EPOCH + timedelta(milliseconds=ms * 997))
windows = st.tuples(instants, instants).map(lambda pair: Window(min(pair), max(pair)))
short_windows = st.builds(
    lambda start, minutes: Window(start, start + timedelta(minutes=minutes)), instants, st.integers(0, 20_000)
)


@given(short_windows)
def test_days_cover_a_window_once_and_break_at_midnights(window: Window) -> None:
    days = list(window.days())
    edges = [window.start, *(d.end for d in days)]
    assert [d.start for d in days] == edges[:-1]
    assert edges[-1] == window.end
    assert all(d.start < d.end <= midnight(d.start.date()) + DAY for d in days)
    assert all(edge == midnight(edge.date()) for edge in edges[1:-1])


@given(short_windows, st.sampled_from([HOUR, DAY]))
def test_steps_are_half_open(window: Window, step: timedelta) -> None:
    starts = list(window.steps(step))
    assert starts == [window.start + n * step for n in range(len(starts))]
    assert all(start < window.end for start in starts)
    assert window.start + len(starts) * step >= window.end


@given(windows, windows)
def test_clipping_is_the_intersection(one: Window, other: Window) -> None:
    clipped = one.clipped(other)
    assert clipped == other.clipped(one)
    if clipped is None:
        assert one.end <= other.start or other.end <= one.start or one.start == one.end or other.start == other.end
    else:
        assert clipped.start < clipped.end
        assert clipped == Window(max(one.start, other.start), min(one.end, other.end))


@given(st.lists(hours))
def test_joined_windows_cover_exactly_the_steps_with_gaps_between(starts: list[datetime]) -> None:
    found = joined(starts, HOUR)
    assert [start for w in found for start in w.steps(HOUR)] == sorted(set(starts))
    assert all(before.end < after.start for before, after in pairwise(found))


@given(instants, st.integers(-14 * 60, 14 * 60))
def test_the_hour_of_an_instant_is_utc_whatever_zone_it_is_said_in(at: datetime, offset: int) -> None:
    said = at.astimezone(timezone(timedelta(minutes=offset)))
    hour = floor_hour(said)
    assert hour.tzinfo is UTC
    assert hour <= at < hour + HOUR
    assert hour.timestamp() % 3600 == 0


def test_a_day_is_its_half_open_window() -> None:
    assert day_window(date(2026, 2, 28)) == Window(datetime(2026, 2, 28, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC))


@pytest.mark.parametrize("zone", [None, timezone(HOUR)])
def test_other_zones_are_refused(zone: timezone | None) -> None:
    with pytest.raises(ValueError, match="in UTC"):
        Window(datetime(2026, 1, 1, tzinfo=zone), datetime(2026, 1, 2, tzinfo=zone))


def test_an_end_before_the_start_is_refused() -> None:
    with pytest.raises(ValueError, match="after its start"):
        Window(EPOCH, EPOCH - HOUR)

"""Times as texts: rounding, order and reading back."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from resources.d1.times import moment, stamp

TIMES = st.datetimes(timezones=st.just(UTC), max_value=datetime(9999, 1, 1))  # noqa: DTZ001


@given(TIMES)
def test_a_bound_is_rounded_up_to_the_milliseconds_that_rows_have(at: datetime) -> None:
    text = stamp(at)
    assert timedelta(0) <= datetime.fromisoformat(text) - at < timedelta(milliseconds=1)
    assert len(text) == 24
    assert stamp(moment(text)) == text


@given(TIMES, TIMES)
def test_texts_sort_in_the_order_of_time(first: datetime, second: datetime) -> None:
    assert (stamp(first) < stamp(second)) <= (first < second)


def test_any_zone_is_written_in_utc() -> None:
    assert stamp(datetime(2026, 11, 20, 15, tzinfo=timezone(timedelta(hours=5)))) == "2026-11-20T10:00:00.000Z"

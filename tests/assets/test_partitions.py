"""Partition keys: the same for Dagster's definitions and our own functions, in UTC, the one in progress included."""

from datetime import UTC, date, datetime, timedelta

import pytest
from dagster import AssetExecutionContext, BackfillPolicy, BetaWarning, DagsterInstance, asset, materialize
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG
from hypothesis import given
from hypothesis import strategies as st

from assets.partitions import Calendar, window
from assets.windows import DAY, HOUR, Window, daily_key, day_window, floor_hour, hourly_key, midnight

CALENDAR = Calendar(date(2025, 10, 1))
NOW = datetime(2025, 10, 3, 7, 40, tzinfo=UTC)
instants = st.integers(0, 456 * 86_400 - 1).map(
    lambda seconds: midnight(date(2025, 10, 1)) + timedelta(seconds=seconds)
)


def test_partitions_run_from_the_start_to_the_one_in_progress() -> None:
    hours = CALENDAR.hourly.get_partition_keys(current_time=NOW)
    assert (hours[0], hours[-1], len(hours)) == ("2025-10-01-00:00", "2025-10-03-07:00", 2 * 24 + 8)
    assert CALENDAR.daily.get_partition_keys(current_time=NOW) == ["2025-10-01", "2025-10-02", "2025-10-03"]


@given(instants)
def test_a_key_names_the_window_that_the_instant_lies_in(at: datetime) -> None:
    start, end = CALENDAR.hourly.time_window_for_partition_key(hourly_key(floor_hour(at)))
    assert (start, end) == (floor_hour(at), floor_hour(at) + HOUR)
    assert start <= at < end
    assert hourly_key(at) == hourly_key(floor_hour(at))
    start, end = CALENDAR.daily.time_window_for_partition_key(daily_key(at.date()))
    assert Window(start.astimezone(UTC), end.astimezone(UTC)) == day_window(at.date())


@pytest.mark.filterwarnings("ignore::dagster.BetaWarning")
@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("2025-10-26", "2025-10-26", Window(midnight(date(2025, 10, 26)), midnight(date(2025, 10, 26)) + DAY)),
        # Europe's clocks go back on the 26th, America's on 2 November: UTC's do not.
        ("2025-10-25", "2025-11-03", Window(midnight(date(2025, 10, 25)), midnight(date(2025, 11, 4)))),
    ],
)
def test_a_run_knows_its_window_for_one_partition_and_for_a_range(first: str, last: str, expected: Window) -> None:
    seen = []

    @asset(partitions_def=CALENDAR.daily, backfill_policy=BackfillPolicy.single_run())
    def made(context: AssetExecutionContext) -> None:
        seen.append(window(context))

    with DagsterInstance.ephemeral() as instance:
        ranged = {ASSET_PARTITION_RANGE_START_TAG: first, ASSET_PARTITION_RANGE_END_TAG: last}
        one = first == last
        assert materialize(
            [made], instance=instance, partition_key=first if one else None, tags={} if one else ranged
        ).success
    assert seen == [expected]
    assert issubclass(BetaWarning, Warning)

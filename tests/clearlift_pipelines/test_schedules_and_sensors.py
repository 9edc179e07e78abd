"""What runs by itself: the partitions that schedules name, and what sensors request or leave alone."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from dagster import TableMetadataValue

from assets.apps.clearlift import APP as CLEARLIFT
from assets.events import landing
from assets.requested import ASKED, STATE
from assets.rollups import late
from tests.assets.event_pipeline import line
from tests.assets.rollups.event_lake import EventLake, event
from tests.clearlift_pipelines.evaluated import put, scheduled, sensed
from tests.clearlift_pipelines.location import Location, partitions
from tests.tables import EVENTS

NOW = datetime(2025, 10, 14, 12, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Requested:
    """A run that a sensor requests: its job without the app's name, and its first and last partition."""

    job: str
    first: str
    last: str
    asked: str


def late_windows(location: Location) -> list[Requested]:
    """What the three sensors of late data request."""
    requests = []
    for name in ("late_data", "late_sessions", "late_attribution"):
        jobs = [job.name for job in location.defs.resolve_sensor_def(f"clearlift_{name}").jobs]
        for request in sensed(location, name)[0]:
            job = request.job_name or jobs[0]
            assert job in jobs
            assert request.run_key is None, "Dagster bars a run key for ever"
            assert request.tags[ASKED].startswith(f"clearlift_{name}-")
            requests.append(Requested(job.removeprefix("clearlift_"), *partitions(request), request.tags[ASKED]))
    return requests


@pytest.mark.parametrize(
    ("name", "at", "first", "last"),
    [
        ("hourly", datetime(2025, 10, 14, 12, 10, tzinfo=UTC), "2025-10-14-11:00", "2025-10-14-11:00"),
        ("hourly", datetime(2025, 10, 14, 0, 10, tzinfo=UTC), "2025-10-13-23:00", "2025-10-13-23:00"),
        ("attribution_today", datetime(2025, 10, 14, 0, 25, tzinfo=UTC), "2025-10-14", "2025-10-14"),
        ("daily", datetime(2025, 11, 1, 0, 30, tzinfo=UTC), "2025-10-31", "2025-10-31"),
        ("weekly", datetime(2025, 10, 13, 0, 45, tzinfo=UTC), "2025-10-06", "2025-10-06"),
        ("weekly", datetime(2025, 10, 14, 0, 45, tzinfo=UTC), "2025-10-13", "2025-10-13"),
        ("monthly", datetime(2025, 11, 1, 0, 50, tzinfo=UTC), "2025-10-01", "2025-10-01"),
        ("sessions_daily", datetime(2025, 10, 14, 0, 40, tzinfo=UTC), "2025-10-13", "2025-10-13"),
        ("sessions_daily", datetime(2025, 10, 2, 0, 40, tzinfo=UTC), "2025-10-01", "2025-10-01"),
        ("attribution_daily", datetime(2025, 10, 14, 0, 55, tzinfo=UTC), "2025-10-13", "2025-10-13"),
        ("sweep", datetime(2025, 10, 14, 4, 0, tzinfo=UTC), "", ""),
    ],
)
def test_a_schedule_names_its_partitions_and_its_tick(
    location: Location, name: str, at: datetime, first: str, last: str
) -> None:
    location.now = at
    request = scheduled(location, name, at)
    assert partitions(request) == (first, last)
    assert (request.partition_key is not None) == bool(first == last and first)
    assert (request.run_key or "").startswith(f"clearlift_{name}-")
    assert (request.run_key or "").endswith(f"-{at:%Y-%m-%dT%H:%M}")
    if name == "sweep":
        assert request.run_config["ops"]["clearlift__events__ingested"]["config"] == {"sweep": True}


def test_ticks_of_one_hour_request_one_run_and_of_the_next_another(location: Location) -> None:
    location.now = NOW
    ticks = [NOW + timedelta(hours=n) for n in range(30)]
    for name in ("hourly", "attribution_today"):
        assert len({scheduled(location, name, at).run_key for at in ticks}) == len(ticks)
        assert scheduled(location, name, NOW).run_key == scheduled(location, name, NOW).run_key


def test_the_landing_sensor_requests_what_has_landed(location: Location) -> None:
    location.now = NOW
    assert sensed(location, "landing") == ([], "Nothing has landed.")
    put(location, "one", NOW, line(1))
    (request,), _ = sensed(location, "landing")
    (same,), _ = sensed(location, "landing")
    assert same.tags == request.tags
    put(location, "two", NOW, line(2))
    (other,), _ = sensed(location, "landing")
    assert other.tags[STATE] != request.tags[STATE]
    assert request.tags[STATE].startswith(f"{landing.zone(CLEARLIFT).hour_prefix(NOW)}one")
    assert location.run("today").success
    assert sensed(location, "landing") == ([], "Nothing has landed.")
    EventLake(location.stores).append_as_foreigner(event(timestamp=NOW))
    assert sensed(location, "landing") == ([], "Nothing has landed."), "nobody has followed that commit"
    sensed(location, "late_data")
    (request,), _ = sensed(location, "landing")
    assert location.run("today").success
    assert sensed(location, "landing") == ([], "Nothing has landed.")


def test_late_data_is_requested_by_hours_days_sessions_and_attribution_until_it_is_made(location: Location) -> None:
    location.now = NOW
    event_lake = EventLake(location.stores)
    assert [sensed(location, name) for name in ("late_data", "late_sessions", "late_attribution")] == [
        ([], "No window that was rolled up has changed since."),
        ([], "No day whose sessions were built has changed since."),
        ([], "No attributed day has changed since."),
    ]

    def at(day: int, hour: int) -> datetime:
        return datetime(2025, 10, day, hour, 5, tzinfo=UTC)

    event_lake.append_as_foreigner(*(event(timestamp=at(*when)) for when in [(12, 22), (12, 23), (13, 0), (10, 7)]))
    first = late_windows(location)
    assert [(r.job, r.first, r.last) for r in first] == [
        ("roll_up_hours", "2025-10-10-07:00", "2025-10-10-07:00"),
        ("roll_up_hours", "2025-10-12-22:00", "2025-10-13-00:00"),
        ("roll_up_days", "2025-10-10", "2025-10-10"),
        ("roll_up_days", "2025-10-12", "2025-10-13"),
        ("sessions", "2025-10-10", "2025-10-10"),
        ("sessions", "2025-10-12", "2025-10-12"),
        ("attribution", "2025-10-10", "2025-10-10"),
        ("attribution", "2025-10-12", "2025-10-13"),
    ]
    assert len({r.asked for r in first}) == 8
    assert late_windows(location) == first, "nobody made them"

    for request in first:
        assert location.run(request.job, request.first, request.last).success
    # The week that has ended, now that its days are there; this week and this month are left to their schedules.
    (week,) = late_windows(location)
    assert (week.job, week.first, week.last) == ("roll_up_weeks", "2025-10-06", "2025-10-06")
    assert location.run(week.job, week.first, week.last).success
    assert late_windows(location) == []
    assert location.count("select sum(events) from rollups.weekly_totals") == 3
    assert location.count("select sum(events) from rollups.daily") == 4
    assert location.count("select count(*) from cache.entries") > 0


def test_hours_without_a_partition_are_not_requested(location: Location) -> None:
    """Another writer's rows from before the first partition, or of hours that have not ended."""
    location.now = datetime(2025, 10, 5, 12, 30, tzinfo=UTC)
    event_lake = EventLake(location.stores)
    before = datetime(2025, 9, 20, tzinfo=UTC)
    event_lake.append_as_foreigner(event(timestamp=before), event(timestamp=location.now + timedelta(hours=5)))
    assert late_windows(location) == []
    assert late.stale(event_lake.app, location.stores.postgres, before, NOW).hours[0].start == before


def test_the_hourly_job_compacts_rolls_up_and_audits(location: Location) -> None:
    event_lake = EventLake(location.stores)
    location.now = NOW
    start = datetime(2025, 10, 14, 11, tzinfo=UTC)
    for minute in range(8):
        event_lake.append(event(timestamp=start + timedelta(minutes=minute), event_id=str(minute)))
    result = location.run("hourly", "2025-10-14-11:00")
    assert result.success
    assert len(location.stores.lake.table(EVENTS).files()) < 8
    (check,) = result.get_asset_check_evaluations()
    assert (check.check_name, check.passed) == ("recount_from_raw_events", True)
    assert check.metadata["events"].value == 8
    made = {e.asset_key.to_user_string(): e.materialization.metadata for e in result.get_asset_materialization_events()}  # type: ignore[union-attr]
    assert made["clearlift/rollups/hourly"]["events"].value == 8
    assert made["clearlift/rollups/hourly"]["dagster/partition_row_count"].value == 1
    preview = made["clearlift/rollups/hourly"]["preview"]
    assert isinstance(preview, TableMetadataValue)
    assert preview.records[0].data["events"] == 8


def test_an_audit_of_nothing_fails_and_says_so(location: Location) -> None:
    location.now = NOW
    result = location.run("roll_up_hours", "2025-10-14-11:00")
    (check,) = result.get_asset_check_evaluations()
    assert not check.passed
    assert check.description == "No hour that was built can be counted again: nothing is proved."

"""What runs by itself: the partitions that schedules name, and what sensors ask for or leave alone."""

import gzip
from datetime import UTC, datetime, timedelta

import pytest
from dagster import RunRequest, TableMetadataValue, build_schedule_context, build_sensor_context
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from assets.apps.clearlift import APP as CLEARLIFT
from assets.events import landing
from assets.rollups import late
from tests.assets.pipeline import line
from tests.assets.rollups.lakeside import Lakeside, event
from tests.clearlift_pipelines.location import Location
from tests.tables import EVENTS

NOW = datetime(2025, 10, 14, 12, 30, tzinfo=UTC)


def scheduled(location: Location, name: str, at: datetime) -> RunRequest:
    schedule = location.defs.resolve_schedule_def(name)
    found = schedule.evaluate_tick(
        build_schedule_context(
            scheduled_execution_time=at, repository_def=location.defs.get_repository_def(), instance=location.instance
        )
    ).run_requests
    assert found is not None
    (request,) = found
    return request


def sensed(location: Location, name: str) -> tuple[list[RunRequest], str | None]:
    sensor = location.defs.resolve_sensor_def(name)
    with build_sensor_context(instance=location.instance, repository_def=location.defs.get_repository_def()) as context:
        found = sensor.evaluate_tick(context)
    return list(found.run_requests or []), found.skip_message


@pytest.mark.parametrize(
    ("name", "at", "partition", "run_key"),
    [
        ("hourly", datetime(2025, 10, 14, 12, 10, tzinfo=UTC), "2025-10-14-11:00", "hourly-2025-10-14-11:00"),
        ("hourly", datetime(2025, 10, 14, 0, 10, tzinfo=UTC), "2025-10-13-23:00", "hourly-2025-10-13-23:00"),
        ("today", datetime(2025, 10, 14, 0, 20, tzinfo=UTC), "2025-10-14", "today-2025-10-14T00"),
        ("daily", datetime(2025, 11, 1, 0, 30, tzinfo=UTC), "2025-10-31", "daily-2025-10-31"),
        ("weekly", datetime(2025, 10, 13, 0, 45, tzinfo=UTC), "2025-10-06", "weekly-2025-10-06-of-2025-10-12"),
        ("weekly", datetime(2025, 10, 14, 0, 45, tzinfo=UTC), "2025-10-13", "weekly-2025-10-13-of-2025-10-13"),
        ("monthly", datetime(2025, 11, 1, 0, 50, tzinfo=UTC), "2025-10-01", "monthly-2025-10-01-of-2025-10-31"),
        ("sessions_daily", datetime(2025, 10, 14, 0, 40, tzinfo=UTC), None, "sessions-2025-10-13"),
        ("attribution_daily", datetime(2025, 10, 14, 0, 55, tzinfo=UTC), "2025-10-13", "attribution-2025-10-13"),
        ("sweep", datetime(2025, 10, 14, 4, 0, tzinfo=UTC), None, "sweep-2025-10-14"),
    ],
)
def test_a_schedule_names_its_partition(
    location: Location, name: str, at: datetime, partition: str | None, run_key: str
) -> None:
    request = scheduled(location, name, at)
    assert (request.partition_key, request.run_key) == (partition, run_key)
    if name == "sweep":
        assert request.run_config["ops"]["clearlift__events__ingested"]["config"] == {"sweep": True}


def test_ticks_of_one_hour_ask_for_one_run_and_of_the_next_for_another(location: Location) -> None:
    ticks = [NOW + timedelta(hours=n) for n in range(30)]
    for name in ("hourly", "today"):
        assert len({scheduled(location, name, at).run_key for at in ticks}) == len(ticks)
        assert scheduled(location, name, NOW).run_key == scheduled(location, name, NOW).run_key


def put(location: Location, name: str, at: datetime, *lines: bytes) -> None:
    prefix = landing.zone(CLEARLIFT).hour_prefix(at)
    location.stores.object_store.put(f"{prefix}{name}.ndjson.gz", gzip.compress(b"\n".join(lines)))


def test_the_landing_sensor_asks_once_for_what_has_landed(location: Location) -> None:
    location.now = NOW
    assert sensed(location, "landing") == ([], "Nothing has landed.")
    put(location, "one", NOW, line(1))
    (request,), _ = sensed(location, "landing")
    (same,), _ = sensed(location, "landing")
    assert same.run_key == request.run_key
    put(location, "two", NOW, line(2))
    (other,), _ = sensed(location, "landing")
    assert other.run_key != request.run_key

    assert location.run("ingest").success
    assert sensed(location, "landing") == ([], "Nothing has landed.")


def test_the_late_data_sensor_asks_for_changed_hours_and_days_until_they_are_made(location: Location) -> None:
    location.now = NOW
    lakeside = Lakeside(location.stores)
    assert sensed(location, "late_data") == ([], "No window that was rolled up has changed since.")

    def at(day: int, hour: int) -> datetime:
        return datetime(2025, 10, day, hour, 5, tzinfo=UTC)

    lakeside.append_as_foreigner(*(event(timestamp=at(*when)) for when in [(12, 22), (12, 23), (13, 0), (10, 7)]))
    asked, _ = sensed(location, "late_data")
    assert [(r.job_name, *tags(r)) for r in asked] == [
        ("roll_up_hours", "2025-10-10-07:00", "2025-10-10-07:00"),
        ("roll_up_hours", "2025-10-12-22:00", "2025-10-13-00:00"),
        ("roll_up_days", "2025-10-10", "2025-10-10"),
        ("roll_up_days", "2025-10-12", "2025-10-13"),
        ("sessions", "2025-10-10", "2025-10-10"),
        ("sessions", "2025-10-12", "2025-10-12"),
        ("attribution", "2025-10-10", "2025-10-10"),
        ("attribution", "2025-10-12", "2025-10-13"),
    ]
    assert len({r.run_key for r in asked}) == 8
    again, _ = sensed(location, "late_data")
    assert [r.run_key for r in again] == [r.run_key for r in asked]

    # Nobody made them: an hour later they are asked for under other keys, which Dagster will not take for done.
    location.now = NOW + timedelta(hours=1)
    later, _ = sensed(location, "late_data")
    assert not {r.run_key for r in later} & {r.run_key for r in asked}

    for request in later:
        assert location.run(request.job_name or "", *tags(request)).success
    # The week that has ended, now that its days are there; this week and this month are left to their schedules.
    (week,), _ = sensed(location, "late_data")
    assert (week.job_name, *tags(week)) == ("roll_up_weeks", "2025-10-06", "2025-10-06")
    assert location.run("roll_up_weeks", *tags(week)).success
    assert sensed(location, "late_data")[0] == []
    assert location.count("select sum(events) from rollups.weekly_totals") == 3
    assert location.count("select sum(events) from rollups.daily") == 4
    assert location.count("select count(*) from cache.entries") > 0


def tags(request: RunRequest) -> tuple[str, str]:
    return request.tags[ASSET_PARTITION_RANGE_START_TAG], request.tags[ASSET_PARTITION_RANGE_END_TAG]


def test_hours_without_a_partition_are_asked_for_by_nobody(location: Location) -> None:
    """Another writer's rows from before the first partition, or of hours that have not ended."""
    location.now = datetime(2025, 10, 5, 12, 30, tzinfo=UTC)
    lakeside = Lakeside(location.stores)
    before = datetime(2025, 9, 20, tzinfo=UTC)
    lakeside.append_as_foreigner(event(timestamp=before), event(timestamp=location.now + timedelta(hours=5)))
    assert sensed(location, "late_data")[0] == []
    assert late.stale(lakeside.app, location.stores.postgres, before, NOW).hours[0].start == before


def test_the_hourly_job_compacts_rolls_up_and_audits(location: Location) -> None:
    lakeside = Lakeside(location.stores)
    location.now = NOW
    start = datetime(2025, 10, 14, 11, tzinfo=UTC)
    for minute in range(8):
        lakeside.append(event(timestamp=start + timedelta(minutes=minute), event_id=str(minute)))
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
    assert check.description == "No built hour could be counted again: nothing is proved."

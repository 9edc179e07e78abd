"""The bad day: a run that fails is asked for again, one that hangs is not joined by others, and each has an end."""

from datetime import UTC, datetime, timedelta

from dagster import AssetKey, DagsterRunStatus, RunRequest, SensorDefinition, build_sensor_context
from dagster._core.storage.tags import MAX_RUNTIME_SECONDS_TAG

from assets.pace import FIRST_PAUSE
from assets.requested import MAX_RETRIES, OPEN
from assets.upkeep.keep import GRACE_HOURS
from clearlift_pipelines.purge_job import NAME as PURGE
from resources.postgres.client import LOCK_SECONDS
from tests.assets.event_pipeline import line
from tests.assets.rollups.event_lake import EventLake, event
from tests.clearlift_pipelines.evaluated import put, sensed, ticked
from tests.clearlift_pipelines.location import Location

NOW = datetime(2025, 10, 14, 12, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TODAY = "clearlift_today"
INGESTED = AssetKey(["clearlift", "events", "ingested"])


def asked(location: Location, sensor: str = "landing") -> list[RunRequest]:
    return sensed(location, sensor)[0]


def whole(location: Location) -> list[RunRequest]:
    """Of what the landing sensor requests, the runs from landing to cache."""
    return [request for request in asked(location) if not request.asset_selection]


def test_a_failed_run_is_asked_for_again_though_nothing_else_lands(location: Location) -> None:
    location.now = NOW
    put(location, "one", NOW, line(1))
    asked_at: list[int] = []
    for minute in (0, *range(1, 190, 2)):
        location.now = NOW + minute * MINUTE
        for request in whole(location):
            ended = DagsterRunStatus.CANCELED if len(asked_at) == 1 else DagsterRunStatus.FAILURE
            location.recorded(request, TODAY, ended)
            asked_at.append(minute)
    assert asked_at == [0, 1, 3, 7, 15, 31, 63, 123, 183], "twice the pause after each failure, at most an hour"
    location.now += timedelta(hours=1)
    assert location.run("today").success
    assert sensed(location, "landing") == ([], "Nothing has landed.")


def test_where_the_cache_fails_again_and_again_batches_are_ingested_all_the_same(location: Location) -> None:
    location.now = NOW
    put(location, "one", NOW, line(1))
    (request,) = asked(location)
    location.recorded(request, TODAY, DagsterRunStatus.FAILURE)
    put(location, "two", NOW, line(2))
    (ingest,) = asked(location)
    assert ingest.asset_selection == [INGESTED]
    run = location.recorded(ingest, TODAY, DagsterRunStatus.STARTED)
    assert asked(location) == [], "an open run takes it in"
    location.instance.report_run_failed(run)
    assert asked(location) == [], "it has failed a moment ago"
    location.now += FIRST_PAUSE
    (again,) = asked(location)
    assert not again.asset_selection, "the whole is due again, so that no part is asked for beside it"


def test_a_run_that_died_again_and_again_is_one_failure(location: Location) -> None:
    location.now = NOW
    put(location, "one", NOW, line(1))
    (request,) = asked(location)
    for _ in range(1 + MAX_RETRIES):  # Dagster makes it again with the same tags
        location.recorded(request, TODAY, DagsterRunStatus.FAILURE)
    assert whole(location) == []
    location.now += FIRST_PAUSE
    assert len(asked(location)) == 1


def test_while_an_ingest_hangs_no_batch_adds_another(location: Location) -> None:
    location.now = NOW
    put(location, "one", NOW, line(1))
    (request,) = asked(location)
    for number, status in enumerate(OPEN):
        run = location.recorded(request, TODAY, status)
        put(location, f"batch {number}", NOW, line(number))
        assert asked(location) == [], status
        location.instance.delete_run(run.run_id)
        assert len(asked(location)) == 1
    run = location.recorded(request, TODAY, DagsterRunStatus.STARTED)
    # The daily sweep may wait for it, once.
    (sweep,) = ticked(location, "sweep", datetime(2025, 10, 15, 4, tzinfo=UTC))
    location.recorded(sweep, TODAY, DagsterRunStatus.QUEUED)
    location.now = NOW + timedelta(days=2)
    assert ticked(location, "sweep", datetime(2025, 10, 16, 4, tzinfo=UTC)) == []
    assert asked(location) == []
    location.instance.report_run_failed(run)
    assert len(asked(location)) == 1


def test_what_a_run_by_hand_makes_is_not_asked_for_beside_it(location: Location) -> None:
    location.now = NOW
    lake = EventLake(location.stores)
    lake.append_as_foreigner(event(timestamp=NOW - timedelta(days=2)), event(timestamp=NOW - timedelta(days=4)))
    before = asked(location, "late_data")
    assert [request.partition_key for request in before if request.job_name == "clearlift_roll_up_days"] == [
        "2025-10-10",
        "2025-10-12",
    ]
    by_hand = RunRequest(tags={"dagster/asset_partition_range_start": "2025-10-09",
                               "dagster/asset_partition_range_end": "2025-10-11"})  # fmt: skip
    run = location.recorded(by_hand, "clearlift_roll_up_days", DagsterRunStatus.STARTED)
    during = asked(location, "late_data")
    assert [r.partition_key for r in during if r.job_name == "clearlift_roll_up_days"] == ["2025-10-12"]
    assert len(during) == len(before) - 1
    location.instance.report_run_failed(run)
    assert len(asked(location, "late_data")) == len(before)


def test_no_sensor_has_a_run_key(location: Location) -> None:
    """Each sensor of the whole graph that asks for something is asked again after its runs have failed."""
    location.now = NOW
    put(location, "one", NOW, line(1))
    EventLake(location.stores).append_as_foreigner(event(timestamp=NOW - timedelta(days=2)))
    asking = 0
    for sensor in location.defs.sensors or ():
        assert isinstance(sensor, SensorDefinition)
        location.now = NOW
        jobs = [job.name for job in sensor.jobs] if sensor.targets else []
        counts = []
        for _ in range(3):
            with build_sensor_context(
                instance=location.instance, repository_def=location.defs.get_repository_def()
            ) as context:
                requests = list(sensor.evaluate_tick(context).run_requests or ())
            assert all(request.run_key is None for request in requests)
            for request in requests:
                location.recorded(request, request.job_name or jobs[0], DagsterRunStatus.FAILURE)
            counts.append(len(requests))
            location.now += timedelta(hours=1)
        assert len(set(counts)) == 1, sensor.name
        asking += bool(counts[0])
    assert asking >= 4


def test_every_job_ends_and_none_outlives_what_relies_on_it(location: Location) -> None:
    names = [job.name for job in location.defs.jobs or ()]
    assert PURGE in names
    for name in names:
        longest = float(location.defs.resolve_job_def(name).tags[MAX_RUNTIME_SECONDS_TAG])
        # A run that waits for a lock gives up before it is ended; files are kept for longer than any run takes.
        assert LOCK_SECONDS < longest < GRACE_HOURS * 3600, name

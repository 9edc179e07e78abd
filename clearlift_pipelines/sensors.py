"""Sensors: what runs because something happened. Each asks the stores cheaply and keeps no state of its own."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

from dagster import (
    DefaultSensorStatus,
    RunRequest,
    SensorDefinition,
    SensorEvaluationContext,
    SkipReason,
    sensor,
)
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from assets.events.ingest import pending
from assets.events.table import EVENTS
from assets.partitions import daily_key, hourly_key
from assets.rollups import late
from assets.windows import DAY, HOUR
from clearlift_pipelines.stores import Stores


def build(
    jobs: Mapping[str, UnresolvedAssetJobDefinition],
    stores: Stores,
    clock: Callable[[], datetime],
    late_horizon: timedelta,
) -> list[SensorDefinition]:
    """Every sensor."""

    @sensor(
        job=jobs["ingest"],
        name="landing",
        minimum_interval_seconds=60,
        default_status=DefaultSensorStatus.RUNNING,
        description="Asks for an ingest as soon as a batch has landed.",
    )
    def landing(context: SensorEvaluationContext) -> RunRequest | SkipReason:
        del context
        batches = pending(stores.object_store, stores.postgres)
        if not batches:
            return SkipReason("Nothing has landed.")
        newest = max(batches, key=lambda o: (o.last_modified, o.key))
        return RunRequest(run_key=f"landed-{newest.key}-{newest.etag}-{len(batches)}")

    @sensor(
        jobs=[jobs["roll_up_hours"], jobs["roll_up_days"]],
        name="late_data",
        minimum_interval_seconds=60,
        default_status=DefaultSensorStatus.RUNNING,
        description="Follows the lake's commits; asks again for hours and days that changed after their roll-up.",
    )
    def late_data(context: SensorEvaluationContext) -> Iterator[RunRequest | SkipReason]:
        del context
        late.follow(stores.lake.table(EVENTS), stores.postgres, clock)
        now = clock()
        found = late.stale(stores.postgres, now - late_horizon, now)
        if not found:
            yield SkipReason("No window that was rolled up has changed since.")
        # The hour in the key asks again for what an earlier run failed to make.
        key = f"late-{found.commit}-{now:%Y-%m-%dT%H}"
        for hours in found.hours:
            yield _range("roll_up_hours", key, hourly_key(hours.start), hourly_key(hours.end - HOUR))
        for days in found.days:
            yield _range("roll_up_days", key, daily_key(days.start.date()), daily_key((days.end - DAY).date()))

    return [landing, late_data]


def _range(job: str, key: str, first: str, last: str) -> RunRequest:
    tags = {ASSET_PARTITION_RANGE_START_TAG: first, ASSET_PARTITION_RANGE_END_TAG: last}
    return RunRequest(run_key=f"{key}-{first}-{last}", job_name=job, tags=tags)

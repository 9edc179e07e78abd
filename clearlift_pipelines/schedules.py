"""Schedules: what runs by the clock. All are UTC and on by default, and name the partition that they ask for."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from dagster import (
    DefaultScheduleStatus,
    RunConfig,
    RunRequest,
    ScheduleDefinition,
    ScheduleEvaluationContext,
    schedule,
)
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from assets.events.assets import IngestConfig
from assets.partitions import daily_key, hourly_key
from assets.windows import HOUR, floor_hour

RUNNING = DefaultScheduleStatus.RUNNING


def build(jobs: Mapping[str, UnresolvedAssetJobDefinition]) -> list[ScheduleDefinition]:
    """Every schedule."""

    @schedule(
        cron_schedule="10 * * * *", job=jobs["hourly"], name="hourly", execution_timezone="UTC", default_status=RUNNING
    )
    def hourly(context: ScheduleEvaluationContext) -> RunRequest:
        """At hh:10, the hour that ended: compaction and its roll-up."""
        hour = hourly_key(floor_hour(_tick(context)) - HOUR)
        return RunRequest(run_key=f"hourly-{hour}", partition_key=hour)

    @schedule(
        cron_schedule="20 * * * *",
        job=jobs["roll_up_days"],
        name="today",
        execution_timezone="UTC",
        default_status=RUNNING,
    )
    def today(context: ScheduleEvaluationContext) -> RunRequest:
        """At hh:20, the day in progress and its caches."""
        at = _tick(context)
        return RunRequest(run_key=f"today-{at:%Y-%m-%dT%H}", partition_key=daily_key(at.date()))

    @schedule(
        cron_schedule="30 0 * * *",
        job=jobs["roll_up_days"],
        name="daily",
        execution_timezone="UTC",
        default_status=RUNNING,
    )
    def daily(context: ScheduleEvaluationContext) -> RunRequest:
        """At 00:30, the day that ended, for good."""
        day = daily_key((_tick(context) - timedelta(days=1)).date())
        return RunRequest(run_key=f"daily-{day}", partition_key=day)

    @schedule(
        cron_schedule="0 4 * * *", job=jobs["ingest"], name="sweep", execution_timezone="UTC", default_status=RUNNING
    )
    def sweep(context: ScheduleEvaluationContext) -> Iterator[RunRequest]:
        """Daily, the whole landing zone: batches that landed under an hour which was listed long ago."""
        yield RunRequest(
            run_key=f"sweep-{_tick(context):%Y-%m-%d}",
            run_config=RunConfig(ops={"clearlift__events__ingested": IngestConfig(sweep=True)}),
        )

    return [hourly, today, daily, sweep]


def _tick(context: ScheduleEvaluationContext) -> datetime:
    return context.scheduled_execution_time.astimezone(UTC)

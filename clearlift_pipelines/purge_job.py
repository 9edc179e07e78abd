"""The job that purges Dagster's run history, and its schedule. It belongs to no app: there is one history for all.

What belongs here: what Dagster needs of it. What does not: what is purged (purging.py).
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from dagster import (
    Config,
    DefaultScheduleStatus,
    JobDefinition,
    OpExecutionContext,
    RunConfig,
    ScheduleDefinition,
    job,
    op,
)
from dagster._core.storage.tags import MAX_RUNTIME_SECONDS_TAG

from assets.apps.pipelines import PIPELINES
from assets.automation import PATIENT
from assets.capability import AfterGap, job_name
from clearlift_pipelines.purging import purge

NAME = job_name(PIPELINES, "purge")
CRON = "55 5 * * *"
LONGEST = timedelta(hours=2)
DESCRIPTION = (
    f"Daily at 05:55: runs and events of Dagster's history that are old. After downtime it {AfterGap.LATEST.value}."
)


class PurgeConfig(Config):
    """dry_run: only count what would go. days: the age; by default that of CLEARLIFT_HISTORY_DAYS."""

    dry_run: bool = True
    days: int | None = None


def build(days: int, clock: Callable[[], datetime]) -> tuple[JobDefinition, ScheduleDefinition]:
    """The job and its schedule. days: the age beyond which history goes."""

    @op(description="Delete runs and events that are old, and that no asset or check needs to say how it stands.")
    def purge_history(context: OpExecutionContext, config: PurgeConfig) -> None:
        age = timedelta(days=days if config.days is None else config.days)
        done = purge(context.instance, age, clock(), dry_run=config.dry_run)
        figures: dict[str, Any] = {
            "dry_run": config.dry_run,
            "older_than_days": age.days,
            "runs": done.runs,
            "rows": done.rows,
            "files": done.files,
            "old_runs_that_stay": done.stayed,
        }
        context.add_output_metadata(figures)
        context.log.info(", ".join(f"{name}: {value}" for name, value in figures.items()))

    @job(
        name=NAME,
        description="Purge Dagster's run history; a dry run unless the configuration says otherwise.",
        tags={MAX_RUNTIME_SECONDS_TAG: str(int(LONGEST.total_seconds())), PATIENT: "yes"},
    )
    def purging() -> None:
        purge_history()

    return purging, ScheduleDefinition(
        name=NAME,
        job=purging,
        cron_schedule=CRON,
        execution_timezone="UTC",
        run_config=RunConfig(ops={"purge_history": PurgeConfig(dry_run=False)}),
        default_status=DefaultScheduleStatus.RUNNING,
        description=DESCRIPTION,
        owners=[PIPELINES.owner],
    )

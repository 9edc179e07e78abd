"""What of the runs in Dagster's history is wrong: jobs whose last run failed, runs that hang, runs that wait.

What does not belong here: schedules, sensors and the daemon (ticks.py).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from dagster import DagsterInstance, DagsterRunStatus, RunsFilter
from dagster._core.storage.dagster_run import JobBucket
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    MAX_RUNTIME_SECONDS_TAG,
    PARTITION_NAME_TAG,
)

from assets.apps.pipelines import PIPELINES
from assets.finding import Finding, HealthCheck, Severity
from assets.health.commands import job_command
from assets.requested import PROCESS_TAG
from assets.thresholds import Thresholds
from resources.counts import counted

DAEMON, AT_HAND = "clearlift ui", "clearlift status"
MOST_FAILURES, MOST_RUNS = 10, 1_000
# Dagster makes a run again whose process died, within minutes.
PATIENCE = timedelta(minutes=5)
# Run monitoring ends a run that takes longer than its job may; so much later it did not.
GRACE = timedelta(minutes=15)
LONGEST = timedelta(hours=2)
WAITING = [DagsterRunStatus.QUEUED, DagsterRunStatus.NOT_STARTED]
WORKING = [DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]


def checks(
    instance: DagsterInstance, jobs: Sequence[str], apps: Sequence[str], thresholds: Thresholds
) -> list[HealthCheck]:
    """The looks at the runs of some jobs, whose names begin with those of apps."""
    waits = timedelta(minutes=thresholds.run_wait_minutes)
    return [
        HealthCheck(PIPELINES.name, "failed_run", partial(_failed, instance, jobs, apps), patience=PATIENCE),
        HealthCheck(PIPELINES.name, "hanging_run", partial(_hanging, instance)),
        HealthCheck(PIPELINES.name, "waiting_run", partial(_waiting, instance, waits)),
    ]


@dataclass(frozen=True)
class _Made:
    """What a run makes: a job's partitions, both empty where it has none."""

    job: str
    first: str
    last: str

    @classmethod
    def of(cls, job: str, tags: Mapping[str, str]) -> "_Made":
        one = tags.get(PARTITION_NAME_TAG, "")
        return cls(job, tags.get(ASSET_PARTITION_RANGE_START_TAG, one), tags.get(ASSET_PARTITION_RANGE_END_TAG, one))

    def covers(self, other: "_Made") -> bool:
        # Keys of one job are times of one format, so that their order as texts is that of their times.
        return self.job == other.job and self.first <= other.first and other.last <= self.last


def _failed(instance: DagsterInstance, jobs: Sequence[str], apps: Sequence[str], _now: datetime) -> Iterator[Finding]:
    """The newest failures of each job that no later run made good."""
    newest = JobBucket(job_names=list(jobs), bucket_limit=MOST_FAILURES)
    seen: set[_Made] = set()
    for record in instance.get_run_records(RunsFilter(statuses=[DagsterRunStatus.FAILURE]), bucket_by=newest):
        run = record.dagster_run
        made = _Made.of(run.job_name, run.tags)
        if made in seen or _made_good(instance, made, record.update_timestamp):
            continue
        seen.add(made)
        of = f" of {made.first}" + (f" to {made.last}" if made.last != made.first else "") if made.first else ""
        said = f"the last run{of} failed, and none has succeeded since; the UI has its reason (run {run.run_id})"
        command = job_command(run.job_name, apps, made.first, made.last)
        yield Finding(f"{run.job_name}{of}", said, command, since=record.update_timestamp.astimezone(UTC))


def _made_good(instance: DagsterInstance, made: _Made, since: datetime) -> bool:
    later = RunsFilter(job_name=made.job, statuses=[DagsterRunStatus.SUCCESS], updated_after=since)
    found = instance.get_run_records(later, limit=MOST_RUNS)
    return any(_Made.of(made.job, one.dagster_run.tags).covers(made) for one in found)


def _hanging(instance: DagsterInstance, now: datetime) -> Iterator[Finding]:
    for record in instance.get_run_records(RunsFilter(statuses=WORKING), limit=MOST_RUNS):
        run, began = record.dagster_run, _at(record.start_time) or record.create_timestamp.astimezone(UTC)
        longest = timedelta(seconds=float(run.tags.get(MAX_RUNTIME_SECONDS_TAG, LONGEST.total_seconds())))
        if now - began > longest + GRACE:
            said = f"run {run.run_id} works for {_hours(now - began)}, and may for {_hours(longest)}; nothing ended it"
            # A command ends the runs of commands that were killed; run monitoring ends all others.
            command = AT_HAND if PROCESS_TAG in run.tags else DAEMON
            yield Finding(run.job_name, said, command, Severity.CRITICAL, began)


def _waiting(instance: DagsterInstance, longest: timedelta, now: datetime) -> Iterator[Finding]:
    jobs: dict[str, list[datetime]] = {}
    for record in instance.get_run_records(RunsFilter(statuses=WAITING), limit=MOST_RUNS):
        jobs.setdefault(record.dagster_run.job_name, []).append(record.create_timestamp.astimezone(UTC))
    for job, made in jobs.items():
        if now - min(made) > longest:
            said = (
                f"{counted(len(made), 'run waits', 'runs wait')} in the queue, the oldest for {_hours(now - min(made))}"
            )
            yield Finding(job, said, DAEMON, Severity.CRITICAL, min(made))


def _at(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _hours(time: timedelta) -> str:
    return f"{time / timedelta(hours=1):.1f} h"

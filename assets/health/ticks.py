"""What of the automation is wrong: moments that nobody evaluated, sensors that fail, what was stopped, a dead daemon.

Once something ran, only what the daemon evaluated before is late, because people may run all by hand. Before that, what
was due by the schedules since the stores were made is. What does not belong here: runs (runs.py).
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from textwrap import shorten

from dagster import DagsterInstance, DagsterRunStatus, RepositoryDefinition, RunsFilter, ScheduleDefinition
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorTick,
    ScheduleInstigatorData,
    TickStatus,
)
from dagster._utils.schedules import reverse_cron_string_iterator

from assets.apps.pipelines import PIPELINES
from assets.finding import Finding, HealthCheck, Severity
from assets.health.commands import job_command
from assets.health.runs import DAEMON
from assets.thresholds import Thresholds
from resources.counts import counted
from resources.postgres import Postgres
from resources.redaction import redact
from resources.sql_files import read_sql

BY_HAND = "clearlift run --no-sample"
# A heartbeat is written every 30 s; Dagster itself calls a daemon dead after 5 minutes.
HEARTBEAT = timedelta(minutes=5)
# One failed look of a sensor is followed by the next within a minute or five.
FAILED_TICKS = 3
LONGEST_REASON = 300


def checks(
    instance: DagsterInstance,
    repository: RepositoryDefinition,
    apps: Sequence[str],
    thresholds: Thresholds,
    postgres: Postgres,
) -> list[HealthCheck]:
    """The looks at schedules, sensors and daemon. apps: the names with which those of jobs begin. postgres: ours."""
    late = timedelta(minutes=thresholds.tick_minutes)
    return [
        HealthCheck(PIPELINES.name, "missed_tick", partial(_missed, instance, repository, apps, late)),
        HealthCheck(PIPELINES.name, "failing_sensor", partial(_failing, instance, repository)),
        HealthCheck(PIPELINES.name, "stopped", partial(_stopped, instance, repository)),
        HealthCheck(PIPELINES.name, "daemon", partial(_dead, instance)),
        HealthCheck(PIPELINES.name, "never_ran", partial(_never_ran, instance, repository, postgres, late)),
    ]


def is_working(instance: DagsterInstance, now: datetime) -> bool:
    """Whether the daemon evaluates schedules, and lives."""
    return any(_running(instance, InstigatorType.SCHEDULE)) and not any(_dead(instance, now))


def ran_ever(instance: DagsterInstance) -> bool:
    """Whether the run history has any run."""
    return bool(instance.get_run_records(limit=1))


def _never_ran(
    instance: DagsterInstance, repository: RepositoryDefinition, postgres: Postgres, late: timedelta, now: datetime
) -> Iterator[Finding]:
    if ran_ever(instance) or any(_running(instance, InstigatorType.SCHEDULE)):
        return
    (row,) = postgres.fetch(read_sql("health/migrated_at.sql"))
    last = {schedule.name: _last_moment(schedule, now - late) for schedule in repository.schedule_defs}
    due = {name: at for name, at in last.items() if at > row["migrated_at"]}
    if due:
        begun = f"{row['migrated_at'].astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        had = f"{counted(len(due), 'schedule')} had a moment since then"
        said = f"nothing ever ran since the stores were migrated ({begun}), and {had}"
        yield Finding("schedules", said, DAEMON, Severity.CRITICAL, min(due.values()))


def _missed(
    instance: DagsterInstance, repository: RepositoryDefinition, apps: Sequence[str], late: timedelta, now: datetime
) -> Iterator[Finding]:
    if any(_dead(instance, now)):
        return  # one cause, one finding
    schedules = {schedule.name: schedule for schedule in repository.schedule_defs}
    for state in _running(instance, InstigatorType.SCHEDULE):
        schedule, data = schedules.get(state.name), state.instigator_data
        if schedule is None or not isinstance(data, ScheduleInstigatorData) or data.start_timestamp is None:
            continue
        due = _last_moment(schedule, now - late)
        if due.timestamp() <= data.start_timestamp:
            continue
        ticks = instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=1)
        last = ticks[0].timestamp if ticks else data.start_timestamp
        if last < due.timestamp() and not _made_by_hand(instance, schedule, due):
            partitioned = repository.get_job(schedule.job_name).partitions_def is not None
            command = BY_HAND if partitioned else job_command(schedule.job_name, apps)
            said = f"its moment {due:%Y-%m-%d %H:%M} UTC was not evaluated"
            yield Finding(state.name, said, command, Severity.CRITICAL, due)


def _last_moment(schedule: ScheduleDefinition, until: datetime) -> datetime:
    cron = schedule.cron_schedule
    assert isinstance(cron, str)  # each of ours has one line
    return next(reverse_cron_string_iterator(until.timestamp(), cron, "UTC")).astimezone(UTC)


def _made_by_hand(instance: DagsterInstance, schedule: ScheduleDefinition, since: datetime) -> bool:
    done = RunsFilter(job_name=schedule.job_name, statuses=[DagsterRunStatus.SUCCESS], created_after=since)
    return bool(instance.get_run_records(done, limit=1))


def _failing(instance: DagsterInstance, repository: RepositoryDefinition, _now: datetime) -> Iterator[Finding]:
    known = {sensor.name for sensor in repository.sensor_defs}
    for state in _running(instance, InstigatorType.SENSOR):
        if state.name not in known:
            continue
        ticks = instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=FAILED_TICKS)
        ended = [tick for tick in ticks if tick.status is not TickStatus.STARTED]
        if len(ended) >= FAILED_TICKS - 1 and all(tick.status is TickStatus.FAILURE for tick in ended):
            reason = _reason(ended[0])
            said = (
                f"its last {counted(len(ended), 'look')} failed, so that nothing is asked for ({reason}); it ends with"
            )
            by_hand = f"{said} its next good look, and until then its work is done by hand"
            yield Finding(state.name, by_hand, BY_HAND, Severity.CRITICAL, _begun(ended))


def _reason(tick: InstigatorTick) -> str:
    """What a look failed of. Below Dagster's own words, which say that one did."""
    error = tick.error
    while error is not None and error.cause is not None and (error.cls_name or "").startswith("Dagster"):
        error = error.cause
    said = error.message if error is not None else "the UI has the reason"
    return shorten(redact(said).rstrip(".\n"), LONGEST_REASON, placeholder=" …")


def _begun(ticks: Sequence[InstigatorTick]) -> datetime:
    return datetime.fromtimestamp(ticks[-1].timestamp, UTC)


def _stopped(instance: DagsterInstance, repository: RepositoryDefinition, _now: datetime) -> Iterator[Finding]:
    known = {
        InstigatorType.SCHEDULE: {schedule.name for schedule in repository.schedule_defs},
        InstigatorType.SENSOR: {sensor.name for sensor in repository.sensor_defs},
    }
    for kind, names in known.items():
        for state in instance.all_instigator_state(instigator_type=kind):
            if state.name in names and state.status is InstigatorStatus.STOPPED:
                said = f"somebody stopped this {kind.value.lower()}, so that its work waits"
                yield Finding(state.name, said, f"clearlift resume {state.name}")


def _dead(instance: DagsterInstance, now: datetime) -> Iterator[Finding]:
    beats = {
        kind.lower(): datetime.fromtimestamp(status.last_heartbeat.timestamp, UTC)
        for kind, status in instance.get_daemon_statuses().items()
        if status.required and status.last_heartbeat is not None
    }
    dead = {kind: at for kind, at in beats.items() if now - at > HEARTBEAT}
    if dead:
        said = f"{', '.join(sorted(dead))} stopped, so that nothing runs by itself"
        yield Finding("daemon", said, DAEMON, Severity.CRITICAL, min(dead.values()))


def _running(instance: DagsterInstance, kind: InstigatorType) -> Iterator[InstigatorState]:
    for state in instance.all_instigator_state(instigator_type=kind):
        if state.status is not InstigatorStatus.STOPPED:
            yield state

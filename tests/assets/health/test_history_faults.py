"""Faults of runs, schedules and sensors: found within two ticks, named, told once, gone after the finding's command."""

import shlex
import socket
import time
from datetime import datetime, timedelta

import psutil
import pytest
from dagster import (
    AssetCheckEvaluation,
    AssetCheckSeverity,
    AssetKey,
    AssetMaterialization,
    DagsterRun,
    DagsterRunStatus,
)
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteInstigatorOrigin, RemoteRepositoryOrigin
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    ScheduleInstigatorData,
    SensorInstigatorData,
    TickData,
    TickStatus,
)
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
)
from dagster._core.test_utils import freeze_time
from dagster._daemon.types import DaemonHeartbeat
from dagster_shared.error import SerializableErrorInfo

from assets.finding import Severity
from assets.health.commands import job_command
from assets.requested import PROCESS_TAG
from tests.assets.health.watch import TICK, Watch

ORIGIN = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("clearlift_pipelines"), "__repository__")


def recorded(watch: Watch, job: str, status: DagsterRunStatus, **tags: str) -> DagsterRun:
    """A run of a job that is in the history; nothing is executed."""
    if status is DagsterRunStatus.SUCCESS:
        # SQLite notes whole seconds, and only a success of a later one makes a failure good.
        time.sleep(1.01 - time.time() % 1)
    return watch.instance.create_run_for_job(
        watch.definitions.resolve_job_def(job), tags=tags, status=status, remote_job_origin=ORIGIN.get_job_origin(job)
    )


def instigated(
    watch: Watch, name: str, kind: InstigatorType, status: InstigatorStatus, since: datetime
) -> InstigatorState:
    """A schedule or sensor as the daemon has noted it."""
    seconds = since.timestamp()
    schedule = kind is InstigatorType.SCHEDULE
    data = ScheduleInstigatorData("0 * * * *", seconds) if schedule else SensorInstigatorData(seconds)
    state = InstigatorState(RemoteInstigatorOrigin(ORIGIN, name), kind, status, data)
    return watch.instance.add_instigator_state(state)


def test_schedules_that_were_due_while_nothing_ever_ran(watch: Watch) -> None:
    for record in watch.instance.get_run_records():
        watch.instance.delete_run(record.dagster_run.run_id)
    watch.stores.postgres.execute("update pipelines.migrations set applied_at = %s", [watch.clock()])
    assert watch.tick() == []
    watch.later(timedelta(hours=1, minutes=15))
    found = watch.found("pipelines/never_ran")
    assert found.finding.command == "clearlift ui"
    recorded(watch, "clearlift_warm", DagsterRunStatus.SUCCESS)
    watch.gone(found)


def ticked(watch: Watch, state: InstigatorState, status: TickStatus, at: datetime) -> None:
    """A tick of it, as the daemon notes one."""
    watch.instance.create_tick(
        TickData(
            state.instigator_origin_id,
            state.name,
            state.instigator_type,
            status,
            at.timestamp(),
            run_ids=[],
            error=SerializableErrorInfo("closed", [], None) if status is TickStatus.FAILURE else None,
            selector_id=state.selector_id,
        )
    )


def test_a_job_whose_last_run_failed(watch: Watch) -> None:
    recorded(watch, "growth_phones", DagsterRunStatus.FAILURE)
    assert not watch.engine.run().found, "Dagster may make it again"
    found = watch.found("pipelines/failed_run", "growth_phones")
    assert found.finding.command == "clearlift job phones --app growth"
    watch.gone_after(found)


def test_a_range_that_succeeded_makes_a_failed_part_of_it_good(watch: Watch) -> None:
    job, part = "clearlift_roll_up_days", "2026-01-30"
    recorded(watch, job, DagsterRunStatus.FAILURE, **{PARTITION_NAME_TAG: part})
    recorded(watch, job, DagsterRunStatus.SUCCESS, **{PARTITION_NAME_TAG: "2026-01-31"})
    watch.tick()
    found = watch.found("pipelines/failed_run", f"{job} of {part}")
    whole = {ASSET_PARTITION_RANGE_START_TAG: "2026-01-29", ASSET_PARTITION_RANGE_END_TAG: "2026-02-02"}
    recorded(watch, job, DagsterRunStatus.SUCCESS, **whole)
    watch.gone(found)


def test_a_run_of_a_process_that_was_killed(watch: Watch) -> None:
    process = psutil.Process()
    dead = f"{socket.gethostname()}:{process.pid}:1"
    recorded(watch, "growth_phones", DagsterRunStatus.STARTED, **{PROCESS_TAG: dead})
    watch.later(timedelta(hours=2, minutes=15))
    found = watch.found("pipelines/hanging_run", "growth_phones")
    assert found.finding.severity is Severity.CRITICAL
    # It ends with 1, because that its job did not succeed is a finding of its own.
    assert watch.terminal.clearlift(*shlex.split(found.finding.command)[1:]).code == 1
    watch.gone(found)


def test_runs_that_wait_in_the_queue(watch: Watch) -> None:
    runs = [recorded(watch, "growth_phones", DagsterRunStatus.QUEUED) for _ in range(2)]
    assert not watch.tick()
    watch.later(timedelta(minutes=30))
    found = watch.found("pipelines/waiting_run", "growth_phones")
    assert found.finding.message.startswith("2 runs wait in the queue")
    for run in runs:
        watch.instance.report_run_canceled(run)
    watch.gone(found)


def test_a_check_of_an_asset_that_failed(watch: Watch) -> None:
    key = AssetKey(["consignment", "integrity", "search"])
    (name,) = (k.name for k in watch.repository.asset_graph.asset_check_keys if k.asset_key == key)
    watch.instance.report_runless_asset_event(
        AssetCheckEvaluation(key, name, passed=False, severity=AssetCheckSeverity.ERROR, description="2 rows differ.")
    )
    found = watch.found("pipelines/failed_check", "consignment/integrity/search")
    assert found.finding.message == "2 rows differ"
    watch.gone_after(found)


def test_a_check_that_warns_for_a_day(watch: Watch) -> None:
    key = AssetKey(["growth", "database", "connections"])
    watch.instance.report_runless_asset_event(
        AssetCheckEvaluation(key, "nothing_to_do", passed=False, severity=AssetCheckSeverity.WARN)
    )
    assert not watch.tick()
    watch.later(timedelta(days=1))
    found = watch.found("pipelines/warning_check", "growth/database/connections")
    watch.gone_after(found)


def test_an_asset_that_is_late(watch: Watch) -> None:
    key = AssetKey(["growth", "database", "connections"])
    with freeze_time(watch.clock() - timedelta(hours=31)):
        watch.instance.report_runless_asset_event(AssetMaterialization(key))
    assert not watch.tick(), "people run all by hand"
    begun = watch.clock() - timedelta(minutes=1)
    instigated(watch, "growth_phones", InstigatorType.SCHEDULE, InstigatorStatus.DECLARED_IN_CODE, begun)
    assert not watch.tick(), "after downtime it is made up"
    watch.later(timedelta(hours=1))
    found = watch.found("pipelines/late_asset", "growth/database/connections")
    assert found.finding.message.startswith("it was last made 32.")
    assert found.finding.message.endswith(" h ago, and is to be made at least every 30.0 h")
    assert found.finding.command == "clearlift job database --app growth"
    watch.gone_after(found)


def test_a_moment_that_no_daemon_evaluated(watch: Watch) -> None:
    begun = watch.clock() - timedelta(days=2)
    state = instigated(watch, "growth_phones", InstigatorType.SCHEDULE, InstigatorStatus.DECLARED_IN_CODE, begun)
    due = begun + timedelta(days=1)
    ticked(watch, state, TickStatus.SUCCESS, due)
    found = watch.found("pipelines/missed_tick", "growth_phones")
    assert found.finding.command == "clearlift job phones --app growth"
    assert f"{found.since:%M}" == "25"
    watch.gone_after(found)


def test_a_schedule_that_somebody_stopped(watch: Watch) -> None:
    started = watch.clock().timestamp()
    state = instigated(watch, "growth_phones", InstigatorType.SCHEDULE, InstigatorStatus.STOPPED, watch.clock())
    found = watch.found("pipelines/stopped", "growth_phones")
    assert found.finding.command == "clearlift resume growth_phones"
    watch.gone_after(found)
    (now,) = (one for one in watch.instance.all_instigator_state() if one.name == state.name)
    assert isinstance(now.instigator_data, ScheduleInstigatorData)
    assert now.status is InstigatorStatus.RUNNING
    assert (now.instigator_data.start_timestamp or 0) >= started
    said = watch.terminal.refused("resume", "growth_phones")
    assert said == "Error: nobody stopped growth_phones. Next: name what is stopped: none"


def test_a_sensor_whose_looks_fail(watch: Watch) -> None:
    state = instigated(
        watch, "clearlift_landing", InstigatorType.SENSOR, InstigatorStatus.DECLARED_IN_CODE, watch.clock()
    )

    ticked(watch, state, TickStatus.FAILURE, watch.clock())
    assert not watch.tick()
    for _ in range(2):
        ticked(watch, state, TickStatus.FAILURE, watch.clock())
    found = watch.found("pipelines/failing_sensor", "clearlift_landing")
    assert "so that nothing is asked for (closed); it ends with its next good look" in found.finding.message
    assert found.finding.command == "clearlift run --no-sample"
    ticked(watch, state, TickStatus.SKIPPED, watch.clock())
    watch.gone(found)


def test_a_daemon_that_stopped(watch: Watch) -> None:
    def beat(at: datetime) -> None:
        for kind in ("SENSOR", "SCHEDULER", "QUEUED_RUN_COORDINATOR", "MONITORING"):
            watch.instance.add_daemon_heartbeat(DaemonHeartbeat(at.timestamp(), kind, "one", []))

    beat(watch.clock() + TICK)
    assert not watch.tick()
    watch.later(timedelta(minutes=5))
    found = watch.found("pipelines/daemon", "daemon")
    assert found.finding.command == "clearlift ui"
    assert found.finding.message == (
        "monitoring, queued_run_coordinator, scheduler, sensor stopped, so that nothing runs by itself"
    )
    beat(watch.clock() + 3 * TICK)
    watch.gone(found)


def test_a_run_history_that_grows(watch: Watch) -> None:
    watch.terminal.monkeypatch.setattr("clearlift_pipelines.purging.FILE_GRACE", timedelta(0))
    shards = watch.terminal.folder / "dagster_home" / "history" / "runs"
    shards.mkdir(parents=True, exist_ok=True)
    for number in range(3):
        # The file of a run that nobody knows any more.
        (shards / f"00000000-0000-0000-0000-00000000000{number}.db").write_bytes(bytes(2**22))
    watch.set("history_mib", 8)
    found = watch.found("pipelines/run_history_size")
    watch.gone_after(found)


@pytest.mark.parametrize(
    ("job", "first", "last", "command"),
    [
        ("growth_phones", "", "", "clearlift job phones --app growth"),
        (
            "clearlift_sessions",
            "2026-01-05",
            "2026-01-05",
            "clearlift job sessions --app clearlift --partition 2026-01-05",
        ),
        (
            "clearlift_roll_up_days",
            "2026-01-30",
            "2026-01-31",
            "clearlift job roll_up_days --app clearlift --from 2026-01-30 --to 2026-02-01",
        ),
        (
            "clearlift_roll_up_hours",
            "2026-01-30-22:00",
            "2026-01-30-23:00",
            "clearlift job roll_up_hours --app clearlift --from 2026-01-30T22 --to 2026-01-31",
        ),
        ("pipelines_purge", "", "", "clearlift purge"),
    ],
)
def test_the_command_of_a_job_names_its_partitions(job: str, first: str, last: str, command: str) -> None:
    assert job_command(job, ["clearlift", "growth", "pipelines"], first, last) == command

"""Purging the run history: what shows how assets stand is the same before and after, and the rest is gone."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from dagster import (
    AssetCheckEvaluation,
    AssetCheckKey,
    AssetCheckResult,
    AssetCheckSpec,
    AssetKey,
    AssetMaterialization,
    AssetObservation,
    DagsterEventType,
    DagsterInstance,
    DagsterRunStatus,
    Definitions,
    MaterializeResult,
    RunsFilter,
    StaticPartitionsDefinition,
    asset,
    build_schedule_context,
    define_asset_job,
    in_process_executor,
)
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, SqlEventLogStorageTable
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from sqlalchemy import func, select

from clearlift_pipelines import purge_job
from clearlift_pipelines.history import VARIABLE, history_bytes
from clearlift_pipelines.purging import Purged, purge

ROOT = Path(__file__).resolve().parents[2]
PLAIN, CUT = AssetKey("plain"), AssetKey("cut")
CHECK = AssetCheckKey(PLAIN, "right")
BROKEN = {"broken": False}


@asset(check_specs=[AssetCheckSpec("right", asset=PLAIN)])
def plain() -> Iterator[MaterializeResult[None]]:
    """An asset with a check."""
    if BROKEN["broken"]:
        raise RuntimeError("broken")
    yield MaterializeResult(check_results=[AssetCheckResult(passed=True, check_name="right")])


@asset(partitions_def=StaticPartitionsDefinition(["a", "b"]))
def cut() -> MaterializeResult[None]:
    """An asset with partitions."""
    return MaterializeResult()


DEFS = Definitions(
    [plain, cut],
    jobs=[define_asset_job("make", [plain]), define_asset_job("cut_up", [cut])],
    executor=in_process_executor,
)


@pytest.fixture(params=["sqlite", "postgres"])
def instance(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres_dsn: str
) -> Iterator[DagsterInstance]:
    """An instance of the project's own dagster.yaml."""
    shutil.copy(ROOT / "dagster_home" / "dagster.yaml", tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.delenv(VARIABLE, raising=False)
    if request.param == "postgres":
        monkeypatch.setenv(VARIABLE, postgres_dsn)
    with DagsterInstance.get() as opened:
        yield opened


def lived(instance: DagsterInstance) -> datetime:
    """A history of 11 runs and of events without a run; returns the moment after which the last run came."""
    make, cut_up = DEFS.resolve_job_def("make"), DEFS.resolve_job_def("cut_up")
    for _ in range(4):
        assert make.execute_in_process(instance=instance).success
    for partition in ("a", "b", "a", "a"):
        assert cut_up.execute_in_process(instance=instance, partition_key=partition).success
    BROKEN["broken"] = True
    for _ in range(2):
        assert not make.execute_in_process(instance=instance, raise_on_error=False).success
    BROKEN["broken"] = False
    instance.create_run_for_job(make, status=DagsterRunStatus.STARTED)
    for _ in range(3):
        instance.report_runless_asset_event(AssetMaterialization("bare"))
        instance.report_runless_asset_event(AssetObservation("bare"))
        instance.report_runless_asset_event(AssetCheckEvaluation(AssetKey("bare"), "fine", True))
    return datetime.now(UTC) + timedelta(seconds=1)


def standing(instance: DagsterInstance) -> dict[str, Any]:
    """What the UI shows of today."""
    latest = {key: instance.get_latest_materialization_event(key) for key in (PLAIN, CUT, AssetKey("bare"))}
    checks = [CHECK, AssetCheckKey(AssetKey("bare"), "fine")]
    found = instance.event_log_storage.get_latest_asset_check_execution_by_key(checks)
    return {
        "latest": {key: event and (event.run_id, event.timestamp) for key, event in latest.items()},
        "observed": [r.storage_id for r in instance.fetch_observations(AssetKey("bare"), limit=1).records],
        "partitions": instance.get_materialized_partitions(CUT),
        "by partition": instance.event_log_storage.get_latest_storage_id_by_partition(
            CUT, DagsterEventType.ASSET_MATERIALIZATION
        ),
        "checks": {key: (record.run_id, record.status) for key, record in found.items()},
        "open": [run.run_id for run in instance.get_runs(RunsFilter(statuses=[DagsterRunStatus.STARTED]))],
    }


def rows(instance: DagsterInstance) -> int:
    with instance.event_log_storage.index_connection() as connection:  # type: ignore[attr-defined]
        return sum(
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (SqlEventLogStorageTable, AssetCheckExecutionsTable)
        )


def files(instance: DagsterInstance) -> set[str]:
    """The runs that have a file of their own; none in Postgres."""
    events = instance.event_log_storage
    return set(events.get_all_run_ids()) if isinstance(events, SqliteEventLogStorage) else set()


def size(instance: DagsterInstance, run_id: str) -> int:
    """The bytes of a run's file, with all that was written."""
    events = instance.event_log_storage
    assert isinstance(events, SqliteEventLogStorage)
    with closing(sqlite3.connect(events.path_for_shard(run_id))) as file:
        file.execute("pragma wal_checkpoint(truncate)")
    return Path(events.path_for_shard(run_id)).stat().st_size


def test_old_runs_go_and_what_shows_how_assets_stand_stays(instance: DagsterInstance) -> None:
    before_the_last = lived(instance)
    shown, all_rows, all_runs = standing(instance), rows(instance), instance.get_runs_count()
    now = before_the_last + timedelta(days=30)
    age = timedelta(days=14)
    young = purge(instance, timedelta(days=60), now, dry_run=False)
    assert (young.runs, young.rows, standing(instance), rows(instance)) == (0, 0, shown, all_rows)

    would = purge(instance, age, now, dry_run=True)
    assert (standing(instance), rows(instance), instance.get_runs_count()) == (shown, all_rows, all_runs)
    sizes = {run_id: size(instance, run_id) for run_id in files(instance)}
    done = purge(instance, age, now, dry_run=False)
    assert (done.runs, done.rows, done.stayed, done.files) == (would.runs, would.rows, would.stayed, would.files)
    assert standing(instance) == shown
    # Of 10 ended runs the last good one of `plain` stays, and the last of each partition.
    assert (done.runs, done.stayed) == (7, 3)
    assert instance.get_runs_count() == all_runs - 7
    assert rows(instance) == all_rows - done.rows
    assert done.rows >= all_rows // 3
    kept = {run.run_id for run in instance.get_runs()}
    assert files(instance) <= kept
    assert all(size(instance, run_id) < sizes[run_id] for run_id in files(instance) if run_id not in shown["open"])
    for run_id in kept:
        assert instance.get_run_stats(run_id).run_id == run_id
    assert purge(instance, age, now, dry_run=False) == Purged(stayed=3)


def test_a_purge_that_is_killed_half_way_is_finished_by_the_next(
    instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = lived(instance) + timedelta(days=30)
    shown, connect, calls = standing(instance), instance.run_storage.connect, []  # type: ignore[attr-defined]

    def dies() -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return connect()

    with monkeypatch.context() as killed:
        killed.setattr(instance.run_storage, "connect", dies)
        with pytest.raises(KeyboardInterrupt):
            purge(instance, timedelta(days=14), now, dry_run=False)
    assert standing(instance) == shown
    assert purge(instance, timedelta(days=14), now, dry_run=False).runs == 7
    assert standing(instance) == shown
    assert files(instance) <= {run.run_id for run in instance.get_runs()}


def test_files_of_runs_that_the_ui_deleted_go_too(instance: DagsterInstance) -> None:
    moment = lived(instance)
    (run,) = instance.get_runs(limit=1)
    other = instance.get_runs()[1]
    instance.delete_run(other.run_id)
    left = other.run_id in files(instance)
    purge(instance, timedelta(days=900), moment + timedelta(hours=1), dry_run=False)
    assert (other.run_id in files(instance)) == left, "it may be about to be stored"
    purge(instance, timedelta(days=900), moment + timedelta(days=2), dry_run=False)
    assert other.run_id not in files(instance)
    assert run.run_id in files(instance) or not left


@pytest.mark.filterwarnings("ignore::dagster.BetaWarning")
def test_the_job_counts_and_deletes_nothing_unless_it_is_told_to(instance: DagsterInstance) -> None:
    moment = lived(instance)
    job, schedule = purge_job.build(14, lambda: moment + timedelta(days=30))
    before = instance.get_runs_count()
    result = job.execute_in_process(instance=instance)
    assert (result.success, instance.get_runs_count()) == (True, before + 1)
    (output,) = [event for event in result.all_events if event.is_successful_output]
    figures = {name: value.value for name, value in output.step_output_data.metadata.items()}
    assert (figures["dry_run"], figures["runs"], figures["older_than_days"]) == (True, 7, 14)
    evaluated = schedule.evaluate_tick(build_schedule_context(instance, moment))
    (request,) = evaluated.run_requests or ()
    assert job.execute_in_process(instance=instance, run_config=dict(request.run_config)).success
    # In thirty days the dry run of before is old too.
    assert instance.get_runs_count() == before + 2 - 8


def test_how_large_the_history_is_can_be_told(instance: DagsterInstance) -> None:
    before = history_bytes(os.environ.get(VARIABLE))
    assert before > 0
    for _ in range(3):
        DEFS.resolve_job_def("make").execute_in_process(instance=instance)
    assert history_bytes(os.environ.get(VARIABLE)) > before

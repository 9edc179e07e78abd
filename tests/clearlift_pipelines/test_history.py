"""Dagster's own instance: one dagster.yaml that gives SQLite, or Postgres when its variable is set."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.runs import SqliteRunStorage
from sqlalchemy import text

from clearlift_pipelines.history import SqliteEventLog, SqliteRuns, with_driver

ROOT = Path(__file__).resolve().parents[2]
INSPECT = """
import json
from dagster import DagsterInstance, job, op, in_process_executor
@op(pool="postgres")
def step(): ...
@job(executor_def=in_process_executor)
def small():
    step()
with DagsterInstance.get() as instance:
    ran = small.execute_in_process(instance=instance).success
    print(json.dumps({
        "storages": [
            type(s).__name__ for s in (instance.run_storage, instance.event_log_storage, instance.schedule_storage)
        ],
        "ran": ran,
        "runs": instance.get_runs_count(),
        "telemetry": instance.telemetry_enabled,
        "monitoring": instance.run_monitoring_enabled,
        "max_runtime": instance.run_monitoring_max_runtime_seconds,
        "retries": instance.run_retries_enabled,
        "pool_limit": instance.get_concurrency_config().pool_config.default_pool_limit,
        "granularity": instance.get_concurrency_config().pool_config.pool_granularity.value,
        "compute_logs": type(instance.compute_log_manager).__name__,
    }))
"""


@pytest.mark.parametrize("storage", ["Sqlite", "Postgres"])
def test_the_instance_keeps_its_history_where_it_is_configured(tmp_path: Path, postgres_dsn: str, storage: str) -> None:
    shutil.copy(ROOT / "dagster_home" / "dagster.yaml", tmp_path)
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "DAGSTER_HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT),
    }
    if storage == "Postgres":
        environment["CLEARLIFT_DAGSTER_POSTGRES_URL"] = postgres_dsn
    shown = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", INSPECT], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        shown.append(json.loads(done.stdout.splitlines()[-1]))
    assert all(name.startswith((storage, "SqlPolling")) for name in shown[0].pop("storages"))
    assert shown[0] == {
        "ran": True,
        "runs": 1,
        "telemetry": False,
        "monitoring": True,
        "max_runtime": 7200,
        "retries": True,
        "pool_limit": 4,
        "granularity": "op",
        "compute_logs": "NoOpComputeLogManager",
    }
    assert shown[1]["runs"] == 2
    assert (tmp_path / "history").exists() == (storage == "Sqlite")


@pytest.mark.parametrize(
    ("url", "with_its_driver"),
    [
        ("postgresql://me@h/x?sslmode=require", "postgresql+psycopg2://me@h/x?sslmode=require"),
        ("postgres://me@h/x", "postgresql+psycopg2://me@h/x"),
        ("postgresql+psycopg2://me@h/x", "postgresql+psycopg2://me@h/x"),
    ],
)
def test_the_driver_is_named(url: str, with_its_driver: str) -> None:
    assert with_driver(url) == with_its_driver


def test_a_runs_database_begins_as_dagsters_own(tmp_path: Path) -> None:
    found = []
    for storage in (SqliteEventLogStorage, SqliteEventLog):
        log = storage(str(tmp_path / storage.__name__))
        with log.run_connection("run") as connection:
            found.append([*connection.execute(text("select type, name, sql from sqlite_master")).all()])
            found[-1] += connection.execute(text("select version_num from alembic_version")).all()
            found[-1] += connection.execute(text("pragma journal_mode")).all()
        assert set(log.get_all_run_ids()) == {"run"}
    assert found[0] == found[1]


def test_the_database_of_runs_keeps_its_connection(tmp_path: Path) -> None:
    runs = SqliteRuns(SqliteRunStorage.from_local(str(tmp_path))._conn_string)
    used = []
    for _ in range(2):
        with runs.connect() as connection:
            used.append(connection.connection.dbapi_connection)
    assert used[0] is used[1]

"""Runs in this process: runs of a killed process are reported to Dagster, and runs of a live one are left alone."""

import socket
import subprocess
import sys

import psutil
import pytest
from dagster import DagsterInstance, DagsterRunStatus, job

from assets.requested import PROCESS_TAG
from clearlift_pipelines.cli.execution import _this_process, end_dead_runs


@job
def nothing_to_do() -> None:
    """A run to leave behind."""


def left_behind(instance: DagsterInstance, owner: str | None, status: DagsterRunStatus) -> str:
    tags = {} if owner is None else {PROCESS_TAG: owner}
    return instance.create_run_for_job(nothing_to_do, tags=tags, status=status).run_id


def a_dead_process() -> str:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        created = psutil.Process(process.pid).create_time()
        process.kill()
    return f"{socket.gethostname()}:{process.pid}:{created:.0f}"


@pytest.mark.parametrize("status", [DagsterRunStatus.NOT_STARTED, DagsterRunStatus.STARTING, DagsterRunStatus.STARTED])
def test_a_run_of_a_dead_process_is_ended_once(status: DagsterRunStatus) -> None:
    with DagsterInstance.ephemeral() as instance:
        run_id = left_behind(instance, a_dead_process(), status)
        assert end_dead_runs(instance) == 1
        run = instance.get_run_by_id(run_id)
        assert run is not None
        assert run.status == DagsterRunStatus.FAILURE
        assert end_dead_runs(instance) == 0


def test_a_process_id_that_another_process_has_now_is_a_dead_process() -> None:
    host, pid, created = _this_process().rsplit(":", 2)
    with DagsterInstance.ephemeral() as instance:
        left_behind(instance, f"{host}:{pid}:{int(created) - 100}", DagsterRunStatus.STARTED)
        assert end_dead_runs(instance) == 1


@pytest.mark.parametrize("owner", ["this", "elsewhere", None])
def test_other_runs_are_left_alone(owner: str | None) -> None:
    owned_by = {"this": _this_process(), "elsewhere": "another.example:1:1", None: None}[owner]
    with DagsterInstance.ephemeral() as instance:
        run_id = left_behind(instance, owned_by, DagsterRunStatus.STARTED)
        assert end_dead_runs(instance) == 0
        run = instance.get_run_by_id(run_id)
        assert run is not None
        assert run.status == DagsterRunStatus.STARTED


def test_a_run_that_is_over_stays_as_it_ended() -> None:
    with DagsterInstance.ephemeral() as instance:
        left_behind(instance, a_dead_process(), DagsterRunStatus.SUCCESS)
        assert end_dead_runs(instance) == 0

"""Runs in this process: runs of a killed process are reported to Dagster, and runs of a live one are left alone."""

import socket
import subprocess
import sys

import psutil
import pytest
from dagster import DagsterInstance, DagsterRunStatus, RunsFilter, job
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteRepositoryOrigin
from dagster._core.storage.tags import REPOSITORY_LABEL_TAG

from assets.requested import PROCESS_TAG
from clearlift_pipelines.cli.execution import _this_process, end_dead_runs
from tests.clearlift_pipelines.cli.terminal import Terminal


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


def test_a_run_of_a_command_is_on_the_timeline_and_nobody_retries_it(terminal: Terminal) -> None:
    """Also one that fails: the UI finds runs by their code location."""
    terminal.stores.migrate()
    terminal.good("job", "integrity", "--app", "consignment")

    def refuse(*_: object, **__: object) -> None:
        raise OSError("the disk is full")

    terminal.monkeypatch.setattr("assets.compaction.rewrite.Compaction.run", refuse)
    terminal.refused("job", "compact", "--app", "clearlift")
    with DagsterInstance.get() as instance:
        runs = {run.job_name: run for run in instance.get_runs()}
        assert [runs[name].status for name in ("consignment_integrity", "clearlift_compact")] == [
            DagsterRunStatus.SUCCESS,
            DagsterRunStatus.FAILURE,
        ]
        origin = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("clearlift_pipelines"), "__repository__")
        of_location = RunsFilter(tags={REPOSITORY_LABEL_TAG: origin.get_label()})
        assert {run.job_name for run in instance.get_runs(of_location)} == {*runs}
        assert {run.remote_job_origin and run.remote_job_origin.repository_origin for run in runs.values()} == {origin}
        assert runs["clearlift_compact"].tags["dagster/will_retry"] == "false"


def test_a_run_of_a_killed_command_is_not_retried() -> None:
    with DagsterInstance.ephemeral() as instance:
        tags = {PROCESS_TAG: a_dead_process(), "dagster/max_retries": "0"}
        run_id = instance.create_run_for_job(nothing_to_do, tags=tags, status=DagsterRunStatus.STARTED).run_id
        assert end_dead_runs(instance) == 1
        run = instance.get_run_by_id(run_id)
        assert run is not None
        assert run.tags.get("dagster/will_retry") != "true"

"""Runs whose server has ended, as run monitoring finds them when `clearlift ui` is started again."""

import json
import shutil
import socket
from pathlib import Path

import pytest
from dagster import DagsterInstance, DagsterRunStatus, job
from dagster._core.launcher import WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG

from clearlift_pipelines.history import VARIABLE
from clearlift_pipelines.launcher import CodeServerLauncher

ROOT = Path(__file__).resolve().parents[2]


@job
def small() -> None:
    """A job without steps."""


@pytest.mark.parametrize("left", [False, True])
def test_a_run_whose_server_has_ended_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: bool) -> None:
    shutil.copy(ROOT / "dagster_home" / "dagster.yaml", tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.delenv(VARIABLE, raising=False)
    place = tmp_path / "code"
    if left:  # by a process that was killed
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(place))
    tags = {GRPC_INFO_TAG: json.dumps({"host": "localhost", "socket": str(place)})}
    with DagsterInstance.get() as instance:
        run = instance.create_run_for_job(small, status=DagsterRunStatus.STARTED, tags=tags)
        assert isinstance(instance.run_launcher, CodeServerLauncher)
        assert instance.run_launcher.check_run_worker_health(run).status is WorkerStatus.NOT_FOUND

"""Where the process of a run starts, and whether it still exists. `dagster.yaml` names one of the classes below.

What does not belong here: the servers themselves (code_server.py).
"""

import socket
import time
from collections.abc import Collection, Mapping
from typing import Any, Self

from dagster import DagsterRun, DagsterRunStatus, Field, IntSource, StringSource
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, LaunchRunContext, WorkerStatus
from dagster._grpc.client import DagsterGrpcClient
from dagster._grpc.types import GetCurrentRunsResult
from dagster._serdes import ConfigurableClassData, deserialize_value

# A run that was told to end is killed after this time. dagster.yaml frees its pool slots later, so that no other run
# takes them while it may still write.
GRACE_SECONDS = 20
LOOK_SECONDS = 0.5


class CodeServerLauncher(DefaultRunLauncher):
    """Starts runs on the code location's own server.

    Dagster's run monitoring asks this class whether a run's process exists. A run that died with its server is failed
    then, and retried, instead of staying open until its time limit.
    """

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        server = self._get_grpc_client_for_termination(run.run_id)  # type: ignore[no-untyped-call]
        if server is None:
            return CheckRunHealthResult(WorkerStatus.RUNNING, "not started by a server; its command watches it")
        try:
            current = _current_runs(server)
        except DagsterUserCodeUnreachableError:
            if server.socket is not None and not _listens(server.socket):
                # A socket has one server in its life: `clearlift ui` makes a new one at each start.
                return CheckRunHealthResult(WorkerStatus.NOT_FOUND, "its server has ended, and its process with it")
            # The answer would be a guess. Its supervisor starts it again, and the next look asks it.
            return CheckRunHealthResult(WorkerStatus.RUNNING, "the run server does not answer")
        if run.run_id in current:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, "the run server was started again and has no such process")

    def terminate(self, run_id: str) -> bool:
        """Tell a run to end; True where its server was told. For run monitoring it waits until the process has ended.

        Monitoring marks the run as canceling before and as failed after. If the process lived then, it could still
        write that it was canceled, and Dagster does not run that again.
        """
        run = self._instance.get_run_by_id(run_id)
        server = self._get_grpc_client_for_termination(run_id)  # type: ignore[no-untyped-call]
        told = bool(super().terminate(run_id))  # type: ignore[no-untyped-call]
        if told and server is not None and run is not None and run.status is DagsterRunStatus.CANCELING:
            patience = time.monotonic() + 2 * GRACE_SECONDS
            while run_id in _current_runs(server) and time.monotonic() < patience:
                time.sleep(LOOK_SECONDS)
        return told


class RunServerLauncher(CodeServerLauncher):
    """Starts runs on the run server at `host` and `port`: a code server that evaluates no schedule and no sensor.

    A run that needs too much memory then takes none from the schedules, and a code server that is started again ends no
    run.
    """

    def __init__(self, host: str, port: int, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(inst_data)
        self._host = host
        self._port = port

    @classmethod
    def config_type(cls) -> dict[str, Field]:
        return {"host": Field(StringSource), "port": Field(IntSource)}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Self:
        return cls(config_value["host"], config_value["port"], inst_data)

    def launch_run(self, context: LaunchRunContext) -> None:
        client = DagsterGrpcClient(host=self._host, port=self._port)
        self.launch_run_from_grpc_client(self._instance, context.dagster_run, client)


def _listens(path: str) -> bool:
    """Whether a process listens at a Unix socket."""
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(path)
        except OSError:
            return False
    return True


def _current_runs(server: DagsterGrpcClient) -> Collection[str]:
    """The ids of the runs whose processes a server has."""
    return deserialize_value(server.get_current_runs(), GetCurrentRunsResult).current_runs

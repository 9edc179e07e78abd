"""`python -m clearlift_pipelines.code_server`: a code server for production, with the options of `dagster api grpc`.

It is one process: it ends when it is killed, so that its supervisor starts it again. (`dagster code-server start`
outlives its child, answers health checks, and has no definitions.) After an outage of the run history it still reports
dead runs, and it kills a run that was told to end and does not. What does not belong here: where runs start
(launcher.py), and whether a server can be used (probe.py).
"""

import logging
import multiprocessing
import sys
import time
from multiprocessing import forkserver
from multiprocessing.context import BaseContext
from typing import Any

import dagster._grpc.server
from dagster import DagsterInstance, DagsterRunStatus
from dagster._cli.api import grpc_command
from dagster._grpc.server import DagsterApiServer

from clearlift_pipelines import launcher

PRELOADED = ["clearlift_pipelines.definitions", "clearlift_pipelines.code_server", "dagster._grpc.impl"]
LOG = logging.getLogger("dagster.code_server")


class CodeServer(DagsterApiServer):
    """Dagster's own, whose runs start at once, and whose thread that looks for dead runs survives an error, and kills
    runs that do not end.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        context: BaseContext = multiprocessing.get_context("spawn")
        if sys.platform == "linux":
            # A run's process is forked from one that has imported everything and has no thread: the definitions are
            # there after 0.9 s of CPU, in a new interpreter after 6 s. That was the longest part of the way from the
            # landing zone to the cache. It imports while this process does, because a launch waits 60 s for it.
            context = multiprocessing.get_context("forkserver")
            context.set_forkserver_preload(PRELOADED)
            forkserver.ensure_running()
        super().__init__(*arguments, **named)
        self._mp_ctx = context  # type: ignore[assignment]  # Dagster knows one kind

    def _check_for_orphaned_runs(self) -> None:
        try:
            self._kill_the_deaf()
            super()._check_for_orphaned_runs()
        except Exception:
            # In Dagster the thread ends here, and every later dead run would stay open until its time limit. A run that
            # could not be reported is still listed, so the next look reports it.
            LOG.warning("Dead runs cannot be reported now; the next look tries again.", exc_info=True)

    def _kill_the_deaf(self) -> None:
        """Kill each run that was told to end GRACE_SECONDS ago: native code that hangs never sees the interrupt."""
        with self._execution_lock:
            for run_id, told_at in self._termination_times.items():
                process, instance_ref = self._executions[run_id]
                if time.time() - told_at < launcher.GRACE_SECONDS or not process.is_alive():
                    continue
                with DagsterInstance.from_ref(instance_ref) as instance:
                    run = instance.get_run_by_id(run_id)
                    # Else the dead process would be reported as a failure, and what somebody ended would run again.
                    if run is not None and run.status is DagsterRunStatus.CANCELING:
                        grace = launcher.GRACE_SECONDS
                        instance.report_run_canceled(run, f"Killed: it did not end within {grace} seconds.")
                process.kill()


def main() -> None:
    """Serve until a signal. Definitions are loaded before the port opens; if that fails, the exit code is not 0."""
    dagster._grpc.server.DagsterApiServer = CodeServer  # type: ignore[misc]
    grpc_command(prog_name="code_server")


if __name__ == "__main__":
    main()

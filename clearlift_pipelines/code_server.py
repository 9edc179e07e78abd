"""`python -m clearlift_pipelines.code_server`: a code server for production, with the options of `dagster api grpc`.

It is one process: it ends when it is killed, so that its supervisor starts it again. (`dagster code-server start`
outlives its child, answers health checks, and has no definitions.) After an outage of the run history it still reports
dead runs. What does not belong here: where runs start (launcher.py), and whether a server can be used (probe.py).
"""

import logging

import dagster._grpc.server
from dagster._cli.api import grpc_command
from dagster._grpc.server import DagsterApiServer

LOG = logging.getLogger("dagster.code_server")


class CodeServer(DagsterApiServer):
    """Dagster's own, whose thread that looks for dead runs survives an error."""

    def _check_for_orphaned_runs(self) -> None:
        try:
            super()._check_for_orphaned_runs()
        except Exception:
            # In Dagster the thread ends here, and every later dead run would stay open until its time limit. A run that
            # could not be reported is still listed, so the next look reports it.
            LOG.warning("Dead runs cannot be reported now; the next look tries again.", exc_info=True)


def main() -> None:
    """Serve until a signal. Definitions are loaded before the port opens; if that fails, the exit code is not 0."""
    dagster._grpc.server.DagsterApiServer = CodeServer  # type: ignore[misc]
    grpc_command(prog_name="code_server")


if __name__ == "__main__":
    main()

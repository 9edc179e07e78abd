"""A code location whose runs say their process ids and last until a file tells it or all to end. It loads fast."""

import os
import signal
import time
from pathlib import Path

from dagster import Definitions, OpExecutionContext, in_process_executor, job, op

FOLDER = "SMALL_LOCATION_FOLDER"


@op
def wait(context: OpExecutionContext) -> None:
    _last(context.run_id)


@op
def hang(context: OpExecutionContext) -> None:
    # As native code that hangs: Python never handles the signal.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _last(context.run_id)


def _last(run_id: str) -> None:
    folder = Path(os.environ[FOLDER])
    (folder / "new").write_text(str(os.getpid()))
    (folder / "new").rename(folder / run_id)
    while not any((folder / name).exists() for name in ("end", f"{run_id}.end")):
        time.sleep(0.05)


@job(executor_def=in_process_executor)
def lasting() -> None:
    wait()


@job(executor_def=in_process_executor)
def hanging() -> None:
    hang()


defs = Definitions(jobs=[lasting, hanging])

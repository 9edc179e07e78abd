"""A code location with one job, whose run says its process id and lasts until a file tells it to end. It loads fast."""

import os
import time
from pathlib import Path

from dagster import Definitions, OpExecutionContext, in_process_executor, job, op

FOLDER = "SMALL_LOCATION_FOLDER"


@op
def wait(context: OpExecutionContext) -> None:
    folder = Path(os.environ[FOLDER])
    (folder / "new").write_text(str(os.getpid()))
    (folder / "new").rename(folder / context.run_id)
    while not (folder / "end").exists():
        time.sleep(0.05)


@job(executor_def=in_process_executor)
def lasting() -> None:
    wait()


defs = Definitions(jobs=[lasting])

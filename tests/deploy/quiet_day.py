"""A day of the daemon in one process, in which nothing is wrong: `python -m tests.deploy.quiet_day`.

It runs under libfaketime, whose file it writes, so that Python, SQLite, Postgres and Dagster all have its clock. Every
five minutes of it batches land, and Dagster's own scheduler and sensors are asked; their runs are made here at once.
What is open is printed after each look, a JSON line each. What does not belong here: what must be true of it.
"""

import json
import logging
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster._daemon.daemon  # noqa: F401 - first, or the scheduler's module imports itself in a circle
from dagster import DagsterInstance, DagsterRunStatus, RunsFilter
from dagster._core.origin import DEFAULT_DAGSTER_ENTRY_POINT
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster._daemon.sensor import execute_sensor_iteration
from dagster._daemon.types import DaemonHeartbeat
from dagster._scheduler.scheduler import launch_scheduled_runs

from assets.health.ledger import Ledger
from assets.windows import DAY
from clearlift_pipelines import settings
from clearlift_pipelines.cli.sandbox import platforms
from clearlift_pipelines.project import LOCATION
from clearlift_pipelines.stores import Stores, utc_now
from sandbox import sample, sample_stores
from sandbox.sample import Batch

ROOT = Path(__file__).resolve().parents[2]
STEP = timedelta(minutes=5)
# In these hours no site has a visitor, so that nothing lands.
QUIET_HOURS = range(1, 6)
DAEMONS = ("SENSOR", "SCHEDULER", "QUEUED_RUN_COORDINATOR", "MONITORING")
LOG = logging.getLogger("quiet day")


class Clock:
    """The clock of this process and of all that it starts: so many seconds after the machine's."""

    def __init__(self) -> None:
        self._file = Path(os.environ["FAKETIME_TIMESTAMP_FILE"])
        self._moved = float(self._file.read_text())

    def pass_until(self, moment: datetime) -> None:
        """Let it be this moment, or later."""
        self._moved += max(0.0, (moment - utc_now()).total_seconds())
        new = self._file.with_suffix(".new")
        new.write_text(f"+{self._moved:.3f}")
        new.rename(self._file)


@contextmanager
def located(instance: DagsterInstance) -> Iterator[WorkspaceProcessContext]:
    """The code location as Dagster's daemon has it, loaded in this process."""
    origin = LoadableTargetOrigin(
        module_name="clearlift_pipelines.definitions", attribute="defs", working_directory=str(ROOT)
    )
    location = InProcessCodeLocationOrigin(origin, entry_point=DEFAULT_DAGSTER_ENTRY_POINT, location_name=LOCATION)
    with WorkspaceProcessContext(instance, InProcessWorkspaceLoadTarget(location)) as context:
        yield context


def arriving(start: datetime) -> list[Batch]:
    """What lands in the day from `start` on, the earliest last."""
    batches, _ = sample.batches(start + DAY, days=1, seed=8, scale=0.02)
    return [batch for batch in reversed(batches) if batch.arrival >= start and batch.arrival.hour not in QUIET_HOURS]


def live() -> None:
    """Live the day."""
    clock, start = Clock(), utc_now()
    logging.disable(logging.WARNING)
    with ExitStack() as stack:
        stores = stack.enter_context(Stores(settings.load()))
        stack.enter_context(platforms(stores))
        os.environ["CLEARLIFT_AD_ORIGIN"] = stores.ad_origin
        instance = stack.enter_context(DagsterInstance.get())
        context = stack.enter_context(located(instance))
        batches, iterations = arriving(start), {}
        ledger = Ledger(stores.postgres)
        for number in range(1, DAY // STEP + 1):
            began = time.process_time()
            clock.pass_until(start + number * STEP)
            now = utc_now()
            while batches and batches[-1].arrival + STEP <= now:
                sample_stores.land(stores.object_store, batches.pop())
            for kind in DAEMONS:
                instance.add_daemon_heartbeat(DaemonHeartbeat(now.timestamp(), kind, "one", []))
            errors = [*launch_scheduled_runs(context, LOG, now, iterations)]
            errors += execute_sensor_iteration(context, LOG, None, None)
            failed = instance.get_runs(RunsFilter(statuses=[DagsterRunStatus.FAILURE]))
            seen = {
                "at": f"{datetime.now(UTC):%Y-%m-%d %H:%M}",
                "runs": instance.get_runs_count(),
                "errors": [str(error) for error in errors if error is not None],
                "failed": [run.job_name for run in failed],
                "open": [f"{one.what}: {one.finding.message}" for one in ledger.open()],
                "seconds": round(time.process_time() - began, 1),
            }
            print(json.dumps(seen), flush=True)  # noqa: T201


if __name__ == "__main__":
    live()

"""`celery -A clearlift_pipelines.celery_app worker`: takes runs from the broker that CELERY_BROKER_URL names.

The broker has a run until the run ends. Where a worker dies, it gives the run to another one, which fails it here, so
that the daemon makes it again. What does not belong here: how a run gets to the broker (celery_launcher.py).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from celery import Task
from dagster import DagsterInstance, DagsterRunStatus
from dagster._core.events import JobFailureData, RunFailureReason
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import unpack_value
from dagster_celery.defaults import task_default_queue
from dagster_celery.make_app import make_app
from dagster_celery.tasks import create_execute_job_task
from sqlalchemy.exc import SQLAlchemyError

SETTINGS = {
    # Acknowledged at its end, a run counts against the prefetch, so that none waits in a worker without a free slot.
    "task_acks_late": True,
    "task_reject_on_worker_lost": True,
    "worker_prefetch_multiplier": 1,
    # Without its connection a worker has lost its runs to others, and must not go on with them.
    "worker_cancel_long_running_tasks_on_connection_loss": True,
    # A child ends with its run: its memory is given back, and the next run has the code that is installed then.
    "worker_max_tasks_per_child": 1,
    # By default a child is killed that needs more than 4 seconds to start, as it may on a machine that is busy.
    "worker_proc_alive_timeout": 60.0,
    "broker_connection_retry_on_startup": True,
    "task_ignore_result": True,
}
WHY = "Its worker died, or lost the broker. Marking the run as failed, so that it is made again."


class Run(Task):  # type: ignore[misc]
    """A run as a task. While the run history is away it is not begun, and stays at the broker."""

    autoretry_for = (SQLAlchemyError,)
    default_retry_delay = 10
    retry_backoff = False
    max_retries = None

    def before_start(self, task_id: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:  # noqa: ARG002
        try:
            end_what_was_begun(unpack_value(kwargs["execute_job_args_packed"], as_type=ExecuteRunArgs).run_id)
        except SQLAlchemyError as error:
            self.retry(exc=error)


def end_what_was_begun(run_id: str) -> None:
    """Fail a run that another process had begun. Dagster then does not begin it, because it has ended."""
    with DagsterInstance.get() as instance:
        run = instance.get_run_by_id(run_id)
        if run is None:
            return
        if run.status is DagsterRunStatus.CANCELING:
            instance.report_run_canceled(run, "Its worker ended before it did.")
        elif run.status is DagsterRunStatus.STARTED:
            reason = JobFailureData(error=None, failure_reason=RunFailureReason.RUN_WORKER_RESTART)
            instance.report_run_failed(run, WHY, reason)


app = make_app({"config_source": SETTINGS, "task_default_queue": task_default_queue})  # type: ignore[no-untyped-call]
create_execute_job_task(app, base=Run)  # type: ignore[arg-type]

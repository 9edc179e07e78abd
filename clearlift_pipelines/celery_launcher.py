"""Runs as messages to a broker: `dagster.yaml` of deploy/celery names the class below.

What does not belong here: the workers that take them (celery_app.py).
"""

from typing import Any

from dagster import DagsterRun
from dagster_celery.launcher import CeleryRunLauncher


class BrokerLauncher(CeleryRunLauncher):
    """Dagster's launcher for Celery, which asks no result backend whether a run lives: the broker knows it.

    Dagster's own asks the backend. Celery's default one answers only the process that sent the run, so that a daemon
    which is started again would fail every run that is being made; a database knows nothing of a dead worker.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **{**options, "backend": None})

    @property
    def supports_check_run_worker_health(self) -> bool:
        return False

    @property
    def supports_resume_run(self) -> bool:
        return False

    def get_run_worker_debug_info(self, run: DagsterRun, include_container_logs: bool | None = True) -> None:
        """Nothing, because no result backend is asked."""

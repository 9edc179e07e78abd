"""A night as Dagster makes it: schedules and sensors of the whole code location are asked, and their runs done here."""

from collections.abc import Iterable
from datetime import datetime

from dagster import AssetCheckSeverity, RunRequest, build_schedule_context, build_sensor_context

from tests.clearlift_pipelines.location import Location


class Daemon:
    """Asks one location; `failed` are the checks that failed and are no warnings."""

    def __init__(self, location: Location) -> None:
        self._location = location
        self._repository = location.defs.get_repository_def()
        self.failed: list[str] = []

    def tick(self, schedule: str, at: datetime) -> None:
        """What a schedule asks for at a moment, done."""
        context = build_schedule_context(
            instance=self._location.instance, scheduled_execution_time=at, repository_def=self._repository
        )
        found = self._location.defs.resolve_schedule_def(schedule)
        self._do(found.job_name, found.evaluate_tick(context).run_requests or ())

    def look(self, sensor: str) -> int:
        """What a sensor asks for now, done; how many runs that were."""
        with build_sensor_context(instance=self._location.instance, repository_def=self._repository) as context:
            found = self._location.defs.resolve_sensor_def(sensor)
            asked = list(found.evaluate_tick(context).run_requests or ())
        self._do(next(iter(found.targets)).job_name if len(found.targets) == 1 else "", asked)
        return len(asked)

    def _do(self, job: str, requests: Iterable[RunRequest]) -> None:
        for request in requests:
            done = self._location.defs.resolve_job_def(request.job_name or job).execute_in_process(
                instance=self._location.instance,
                partition_key=request.partition_key,
                tags=dict(request.tags),
                run_config=dict(request.run_config),
                asset_selection=list(request.asset_selection) if request.asset_selection else None,
            )
            self.failed += [
                f"{check.asset_key.to_user_string()} {check.check_name}: {check.description}"
                for check in done.get_asset_check_evaluations()
                if not check.passed and check.severity is AssetCheckSeverity.ERROR
            ]

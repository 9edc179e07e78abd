"""A night as Dagster runs it: asks the schedules and sensors of the whole code location, and runs their jobs here."""

from collections.abc import Iterable
from datetime import datetime

from dagster import AssetCheckSeverity, RunRequest, RunsFilter, build_sensor_context

from assets.requested import OPEN
from tests.clearlift_pipelines.location import Location, Moment


class Daemon:
    """Asks the schedules and sensors of one location. failed: the checks that failed with the severity ERROR."""

    def __init__(self, location: Location) -> None:
        self._location = location
        self._repository = location.defs.get_repository_def()
        self.failed: list[str] = []

    def tick(self, schedule: str, at: datetime) -> None:
        """Run what a schedule requests at a moment."""
        context = Moment(self._location.instance, at, self._location.defs)
        definition = self._location.defs.resolve_schedule_def(schedule)
        self._run(definition.job_name, definition.evaluate_tick(context).run_requests or ())

    def look(self, sensor: str) -> None:
        """Run what a sensor requests now."""
        with build_sensor_context(instance=self._location.instance, repository_def=self._repository) as context:
            definition = self._location.defs.resolve_sensor_def(sensor)
            requests = list(definition.evaluate_tick(context).run_requests or ())
        self._run(next(iter(definition.targets)).job_name if len(definition.targets) == 1 else "", requests)

    def _run(self, job: str, requests: Iterable[RunRequest]) -> None:
        for request in requests:
            try:
                result = self._location.defs.resolve_job_def(request.job_name or job).execute_in_process(
                    instance=self._location.instance,
                    partition_key=request.partition_key,
                    tags=dict(request.tags),
                    run_config=dict(request.run_config),
                    asset_selection=list(request.asset_selection) if request.asset_selection else None,
                )
            except BaseException:
                # Dagster's run monitoring notices that the process of a run is gone.
                for run in self._location.instance.get_runs(RunsFilter(statuses=OPEN)):
                    self._location.instance.report_run_failed(run)
                raise
            self.failed += [
                f"{check.asset_key.to_user_string()} {check.check_name}: {check.description}"
                for check in result.get_asset_check_evaluations()
                if not check.passed and check.severity is AssetCheckSeverity.ERROR
            ]

"""When quarters are archived. What an archive is belongs to assets/archive."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC

from dagster import AssetKey, DefaultScheduleStatus, RunRequest, ScheduleEvaluationContext, schedule
from dagster._core.definitions.schedule_definition import ScheduleDefinition
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from assets.apps import APPS
from assets.archive.assets import archive_key, due
from assets.partitions import daily_key


def build(jobs: Mapping[str, UnresolvedAssetJobDefinition]) -> list[ScheduleDefinition]:
    """The schedule of the archives."""

    @schedule(
        cron_schedule="15 5 1 1,4,7,10 *",
        job=jobs["archive"],
        name="archive",
        execution_timezone="UTC",
        default_status=DefaultScheduleStatus.RUNNING,
    )
    def archive(context: ScheduleEvaluationContext) -> Iterator[RunRequest]:
        """On the 1st of January, April, July and October at 05:15: the year that has become old enough, with the
        quarter that just did and rows that came late for the others; one run for tables of one age.
        """
        today = context.scheduled_execution_time.astimezone(UTC).date()
        by_age: dict[int, list[AssetKey]] = defaultdict(list)
        for app in APPS:
            for entry in app.lifecycles:
                if entry.archive is not None:
                    by_age[entry.archive.after_days].append(archive_key(app, entry))
        for days, keys in sorted(by_age.items()):
            quarters = due(today, days)
            yield RunRequest(
                run_key=f"archive-{quarters[-1]}-after-{days}-days",
                asset_selection=keys,
                tags={
                    ASSET_PARTITION_RANGE_START_TAG: daily_key(quarters[0].start),
                    ASSET_PARTITION_RANGE_END_TAG: daily_key(quarters[-1].start),
                },
            )

    return [archive]

"""Sensors: what runs because something happened. Each asks the stores cheaply and keeps no state of its own."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from dagster import (
    AssetKey,
    DefaultSensorStatus,
    RunRequest,
    SensorDefinition,
    SensorEvaluationContext,
    SkipReason,
    sensor,
)
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from assets.apps import APPS
from assets.attribution import late as attribution
from assets.cache import change_log
from assets.events.ingest import pending
from assets.events.table import EVENTS
from assets.media.follow import follow
from assets.media.ledger import Ledger as MediaLedger
from assets.media.make import nameless
from assets.partitions import daily_key, hourly_key
from assets.rollups import late
from assets.rollups.periods import Period
from assets.sessions import build as sessions
from assets.windows import DAY, HOUR, Window
from clearlift_pipelines.stores import Stores


def build(
    jobs: Mapping[str, UnresolvedAssetJobDefinition],
    stores: Stores,
    clock: Callable[[], datetime],
    earliest: datetime,
    late_horizon: timedelta,
) -> list[SensorDefinition]:
    """Every sensor. `earliest` is where the partitions begin: another writer's events may be older."""

    @sensor(
        job=jobs["ingest"],
        name="landing",
        minimum_interval_seconds=60,
        default_status=DefaultSensorStatus.RUNNING,
        description="Asks for an ingest as soon as a batch has landed.",
    )
    def landing(context: SensorEvaluationContext) -> RunRequest | SkipReason:
        del context
        batches = pending(stores.object_store, stores.postgres)
        if not batches:
            return SkipReason("Nothing has landed.")
        newest = max(batches, key=lambda o: (o.last_modified, o.key))
        return RunRequest(run_key=f"landed-{newest.key}-{newest.etag}-{len(batches)}")

    @sensor(
        jobs=[jobs[f"roll_up_{what}"] for what in ("hours", "days", "weeks", "months")]
        + [jobs["sessions"], jobs["attribution"]],
        name="late_data",
        minimum_interval_seconds=60,
        default_status=DefaultSensorStatus.RUNNING,
        description="Follows the lake's commits; asks again for what changed after its roll-up, of every grain.",
    )
    def late_data(context: SensorEvaluationContext) -> Iterator[RunRequest | SkipReason]:
        late.follow(stores.lake.table(EVENTS), stores.postgres, clock)
        now = clock()
        since = late.horizon(earliest, late_horizon, now)
        found = late.stale(stores.postgres, since, now, earliest)
        too_old = str(late.beyond(stores.postgres, earliest, since))
        if too_old:
            context.log.warning(too_old)
        days = {
            "sessions": sessions.stale(stores.postgres, since, now),
            "attribution": attribution.stale(stores.postgres, since, now),
        }
        if not found and not any(days.values()):
            yield SkipReason(" ".join(filter(None, ["No window that was rolled up has changed since.", too_old])))
        # The hour in the key asks again for what an earlier run failed to make.
        yield from _asked(found, days, f"late-{max(found.commit, 0)}-{now:%Y-%m-%dT%H}")

    return [landing, late_data, _changed_rows(jobs, stores), _uploads(jobs, stores, clock)]


def _changed_rows(jobs: Mapping[str, UnresolvedAssetJobDefinition], stores: Stores) -> SensorDefinition:
    @sensor(
        job=jobs["warm"],
        name="changed_rows",
        minimum_interval_seconds=300,
        default_status=DefaultSensorStatus.RUNNING,
        description="Follows the applications' change logs; asks for the caches that are made of a changed table.",
    )
    def changed_rows(context: SensorEvaluationContext) -> Iterator[RunRequest | SkipReason]:
        del context
        found = False
        for app in (app for app in APPS if app.cache_aside):
            tables = {table for family in app.cache for store, table in family.reads if store == "d1"}
            for table, newest in change_log.newest(stores.d1(app), tables).items():
                found = True
                yield RunRequest(
                    # Of one change Dagster takes one request, however often the log is asked.
                    run_key=f"changed-{app.name}-{table}-{newest}",
                    asset_selection=[
                        AssetKey([app.name, "cache", family.name])
                        for family in app.cache
                        if ("d1", table) in family.reads
                    ],
                )
        if not found:
            yield SkipReason("No row that a cache is made of has changed.")

    return changed_rows


def _uploads(
    jobs: Mapping[str, UnresolvedAssetJobDefinition], stores: Stores, clock: Callable[[], datetime]
) -> SensorDefinition:
    @sensor(
        job=jobs["media"],
        name="uploads",
        minimum_interval_seconds=60,
        default_status=DefaultSensorStatus.RUNNING,
        description="Lists the next stretch of media; asks for the variants that are missing, and for those to go.",
    )
    def uploads(context: SensorEvaluationContext) -> Iterator[RunRequest | SkipReason]:
        del context
        waiting = 0
        for app in APPS:
            if app.media is None:
                continue
            ledger, media = MediaLedger(stores.postgres, app.name, clock), app.media
            nameless(lambda ledger=ledger, media=media: follow(stores.object_store, ledger, media))  # type: ignore[misc]
            images, newest = ledger.waiting()
            waiting += images
            if newest is not None:
                # The hour in the key asks again for what an earlier run failed to make.
                yield RunRequest(run_key=f"media-{app.name}-{images}-{newest.isoformat()}-{clock():%Y-%m-%dT%H}")
        if not waiting:
            yield SkipReason("Every upload that was listed is settled.")

    return uploads


def _asked(found: late.Stale, of_days: Mapping[str, Iterable[Window]], key: str) -> Iterator[RunRequest]:
    for hours in found.hours:
        yield _range("roll_up_hours", key, hourly_key(hours.start), hourly_key(hours.end - HOUR))
    for job, ranges in {"roll_up_days": found.days, **of_days}.items():
        for days in ranges:
            yield _range(job, key, daily_key(days.start.date()), daily_key((days.end - DAY).date()))
    # A week or month waits for its days: made of a stale one, it would be made twice.
    for period, job in ((Period.WEEKLY, "roll_up_weeks"), (Period.MONTHLY, "roll_up_months")):
        for window in found.ready(period):
            yield _range(job, key, *map(daily_key, period.ends(window)))


def _range(job: str, key: str, first: str, last: str) -> RunRequest:
    tags = {ASSET_PARTITION_RANGE_START_TAG: first, ASSET_PARTITION_RANGE_END_TAG: last}
    return RunRequest(run_key=f"{key}-{job}-{first}-{last}", job_name=job, tags=tags)

"""Schedules: what runs by the clock. All are UTC and on by default, and name the partition that they ask for."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import partial

from dagster import (
    AssetKey,
    DefaultScheduleStatus,
    RunConfig,
    RunRequest,
    ScheduleDefinition,
    ScheduleEvaluationContext,
    schedule,
)
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from assets.ads.assets import TABLES, AdSyncConfig
from assets.ads.config import SyncConfig
from assets.ads.plan import Mode
from assets.apps import APPS
from assets.archive.assets import archive_key, due
from assets.events.assets import IngestConfig
from assets.media.assets import MediaConfig
from assets.partitions import daily_key, hourly_key
from assets.retention.assets import RetentionConfig
from assets.retention.engine import PARTS, entries
from assets.retention.sesh_assets import PruningConfig
from assets.rollups.periods import Period
from assets.sesh.assets import PointsConfig
from assets.windows import HOUR, floor_hour
from resources.ad_platforms import PLATFORMS

_scheduled = partial(schedule, execution_timezone="UTC", default_status=DefaultScheduleStatus.RUNNING)


def build(jobs: Mapping[str, UnresolvedAssetJobDefinition], earliest: date) -> list[ScheduleDefinition]:
    """Every schedule. `earliest` is the first partition's day."""

    @_scheduled(cron_schedule="10 * * * *", job=jobs["hourly"], name="hourly")
    def hourly(context: ScheduleEvaluationContext) -> RunRequest:
        """At hh:10, the hour that ended: compaction and its roll-up."""
        hour = hourly_key(floor_hour(_tick(context)) - HOUR)
        return RunRequest(run_key=f"hourly-{hour}", partition_key=hour)

    @_scheduled(
        cron_schedule="20 * * * *",
        job=jobs["roll_up_days"],
        name="today",
    )
    def today(context: ScheduleEvaluationContext) -> RunRequest:
        """At hh:20, the day in progress and its caches."""
        at = _tick(context)
        return RunRequest(run_key=f"today-{at:%Y-%m-%dT%H}", partition_key=daily_key(at.date()))

    @_scheduled(
        cron_schedule="30 0 * * *",
        job=jobs["roll_up_days"],
        name="daily",
    )
    def daily(context: ScheduleEvaluationContext) -> RunRequest:
        """At 00:30, the day that ended, for good."""
        day = daily_key((_tick(context) - timedelta(days=1)).date())
        return RunRequest(run_key=f"daily-{day}", partition_key=day)

    @_scheduled(cron_schedule="0 4 * * *", job=jobs["ingest"], name="sweep")
    def sweep(context: ScheduleEvaluationContext) -> Iterator[RunRequest]:
        """Daily, the whole landing zone: batches that landed under an hour which was listed long ago."""
        yield RunRequest(
            run_key=f"sweep-{_tick(context):%Y-%m-%d}",
            run_config=RunConfig(ops={"clearlift__events__ingested": IngestConfig(sweep=True)}),
        )

    @_scheduled(cron_schedule="5 * * * *", job=jobs["ads"], name="ads_hourly")
    def ads_hourly(context: ScheduleEvaluationContext) -> Iterator[RunRequest]:
        """At hh:05, pro and enterprise connections: yesterday, today, and whatever is missing before."""
        yield from _ads("ads-hourly", _tick(context), Mode.RECENT, 1, ["pro", "enterprise"], earliest)

    @_scheduled(cron_schedule="15 3 * * *", job=jobs["ads"], name="ads_daily")
    def ads_daily(context: ScheduleEvaluationContext) -> Iterator[RunRequest]:
        """At 03:15, the same for free connections."""
        yield from _ads("ads-daily", _tick(context), Mode.RECENT, 1, ["free"], earliest)

    @_scheduled(
        cron_schedule="45 4 * * *",
        job=jobs["ads"],
        name="ads_look_back",
    )
    def ads_look_back(context: ScheduleEvaluationContext) -> Iterator[RunRequest]:
        """Daily, the full look-back of every connection: conversions arrive for weeks."""
        yield from _ads("ads-look-back", _tick(context), Mode.LOOKBACK, SyncConfig().lookback_days, [], earliest)

    days, upkeep = _of_days(jobs, earliest), _upkeep(jobs)
    return [
        hourly,
        today,
        daily,
        *days,
        sweep,
        *upkeep,
        ads_hourly,
        ads_daily,
        ads_look_back,
        *_caches(jobs),
        _media(jobs),
        *_series(jobs),
        _archive(jobs),
        _retention(jobs),
        _pruning(jobs),
    ]


def _of_days(jobs: Mapping[str, UnresolvedAssetJobDefinition], earliest: date) -> list[ScheduleDefinition]:
    """What is made of whole days, once yesterday is there."""

    @_scheduled(
        cron_schedule="40 0 * * *",
        job=jobs["sessions"],
        name="sessions_daily",
    )
    def sessions_daily(context: ScheduleEvaluationContext) -> RunRequest:
        """At 00:40, yesterday's sessions, and those of the day before for good: they may have gone on past midnight."""
        yesterday = (_tick(context) - timedelta(days=1)).date()
        return RunRequest(
            run_key=f"sessions-{daily_key(yesterday)}",
            tags={
                ASSET_PARTITION_RANGE_START_TAG: daily_key(max(earliest, yesterday - timedelta(days=1))),
                ASSET_PARTITION_RANGE_END_TAG: daily_key(yesterday),
            },
        )

    @_scheduled(
        cron_schedule="45 0 * * *",
        job=jobs["roll_up_weeks"],
        name="weekly",
    )
    def weekly(context: ScheduleEvaluationContext) -> RunRequest:
        """At 00:45, yesterday's week: on Mondays the one that ended, for good, else the one in progress."""
        return _period("weekly", Period.WEEKLY, _tick(context))

    @_scheduled(
        cron_schedule="50 0 * * *",
        job=jobs["roll_up_months"],
        name="monthly",
    )
    def monthly(context: ScheduleEvaluationContext) -> RunRequest:
        """At 00:50, yesterday's month: on the 1st the one that ended, for good, else the one in progress."""
        return _period("monthly", Period.MONTHLY, _tick(context))

    @_scheduled(
        cron_schedule="55 0 * * *",
        job=jobs["attribution"],
        name="attribution_daily",
    )
    def attribution_daily(context: ScheduleEvaluationContext) -> RunRequest:
        """At 00:55, yesterday's touches, conversions and credits."""
        day = daily_key((_tick(context) - timedelta(days=1)).date())
        return RunRequest(run_key=f"attribution-{day}", partition_key=day)

    return [sessions_daily, weekly, monthly, attribution_daily]


def _upkeep(jobs: Mapping[str, UnresolvedAssetJobDefinition]) -> list[ScheduleDefinition]:
    @_scheduled(cron_schedule="40 * * * *", job=jobs["tidy"], name="tidy")
    def tidy(context: ScheduleEvaluationContext) -> RunRequest:
        """At hh:40, after compaction and roll-ups: the lake's manifests and snapshots."""
        return RunRequest(run_key=f"tidy-{_tick(context):%Y-%m-%dT%H}")

    @_scheduled(
        cron_schedule="50 3 * * *",
        job=jobs["remove_files"],
        name="remove_files",
    )
    def remove_files(context: ScheduleEvaluationContext) -> RunRequest:
        """Daily, files of the lake that expired, were rewritten, or were left by killed runs."""
        return RunRequest(run_key=f"remove-files-{_tick(context):%Y-%m-%d}")

    return [tidy, remove_files]


def _caches(jobs: Mapping[str, UnresolvedAssetJobDefinition]) -> list[ScheduleDefinition]:
    @_scheduled(
        cron_schedule="*/5 * * * *",
        job=jobs["invalidate"],
        name="invalidate",
    )
    def invalidate(context: ScheduleEvaluationContext) -> RunRequest:
        """Every 5 minutes, keys that the applications wrote of rows that changed since."""
        return RunRequest(run_key=f"invalidate-{_tick(context):%Y-%m-%dT%H:%M}")

    @_scheduled(cron_schedule="35 * * * *", job=jobs["warm"], name="warm")
    def warm(context: ScheduleEvaluationContext) -> RunRequest:
        """At hh:35, every cache: what changed, what nears its expiry, what a budget left out before."""
        return RunRequest(run_key=f"warm-{_tick(context):%Y-%m-%dT%H}")

    return [invalidate, warm]


def _media(jobs: Mapping[str, UnresolvedAssetJobDefinition]) -> ScheduleDefinition:
    @_scheduled(
        cron_schedule="25 4 * * *",
        job=jobs["media"],
        name="media_sweep",
    )
    def media_sweep(context: ScheduleEvaluationContext) -> Iterator[RunRequest]:
        """Daily, all media: what the sensor missed, variants that were touched, and those whose upload is gone."""
        yield RunRequest(
            run_key=f"media-sweep-{_tick(context):%Y-%m-%d}",
            run_config=RunConfig(ops={"sesh__media__variants": MediaConfig(sweep=True)}),
        )

    return media_sweep


def _series(jobs: Mapping[str, UnresolvedAssetJobDefinition]) -> list[ScheduleDefinition]:
    """Partitions, points and metrics of Sesh."""

    @_scheduled(
        cron_schedule="10 2 1 * *",
        job=jobs["partitions"],
        name="partitions",
    )
    def partitions(context: ScheduleEvaluationContext) -> RunRequest:
        """On the 1st at 02:10, partitions of the month ahead; the month that has become a year old is folded."""
        return RunRequest(run_key=f"partitions-{_tick(context):%Y-%m}")

    @_scheduled(cron_schedule="15 * * * *", job=jobs["points"], name="points")
    def points(context: ScheduleEvaluationContext) -> RunRequest:
        """At hh:15, points that were flushed and the metrics that they change; at 02:15, all that ever was flushed."""
        at = _tick(context)
        return RunRequest(
            run_key=f"points-{at:%Y-%m-%dT%H}",
            run_config=RunConfig(ops={"sesh__sesh__points": PointsConfig(sweep=at.hour == 2)}),
        )

    @_scheduled(
        cron_schedule="20 2 * * *",
        job=jobs["columns"],
        name="columns",
    )
    def columns(context: ScheduleEvaluationContext) -> RunRequest:
        """Daily, columns that a migration added and whose values are still in JSON."""
        return RunRequest(run_key=f"columns-{_tick(context):%Y-%m-%d}")

    return [partitions, points, columns]


def _archive(jobs: Mapping[str, UnresolvedAssetJobDefinition]) -> ScheduleDefinition:
    @_scheduled(
        cron_schedule="15 5 1 1,4,7,10 *",
        job=jobs["archive"],
        name="archive",
    )
    def archive(context: ScheduleEvaluationContext) -> Iterator[RunRequest]:
        """On the 1st of January, April, July and October at 05:15: the year that has become old enough, with the
        quarter that just did and rows that came late for the others; one run for tables of one age.
        """
        today = _tick(context).date()
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

    return archive


def _retention(jobs: Mapping[str, UnresolvedAssetJobDefinition]) -> ScheduleDefinition:
    @_scheduled(cron_schedule="0 5 * * *", job=jobs["retention"], name="retention")
    def retention(context: ScheduleEvaluationContext) -> RunRequest:
        """Daily at 05:00, what is old enough and proved goes from every store."""
        parts = [f"{app.name}__retention__{part}" for app in APPS for part in PARTS.values() if entries(app, part)]
        return RunRequest(
            run_key=f"retention-{_tick(context):%Y-%m-%d}",
            run_config=RunConfig(ops={name: RetentionConfig(dry_run=False) for name in parts}),
        )

    return retention


def _pruning(jobs: Mapping[str, UnresolvedAssetJobDefinition]) -> ScheduleDefinition:
    @_scheduled(cron_schedule="30 5 2 1 *", job=jobs["pruning"], name="pruning")
    def pruning(context: ScheduleEvaluationContext) -> RunRequest:
        """On the 2nd of January at 05:30, the day after the archive: Sesh's sessions and points older than a year."""
        return RunRequest(
            run_key=f"pruning-{_tick(context):%Y}",
            run_config=RunConfig(ops={"sesh__retention__pruning": PruningConfig(dry_run=False)}),
        )

    return pruning


def _period(name: str, period: Period, at: datetime) -> RunRequest:
    yesterday = (at - timedelta(days=1)).date()
    start = daily_key(period.of(yesterday).start.date())
    return RunRequest(run_key=f"{name}-{start}-of-{daily_key(yesterday)}", partition_key=start)


def _ads(key: str, at: datetime, mode: Mode, days: int, tiers: list[str], earliest: date) -> Iterator[RunRequest]:
    """One run a platform, so that a slow one delays no other."""
    today = at.date()
    first = max(earliest, today - timedelta(days=days))
    for platform in PLATFORMS:
        yield RunRequest(
            run_key=f"{key}-{platform}-{at:%Y-%m-%dT%H}",
            asset_selection=[AssetKey(["clearlift", "ads", name]) for name in (platform, *TABLES, "restatements")],
            run_config=RunConfig(ops={f"clearlift__ads__{platform}": AdSyncConfig(mode=mode.value, tiers=tiers)}),
            tags={
                ASSET_PARTITION_RANGE_START_TAG: daily_key(first),
                ASSET_PARTITION_RANGE_END_TAG: daily_key(today),
            },
        )


def _tick(context: ScheduleEvaluationContext) -> datetime:
    return context.scheduled_execution_time.astimezone(UTC)

"""What a room brings to the graph of an app, and the parts that this is made of.

Each room has a module `capability.py` with one function, `bring(app, site)`. What belongs here: the vocabulary of these
modules (jobs, ticks, watches, requests) and how it becomes Dagster's definitions. What does not: any room's own work.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from dagster import (
    AssetKey,
    AssetSelection,
    Config,
    DefaultScheduleStatus,
    DefaultSensorStatus,
    RunConfig,
    RunRequest,
    ScheduleDefinition,
    ScheduleEvaluationContext,
    SensorDefinition,
    SensorEvaluationContext,
    SkipReason,
    define_asset_job,
)
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from assets.apps import App
from assets.partitions import Calendar
from assets.rooms import Rooms
from assets.windows import DAY, Window, daily_key

RETRIES = {"dagster/max_retries": "2"}
# An asset of the app at hand: its capability and its name.
Object = tuple[str, str]
Jobs = Mapping[str, UnresolvedAssetJobDefinition]


@dataclass(frozen=True)
class Site:
    """Where the graph is built: what every room may need to know of it. Stores open when an asset or watch asks.

    late_horizon: how far back late data reopens windows by itself. cache_writes: keys of a cache family that one run
    may write.
    """

    rooms: Rooms
    calendar: Calendar
    late_horizon: timedelta
    cache_writes: int


@dataclass(frozen=True)
class Job:
    """Assets that are made together. Its full name starts with the app's."""

    name: str
    selection: AssetSelection
    description: str
    retried: bool = True


@dataclass(frozen=True)
class Request:
    """One run that a tick or a watch asks for.

    partitions: first and last partition key. config: the configuration of assets. assets: only these of the job. key:
    tells the requests of one tick apart; a watch's key names all that its run would do, because Dagster starts one run
    a key. job: which job, where a watch has several.
    """

    key: str = ""
    partitions: tuple[str, str] | None = None
    config: Mapping[Object, Config] | None = None
    assets: Sequence[Object] | None = None
    job: str | None = None


@dataclass(frozen=True)
class Tick:
    """A job by the clock (UTC): `asks` gives the requests of the moment that the cron line names."""

    name: str
    cron: str
    job: str
    description: str
    asks: Callable[[datetime], Iterable[Request]] = lambda _: (Request(),)


@dataclass(frozen=True)
class Watch:
    """Jobs because something happened: `asks` looks at the stores and gives requests, or a text that says why not.

    It is asked every `seconds`, keeps no state, and has to answer within 60 s (Dagster's limit). `asks` is handed what
    writes a warning to the log.
    """

    name: str
    jobs: tuple[str, ...]
    description: str
    asks: Callable[[Callable[[str], None]], Iterator[Request | str]]
    seconds: int = 60


@dataclass(frozen=True)
class Capability:
    """What a room brings for one app; empty where the app has no need of it."""

    assets: Sequence[Any] = ()
    jobs: Sequence[Job] = ()
    ticks: Sequence[Tick] = ()
    watches: Sequence[Watch] = ()


def days_again(windows: Iterable[Window], now: datetime) -> Iterator[Request]:
    """A request for each range of days that changed. The hour in the key asks again for what an earlier run left."""
    for window in windows:
        first, last = daily_key(window.start.date()), daily_key((window.end - DAY).date())
        yield Request(f"{first}-{last}-{now:%Y-%m-%dT%H}", (first, last))


def one_day(day: date) -> Request:
    """A request for one daily partition, or for the week or month that begins with it."""
    return Request(partitions=(daily_key(day), daily_key(day)))


def op_name(key: Sequence[str]) -> str:
    """The name of the op that makes an asset, by which a run's configuration names it."""
    return AssetKey(list(key)).to_python_identifier()


def assets_of(app: App, *objects: Object) -> AssetSelection:
    """Assets of an app as a selection."""
    return AssetSelection.assets(*([app.name, *name] for name in objects))


def job_name(app: App, name: str) -> str:
    """The full name of an app's job."""
    return f"{app.name}_{name}"


def as_job(app: App, job: Job) -> UnresolvedAssetJobDefinition:
    """The job as Dagster has it."""
    return define_asset_job(
        job_name(app, job.name), job.selection, description=job.description, tags=RETRIES if job.retried else None
    )


def as_schedule(app: App, tick: Tick, jobs: Jobs) -> ScheduleDefinition:
    """The tick as Dagster has it: in UTC, and on by default. `jobs` are the app's, by their names without it."""
    name = job_name(app, tick.name)

    def evaluate(context: ScheduleEvaluationContext) -> Iterator[RunRequest]:
        at = context.scheduled_execution_time.astimezone(UTC)
        for request in tick.asks(at):
            yield _as_run(app, request, "-".join(filter(None, (name, request.key, f"{at:%Y-%m-%dT%H:%M}"))))

    return ScheduleDefinition(
        name=name,
        job=jobs[tick.job],
        cron_schedule=tick.cron,
        execution_timezone="UTC",
        execution_fn=evaluate,
        default_status=DefaultScheduleStatus.RUNNING,
        description=tick.description,
        owners=[app.owner],
    )


def as_sensor(app: App, watch: Watch, jobs: Jobs) -> SensorDefinition:
    """The watch as Dagster has it: on by default. `jobs` are the app's, by their names without it."""
    name = job_name(app, watch.name)

    def evaluate(context: SensorEvaluationContext) -> Iterator[RunRequest | SkipReason]:
        for request in watch.asks(context.log.warning):
            if isinstance(request, str):
                yield SkipReason(request)
            else:
                yield _as_run(app, request, f"{name}-{request.key}")

    return SensorDefinition(
        name=name,
        jobs=[jobs[name] for name in watch.jobs],
        evaluation_fn=evaluate,
        minimum_interval_seconds=watch.seconds,
        default_status=DefaultSensorStatus.RUNNING,
        description=watch.description,
        owners=[app.owner],
    )


def _as_run(app: App, request: Request, run_key: str) -> RunRequest:
    tags: dict[str, str] = {}
    partition = None
    if request.partitions is not None:
        first, last = request.partitions
        if first == last:
            partition = first
        else:
            tags = {ASSET_PARTITION_RANGE_START_TAG: first, ASSET_PARTITION_RANGE_END_TAG: last}
    config = request.config or {}
    return RunRequest(
        run_key=run_key,
        partition_key=partition,
        tags=tags,
        run_config=RunConfig(ops={op_name((app.name, *name)): value for name, value in config.items()}),
        asset_selection=[AssetKey([app.name, *name]) for name in request.assets] if request.assets else None,
        job_name=job_name(app, request.job) if request.job else None,
    )

"""How jobs, ticks and watches become Dagster's jobs, schedules and sensors.

What belongs here: the definitions, and what holds for all of them: nothing is asked for while an open run makes it, and
what a watch asks for is asked for again until it is done. What does not: what a room asks for (its capability.py).
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from dagster import (
    AssetCheckEvaluation,
    AssetKey,
    AssetMaterialization,
    DefaultScheduleStatus,
    DefaultSensorStatus,
    MaterializeResult,
    RunConfig,
    RunRequest,
    ScheduleDefinition,
    ScheduleEvaluationContext,
    SensorDefinition,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    define_asset_job,
)
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    MAX_RUNTIME_SECONDS_TAG,
    PRIORITY_TAG,
)

from assets.apps import App
from assets.capability import AfterGap, Job, Request, Tick, Watch, job_name, op_name
from assets.pace import Ended, due
from assets.requested import ASKED, ASKED_AT, MAX_RETRIES, STATE, Runs
from assets.rooms import Rooms

RETRIES = {"dagster/max_retries": str(MAX_RETRIES)}
# dagster.yaml lets one run at a time through for each value of this tag.
ALONE = "clearlift/alone"
# dagster.yaml lets one run less through with this tag than there are places, so that an urgent one finds its own.
PATIENT = "clearlift/patient"
# A moment that is evaluated so late was missed, and not merely evaluated slowly.
GRACE = timedelta(minutes=15)
Jobs = Mapping[str, UnresolvedAssetJobDefinition]


def as_job(app: App, job: Job) -> UnresolvedAssetJobDefinition:
    """The job as Dagster has it. Run monitoring ends a run that takes longer than the job's longest time."""
    name, tags = job_name(app, job.name), {MAX_RUNTIME_SECONDS_TAG: str(int(job.longest.total_seconds()))}
    if job.retried:
        tags |= RETRIES
    tags |= {PRIORITY_TAG: "1"} if job.urgent else {PATIENT: "yes"}
    if job.alone:
        tags[ALONE] = name
    return define_asset_job(name, job.selection, description=job.description, tags=tags)


def as_schedule(app: App, tick: Tick, jobs: Jobs, rooms: Rooms) -> ScheduleDefinition:
    """The tick as Dagster has it: in UTC, and on by default. `jobs` are the app's, by their names without it."""
    name, job = job_name(app, tick.name), jobs[tick.job]

    def wanted(runs: Runs, at: datetime) -> Iterator[RunRequest]:
        for request in tick.asks(at):
            tries = runs.tries(job.name, _asked(name, request)) if request.parts else []
            failed = bool(tries) and tries[0].ended is Ended.FAILED
            for part in request.parts if failed else (request,):
                key = f"{_asked(name, part)}-{at:%Y-%m-%dT%H:%M}"
                run = _as_run(app, part, _asked(name, part), rooms.clock(), key)
                if not runs.are_making(run, job.name):
                    yield run

    def evaluate(context: ScheduleEvaluationContext) -> Iterator[RunRequest | SkipReason]:
        at = context.scheduled_execution_time.astimezone(UTC)
        if tick.after_gap is AfterGap.SKIPS and rooms.clock() - at > GRACE:
            yield SkipReason(f"The moment {at:%Y-%m-%d %H:%M} was missed; this schedule waits for its next.")
            return
        found = list(wanted(Runs(context.instance, context.repository_def), at))
        yield from found
        if not found:
            yield SkipReason("Nothing is missing, or an open run makes it already.")

    return ScheduleDefinition(
        name=name,
        job=job,
        cron_schedule=tick.cron,
        execution_timezone="UTC",
        execution_fn=evaluate,
        default_status=DefaultScheduleStatus.RUNNING,
        description=described(tick),
        owners=[app.owner],
    )


def described(tick: Tick) -> str:
    """The description of a tick, with what it does after downtime."""
    return f"{tick.description} After downtime it {tick.after_gap.value}."


def as_sensor(app: App, watch: Watch, jobs: Jobs, rooms: Rooms) -> SensorDefinition:
    """The watch as Dagster has it: on by default. `jobs` are the app's, by their names without it."""
    name = job_name(app, watch.name)

    def evaluate(context: SensorEvaluationContext) -> SensorResult:
        assert context.repository_def is not None  # Dagster evaluates a sensor within its code location
        runs, now = Runs(context.instance, context.repository_def), rooms.clock()
        found: list[RunRequest] = []
        results, reasons = [], []
        for answer in watch.asks(context.log.warning):
            if isinstance(answer, str):
                reasons.append(answer)
            elif isinstance(answer, MaterializeResult):
                results.append(answer)
            else:
                found += _due(app, watch, answer, runs, now)
        if not found and not reasons and not results:
            reasons.append("A run for it is open, has succeeded, or has failed a short time ago.")
        return SensorResult(
            run_requests=found,
            skip_reason=" ".join(reasons) if reasons and not found else None,
            asset_events=[event for result in results for event in _events(result)],
        )

    return SensorDefinition(
        name=name,
        jobs=[jobs[name] for name in watch.jobs] or None,
        evaluation_fn=evaluate,
        minimum_interval_seconds=watch.seconds,
        default_status=DefaultSensorStatus.RUNNING,
        description=watch.description,
        owners=[app.owner],
    )


def _due(app: App, watch: Watch, request: Request, runs: Runs, now: datetime) -> Iterator[RunRequest]:
    """The run for a request of a watch where it is due; else, where the last one failed, the due ones of its parts."""
    job, asked = job_name(app, request.job or watch.jobs[0]), _asked(job_name(app, watch.name), request)
    tries = runs.tries(job, asked)
    if due(tries, request.state, now, once=request.once):
        run = _as_run(app, request, asked, now, None)
        made = request.since is not None and runs.have_made(run.asset_selection or (), request.since)
        if not made and not runs.are_making(run, job):
            yield run
    elif tries[0].ended is Ended.FAILED:
        for part in request.parts:
            yield from _due(app, watch, part, runs, now)


def _asked(name: str, request: Request) -> str:
    return "-".join(filter(None, (name, request.key)))


def _as_run(app: App, request: Request, asked: str, now: datetime, run_key: str | None) -> RunRequest:
    tags = {ASKED: asked, ASKED_AT: now.isoformat(timespec="seconds")}
    if request.state:
        tags[STATE] = request.state
    partition = None
    if request.partitions is not None:
        first, last = request.partitions
        if first == last:
            partition = first
        else:
            tags |= {ASSET_PARTITION_RANGE_START_TAG: first, ASSET_PARTITION_RANGE_END_TAG: last}
    config = request.config or {}
    return RunRequest(
        run_key=run_key,
        partition_key=partition,
        tags=tags,
        run_config=RunConfig(ops={op_name((app.name, *name)): value for name, value in config.items()}),
        asset_selection=[AssetKey([app.name, *name]) for name in request.assets] if request.assets else None,
        job_name=job_name(app, request.job) if request.job else None,
    )


def _events(result: MaterializeResult[None]) -> Iterator[AssetMaterialization | AssetCheckEvaluation]:
    """A result as the events of an asset that no run made."""
    assert result.asset_key is not None  # outside a run nothing else names the asset
    yield AssetMaterialization(result.asset_key, metadata=result.metadata)
    for check in result.check_results:
        assert check.check_name is not None  # a check that is its own asset's names itself
        yield AssetCheckEvaluation(
            asset_key=result.asset_key,
            check_name=check.check_name,
            passed=check.passed,
            severity=check.severity,
            description=check.description,
            metadata=check.metadata,
        )

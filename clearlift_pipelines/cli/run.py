"""`clearlift run`: everything brought up to date in one go, on a sample where there is nothing else."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import click

from assets.apps import APPS, App
from assets.apps.pipelines import PIPELINES
from assets.attribution import late as attributed
from assets.capability import Object
from assets.events import pruned
from assets.events.ingest import pending
from assets.events.table import events_table
from assets.rollups import late
from assets.rollups.follow import follow
from assets.rollups.periods import Period
from assets.sessions import build as sessions
from assets.sessions.definition import read_for
from assets.windows import DAY, HOUR, Window, daily_key, floor_hour, hourly_key, midnight
from clearlift_pipelines.cli import ads, attribution
from clearlift_pipelines.cli.execution import Workbench, workbench
from clearlift_pipelines.cli.sandbox import sample_platforms
from clearlift_pipelines.cli.summary import print_summary, stores_in
from clearlift_pipelines.cli.tables import printed
from clearlift_pipelines.stores import utc_now
from sandbox import sample, sample_apps, sample_stores

# The sample lands in as many parts as it has half days, so that there are small files to merge, as in real life.
INSTALMENTS = 6
# A run a range: more ranges than this are joined across the narrowest gaps, whose windows are made again too.
MOST_RANGES = 4
# A sample is made in memory.
MOST_DAYS, MOST_SCALE = 366, 100
SWEEP: Mapping[Object, Mapping[str, Any]] = {("events", "ingested"): {"sweep": True}}
# After events and ads, in this order. Of retention and of the backups' rotation dry runs: the UI shows what would go,
# their schedules delete it.
FURTHER: Mapping[str, Mapping[Object, Mapping[str, Any]]] = {
    "partitions": {},
    "columns": {},
    "points": {("points", "ingested"): {"sweep": True}},
    "media": {("media", "variants"): {"sweep": True}},
    **{
        job: {}
        for job in ("pending_events", "aggregate", "inactive_sessions", "phones", "experiments", "reports", "database")
    },
    **{job: {} for job in ("seal", "erasure_requests", "export_requests", "changes")},
    **{job: {} for job in ("invalidate", "warm", "today", "integrity", "tidy", "remove_files", "policy", "retention")},
    **{job: {} for job in ("observe", "backup", "rotate", "trail")},
}


def _bounded(context: click.Context, option: click.Parameter, value: float) -> float:
    del context, option
    # click's ranges let what is not a number pass.
    if not 0 < value <= MOST_SCALE:
        raise click.BadParameter(f"{value:g} is not above 0 and at most {MOST_SCALE}")
    return value


@click.command()
@click.option(
    "--sample/--no-sample", "with_sample", default=None, help="Land the sample (by default on embedded stores)."
)
@click.option(
    "--days", type=click.IntRange(1, MOST_DAYS), default=3, show_default=True, help="Days of events in the sample."
)
@click.option(
    "--scale",
    default=1.0,
    show_default=True,
    callback=_bounded,
    help=f"Share of the sample's ordinary number of sessions, above 0 and at most {MOST_SCALE}.",
)
@printed
def run(with_sample: bool | None, days: int, scale: float) -> None:
    """Bring everything up to date; land a sample first where there is no data.

    \b
    Example: clearlift run --days 7 --scale 0.2
    Example: clearlift run --no-sample
    """
    with workbench() as bench:
        bench.console.print(f"[bold]ClearLift Pipelines[/bold]  stores in {stores_in(bench.stores)}")
        stores = bench.bar("stores started and migrated")
        bench.stores.prepare()
        stores(1, 1)
        wants_sample = with_sample if with_sample is not None else bench.stores.settings.embedded
        if wants_sample:
            _land_sample(bench, days, scale)
        failures: list[click.ClickException] = []
        for app in APPS:
            if app.audience is not None:
                if pending(app, bench.stores.object_store, bench.stores.postgres, sweep=True):
                    bench.run(app, "ingest", config=SWEEP)
                with _kept(failures):
                    bench.run(app, "compact")
                roll_up_stale(bench, app)
        with sample_platforms(bench.stores) if wants_sample else nullcontext():
            for app in APPS:
                _sync_and_attribute(bench, app, failures)
        for app in (*APPS, PIPELINES):
            for job, config in FURTHER.items():
                if bench.has(app, job) and not _nothing_to_do(bench, app, job):
                    bench.run(app, job, config=config)
        bench.progress.stop()
        print_summary(bench)
        if failures:
            raise click.ClickException("; ".join(failure.message for failure in failures))


@contextmanager
def _kept(failures: list[click.ClickException]) -> Iterator[None]:
    """Around a step that the others do not need: its failure is reported at the end."""
    try:
        yield
    except click.ClickException as error:
        failures.append(error)


def _nothing_to_do(bench: Workbench, app: App, job: str) -> bool:
    """Nothing was uploaded, or sealing is off."""
    if job == "media":
        return app.media is None or next(bench.stores.object_store.list(app.media.root), None) is None
    return job == "seal" and not bench.stores.is_sealed(app)


def _sync_and_attribute(bench: Workbench, app: App, failures: list[click.ClickException]) -> None:
    """Sync and attribute, whether or not a platform fails."""
    if ads.can_be_asked(bench.stores, app):
        with _kept(failures):
            ads.sync(bench, app)
    if bench.has(app, "attribution"):
        # Every day that changed; today in any case, because new campaigns and clicks are taken in with it.
        today, year_ahead = attribution.today(), utc_now() + timedelta(days=366)
        stale = attributed.stale(app, bench.stores.postgres, _earliest(bench), year_ahead)
        attribution.make(bench, app, _ranges(bench, app, _until(today.end, stale)) or [today])


def roll_up_stale(bench: Workbench, app: App) -> None:
    """Roll up every window of an app that changed, however old it is."""
    postgres, earliest = bench.stores.postgres, _earliest(bench)
    followed = bench.bar("commits of the lake followed")
    while follow(app, bench.stores.lake.table(events_table(app)), postgres, utc_now):
        pass
    followed(1, 1)
    # Windows in progress take part, because a year ahead of now is after any of them.
    now, year_ahead = utc_now(), utc_now() + timedelta(days=366)
    stale = late.stale(app, postgres, earliest, year_ahead)
    tomorrow = midnight(now.date()) + DAY
    for hours in _ranges(bench, app, _until(floor_hour(now) + HOUR, stale.hours)):
        bench.run(app, "roll_up_hours", hourly_key(hours.start), hourly_key(hours.end - HOUR))
    for days in _ranges(bench, app, _until(tomorrow, stale.days)):
        bench.run(app, "roll_up_days", daily_key(days.start.date()), daily_key((days.end - DAY).date()))
    made = sessions.stale(app, postgres, earliest, year_ahead)
    for days in _ranges(bench, app, _until(tomorrow, made), read_for):
        bench.run(app, "sessions", daily_key(days.start.date()), daily_key((days.end - DAY).date()))
    # Asked once more, because the days just made reopened their weeks and months.
    stale = late.stale(app, postgres, earliest, year_ahead)
    for period, job, windows in (
        (Period.WEEKLY, "roll_up_weeks", stale.weeks),
        (Period.MONTHLY, "roll_up_months", stale.months),
    ):
        for window in windows:
            first, last = map(daily_key, period.ends(window))
            bench.run(app, job, first, last)


def _earliest(bench: Workbench) -> datetime:
    return midnight(bench.stores.settings.partitions_start)


def _until(end: datetime, windows: Sequence[Window]) -> list[Window]:
    # Clocks that run ahead send events of hours that have no partition yet; those stay stale until they have one.
    limit = Window(datetime.min.replace(tzinfo=UTC), end)
    return [part for part in (window.clipped(limit) for window in windows) if part]


def across_narrowest_gaps(windows: Sequence[Window], most: int) -> list[Window]:
    """At most `most` ranges that cover `windows`, which are in order and apart: the widest gaps stay between them."""
    gaps = range(1, len(windows))
    widest = sorted(gaps, key=lambda gap: windows[gap].start - windows[gap - 1].end, reverse=True)[: most - 1]
    cuts = (0, *sorted(widest), len(windows))
    return [Window(windows[first].start, windows[end - 1].end) for first, end in pairwise(cuts)] if windows else []


def _ranges(
    bench: Workbench, app: App, windows: list[Window], reads: Callable[[Window], Window] = lambda window: window
) -> list[Window]:
    """A few ranges that cover windows, without the days whose events are archived only: the summary reports these."""
    if not windows:
        return []
    whole = Window(windows[0].start, windows[-1].end)
    with bench.stores.postgres.connection() as connection:
        archived = pruned.within(connection, app, reads(whole))
    return archived.spare(across_narrowest_gaps(windows, MOST_RANGES), reads)


def _land_sample(bench: Workbench, days: int, scale: float) -> None:
    store = bench.stores.object_store
    until = sample_stores.mark(store, utc_now())
    for app in (app for app in APPS if app.d1_migrations is not None):
        if told := sample_apps.fill(app, bench.stores.d1(app), store, until):
            bench.console.print(f"{app.title}: {told}")
    if store.exists(sample_stores.LANDED):
        return
    (collecting,) = filter(sample_apps.collects, APPS)
    landed = bench.bar("sample batches landed")
    batches, _ = sample.batches(until, days=days, scale=scale, paid=sample_stores.paid_clicks(store, until))
    for part in range(INSTALMENTS):
        first, last = part * len(batches) // INSTALMENTS, (part + 1) * len(batches) // INSTALMENTS
        for number, batch in enumerate(batches[first:last], first + 1):
            sample_stores.land(store, batch)
            landed(number, len(batches))
        bench.run(collecting, "ingest", config=SWEEP)
    sample_stores.finish(store)

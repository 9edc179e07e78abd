"""`clearlift run`: everything brought up to date in one go, on a sample where there is nothing else."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from assets.apps import APPS, App
from assets.attribution import late as attributed
from assets.events import pruned, quarantine
from assets.events.ingest import pending
from assets.events.ledger import Ledger
from assets.events.table import EVENTS
from assets.rollups import late
from assets.rollups.periods import Period
from assets.series import registry
from assets.sessions import build as sessions
from assets.sessions.definition import read_for
from assets.windows import DAY, HOUR, Window, daily_key, floor_hour, hourly_key, midnight
from clearlift_pipelines.cli import ads, attribution
from clearlift_pipelines.cli.execution import Workbench, workbench
from clearlift_pipelines.stores import utc_now
from resources.d1 import D1
from sandbox import sample, sample_media, sample_sesh, sample_sesh_sessions, sample_stores

# The sample lands in as many parts as it has half days, so that there are small files to merge, as in real life.
INSTALMENTS = 6
# A run a range: more ranges than this are joined across the narrowest gaps, whose windows are made again too.
MOST_RANGES = 4
# A sample is made in memory.
MOST_DAYS, MOST_SCALE = 366, 100
SWEEP = {"ops": {"clearlift__events__ingested": {"config": {"sweep": True}}}}
SWEEP_POINTS = {"ops": {"sesh__sesh__points": {"config": {"sweep": True}}}}


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
def run(with_sample: bool | None, days: int, scale: float) -> None:
    """Bring everything up to date; land a sample first where there is no data."""
    with workbench() as bench:
        bench.console.print(f"[bold]ClearLift Pipelines[/bold]  stores in {_where(bench)}")
        stores = bench.bar("stores started and migrated")
        bench.stores.migrate()
        stores(1, 1)
        wants_sample = with_sample if with_sample is not None else bench.stores.settings.embedded
        if wants_sample:
            _land_sample(bench, days, scale)
        if pending(bench.stores.object_store, bench.stores.postgres, sweep=True):
            bench.run("ingest", config=SWEEP)
        failures: list[click.ClickException] = []
        with _kept(failures):
            bench.run("compact")
        roll_up_stale(bench)
        _sync_ads(bench, wants_sample, failures)
        bench.run("partitions")
        bench.run("columns")
        bench.run("points", config=SWEEP_POINTS)
        _make_media(bench)
        bench.run("invalidate")
        bench.run("warm")
        bench.run("tidy")
        bench.run("remove_files")
        bench.run("policy")
        # A dry run: what would go is told in the UI, and goes by its schedule.
        bench.run("retention")
        bench.progress.stop()
        _summary(bench)
        if failures:
            raise click.ClickException("; ".join(failure.message for failure in failures))


@contextmanager
def _kept(failures: list[click.ClickException]) -> Iterator[None]:
    """Around what all else can be made without: what it failed of is told at the end."""
    try:
        yield
    except click.ClickException as error:
        failures.append(error)


def _make_media(bench: Workbench) -> None:
    """The sweep that the daemon does daily, where anything was ever uploaded."""
    stores = bench.stores
    roots = [app.media.root for app in APPS if app.media is not None]
    if any(next(stores.object_store.list(root), None) is not None for root in roots):
        bench.run("media", config={"ops": {"sesh__media__variants": {"config": {"sweep": True}}}})


def _sync_ads(bench: Workbench, wants_sample: bool, failures: list[click.ClickException]) -> None:
    """Sync and attribute, whether or not a platform failed."""
    with ads.sample_platforms(bench.stores) if wants_sample else nullcontext():
        if ads.has_connections(bench.stores) and (bench.stores.ad_origin or not bench.stores.settings.embedded):
            with _kept(failures):
                ads.sync(bench)
        _attribute(bench)


def _attribute(bench: Workbench) -> None:
    """Every day that changed; today in any case, with which new campaigns and clicks are taken in."""
    ahead = utc_now() + timedelta(days=366)
    today = attribution.today()
    changed = _until(today.end, attributed.stale(bench.stores.postgres, _earliest(bench), ahead))
    attribution.make(bench, _ranges(bench, changed) or [today])


def roll_up_stale(bench: Workbench) -> None:
    """Roll up every window that changed, whenever it was."""
    table = bench.stores.lake.table(EVENTS)
    followed = bench.bar("commits of the lake followed")
    while late.follow(table, bench.stores.postgres, utc_now):
        pass
    followed(1, 1)
    # Windows in progress take part: a year ahead of now is after any of them.
    found = late.stale(bench.stores.postgres, _earliest(bench), utc_now() + timedelta(days=366))
    now = utc_now()
    for hours in _ranges(bench, _until(floor_hour(now) + HOUR, found.hours)):
        bench.run("roll_up_hours", hourly_key(hours.start), hourly_key(hours.end - HOUR))
    for days in _ranges(bench, _until(midnight(now.date()) + DAY, found.days)):
        bench.run("roll_up_days", daily_key(days.start.date()), daily_key((days.end - DAY).date()))
    made = sessions.stale(bench.stores.postgres, _earliest(bench), utc_now() + timedelta(days=366))
    for days in _ranges(bench, _until(midnight(now.date()) + DAY, made), read_for):
        bench.run("sessions", daily_key(days.start.date()), daily_key((days.end - DAY).date()))
    # Asked for once more: the days just made reopened their weeks and months.
    found = late.stale(bench.stores.postgres, _earliest(bench), utc_now() + timedelta(days=366))
    for period, job, windows in (
        (Period.WEEKLY, "roll_up_weeks", found.weeks),
        (Period.MONTHLY, "roll_up_months", found.months),
    ):
        for window in windows:
            first, last = map(daily_key, period.ends(window))
            bench.run(job, first, last)


def _earliest(bench: Workbench) -> datetime:
    return midnight(bench.stores.settings.partitions_start)


def _until(end: datetime, windows: tuple[Window, ...]) -> list[Window]:
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
    bench: Workbench, windows: list[Window], reads: Callable[[Window], Window] = lambda window: window
) -> list[Window]:
    """A few ranges that cover windows; days whose events are archived only are left out, and told of at the end."""
    if not windows:
        return []
    whole = Window(windows[0].start, windows[-1].end)
    with bench.stores.postgres.connection() as connection:
        archived = pruned.within(connection, reads(whole))
    return archived.spare(across_narrowest_gaps(windows, MOST_RANGES), reads)


def _land_sample(bench: Workbench, days: int, scale: float) -> None:
    store = bench.stores.object_store
    until = sample_stores.mark(store, utc_now())
    for app in APPS:
        if app.audience is not None:
            sample_stores.fill_d1(bench.stores.d1(app))
        if "strains" in app.tables:
            sample_sesh.fill(bench.stores.d1(app), until)
        if app.media is not None:
            sample_media.land(store, app.media)
        if app.series:
            sample_sesh_sessions.fill(bench.stores.d1(app), store, until)
    if store.exists(sample_stores.LANDED):
        return
    landed = bench.bar("sample batches landed")
    batches, _ = sample.batches(until, days=days, scale=scale, paid=sample_stores.paid_clicks(store, until))
    for part in range(INSTALMENTS):
        first, last = part * len(batches) // INSTALMENTS, (part + 1) * len(batches) // INSTALMENTS
        for number, batch in enumerate(batches[first:last], first + 1):
            sample_stores.land(store, batch)
            landed(number, len(batches))
        bench.run("ingest", config=SWEEP)
    sample_stores.finish(store)


def _where(bench: Workbench) -> str:
    given = bench.stores.settings
    return str(_short(given.home)) if given.embedded else "the configured services"


def _short(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _summary(bench: Workbench) -> None:
    console, postgres = bench.console, bench.stores.postgres
    totals = Ledger(postgres).totals()
    files = bench.stores.lake.table(EVENTS).files()
    counts = Table("", "", show_header=False, box=None, padding=(0, 2))
    counts.add_row("lines received", f"{totals['received']:,}  in {totals['batches']:,} batches")
    for what in ("stored", "doubled", "quarantined", "without_consent"):
        counts.add_row(f"  {what.replace('_', ' ')}", f"{totals[what]:,}")
    counts.add_row(
        "lake", f"{sum(f.rows for f in files):,} rows in {len(files):,} files, {_mib(sum(f.bytes for f in files))}"
    )
    for grain in ("hourly", "daily", "weekly", "monthly"):
        row = postgres.fetch(f"select count(*) as rows, coalesce(sum(events), 0) as events from rollups.{grain}")[0]
        counts.add_row(f"{grain} roll-ups", f"{row['rows']:,} rows of {int(row['events']):,} events")
    cached = postgres.fetch("select count(*) as keys, coalesce(sum(bytes), 0)::bigint as bytes from cache.entries")[0]
    counts.add_row("cache", f"{cached['keys']:,} keys, {_mib(cached['bytes'])}")
    for app in (app for app in APPS if app.series):
        counts.add_row(app.title, _series(bench.stores.d1(app), app))
    console.print(counts)
    synced = ads.summary(bench)
    if synced is not None:
        console.print(synced)
    since = late.horizon(_earliest(bench), bench.stores.settings.late_horizon, utc_now())
    if too_old := late.beyond(postgres, _earliest(bench), since):
        console.print(str(too_old), style="yellow")
    refused = quarantine.summary(postgres)
    if refused:
        reasons = Table("lines", "reason", "field", title="Quarantine", title_justify="left", box=None)
        for row in refused:
            reasons.add_row(f"{row['lines']:,}", row["reason"], row["field"])
        console.print(reasons)
    _where_to_go(console, bench)


def _series(d1: D1, app: App) -> str:
    counts = []
    for series in app.series:
        (counted,) = d1.query(f"select count(*) as n from {series.name}")
        hourly = "hourly " if app.metrics is not None and series is app.metrics.hours else ""
        tables = sum(partition.stands for partition in registry.load(d1, series).partitions)
        counts.append(f"{counted['n']:,} {hourly}{series.name}" + ("" if counts else f" in {tables} partitions"))
    return ", ".join(counts)


def _where_to_go(console: Console, bench: Workbench) -> None:
    home = _short(bench.stores.settings.home)
    if bench.stores.settings.embedded:
        console.print(
            f"Data: events and lake in {home}/r2, roll-ups in {home}/postgres, cache in {home}/kv, apps in {home}/d1"
        )
    console.print("Next: make ui · clearlift status · clearlift quarantine list · clearlift land FILE…")


def _mib(size: int) -> str:
    return f"{size / 2**20:,.1f} MiB" if size >= 2**20 else f"{size / 1024:,.1f} KiB"

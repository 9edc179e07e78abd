"""`clearlift status`: what is wrong, and how things stand, asset by asset.

What does not belong here: what is a finding (health.py of each room, assets/health).
"""

import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import click
from dagster import AssetKey
from rich.text import Text

from assets.apps import APPS, App
from assets.attribution import late as attribution
from assets.capability import Object
from assets.events.ingest import pending
from assets.events.table import events_table
from assets.finding import NOTHING_RAN, NOTHING_WRONG, Severity
from assets.growth.pending import PendingEvents
from assets.growth.windows import Kind, StaleWindows
from assets.health.look import Looked
from assets.health.ticks import ran_ever
from assets.rollups import late
from assets.rollups.definition import Grain
from assets.rollups.follow import unfollowed
from assets.rollups.periods import Period
from assets.sessions import build as sessions
from assets.windows import DAY, HOUR, midnight
from clearlift_pipelines.cli.execution import Workbench, workbench
from clearlift_pipelines.cli.tables import Column, Columns, printed, to_the_second
from clearlift_pipelines.definitions import brought, health_checks
from clearlift_pipelines.health import look_of
from clearlift_pipelines.stores import Stores, utc_now
from resources.counts import counted

WATCHED_SECONDS = 60
FINDINGS = Columns(
    "findings",
    "status",
    {name: name for name in ("severity", "what", "since", "message", "next")},
)
ASSETS = Columns(
    "assets",
    "status",
    {
        "asset": "asset",
        "last_success": Column("last success (UTC)", lambda at: to_the_second(at) or "never"),
        "minutes": Column("lag", lambda minutes: "" if minutes is None else _lag(minutes)),
        "waits": "waits",
    },
)


@click.command()
@click.option(
    "--watch",
    "every",
    type=click.IntRange(min=1),
    is_flag=False,
    flag_value=WATCHED_SECONDS,
    metavar="SECONDS",
    help=f"Look again every so many seconds (by default {WATCHED_SECONDS}), until Ctrl-C.",
)
@printed
def status(every: int | None) -> None:
    """Each asset: last success, lag, what waits; then what is wrong, with the command that ends it.

    Exit code 1 where something is wrong.

    \b
    Example: clearlift status --watch 30
    Example: clearlift status --json | jq .findings
    """
    with workbench() as bench:
        bench.progress.stop()
        looked = _look(bench)
        while every is not None:
            time.sleep(every)
            click.clear()
            click.echo(f"{utc_now():%Y-%m-%d %H:%M:%S} UTC, again every {every} s; Ctrl-C ends it.")
            looked = _look(bench)
    sys.exit(1 if looked.found else 0)


def _look(bench: Workbench) -> Looked:
    """Look once, and show what there is."""
    checks = health_checks(brought(bench.stores))
    looked = look_of(bench.stores, checks, bench.instance, bench.definitions.get_repository_def()).run()
    try:
        if looked.recorded:
            _show_assets(bench)
    finally:
        # What keeps assets from being read is most likely among them.
        _show_findings(bench, looked)
    return looked


def _show_findings(bench: Workbench, looked: Looked) -> None:
    found = FINDINGS.table()
    for one in looked.found:
        found.add(
            severity=one.finding.severity,
            what=one.what,
            since=one.since,
            message=one.finding.message,
            next=one.finding.command,
        )
    if found.is_json:
        found.show()
        return
    for one in looked.found:
        severity, since = one.finding.severity, f"since {one.since:%Y-%m-%d %H:%M}"
        colour = "red" if severity is Severity.CRITICAL else "yellow"
        # A store's own words are not markup.
        said = f" {one.what} ({since}): {one.finding.message}. Next: {one.finding.command}"
        bench.console.print(Text.assemble((f"{severity:<8}", colour), said), soft_wrap=True)
    if not looked.found:
        bench.console.print(NOTHING_WRONG if ran_ever(bench.instance) else NOTHING_RAN, soft_wrap=True)


def _show_assets(bench: Workbench) -> None:
    now = utc_now()
    missing = _missing(bench, now)
    table = ASSETS.table()
    graph = bench.definitions.resolve_asset_graph()
    for key in sorted(graph.materializable_asset_keys, key=lambda k: k.to_user_string()):
        event = bench.instance.get_latest_materialization_event(key)
        at = datetime.fromtimestamp(event.timestamp, UTC) if event else None
        table.add(
            asset=key.to_user_string(),
            last_success=at,
            minutes=(now - at) // timedelta(minutes=1) if at else None,
            waits=missing.get(key, ""),
        )
    table.show()


def _missing(bench: Workbench, now: datetime) -> dict[AssetKey, str]:
    lines: dict[AssetKey, str] = {}
    for app in (app for app in APPS if app.audience is not None):
        for (capability, name), line in _missing_of(bench.stores, app, now):
            lines[AssetKey([app.name, capability, name])] = line
    for app in APPS:
        for name, line in _missing_of_growth(bench.stores, app):
            lines[AssetKey([app.name, "analytics", name])] = line
    return lines


def _missing_of_growth(stores: Stores, app: App) -> Iterator[tuple[str, str]]:
    """What is missing of the events in an app's own Postgres, by asset."""
    if app.growth is None:
        return
    if waiting := PendingEvents.of(stores, app, app.growth).waiting()["events"]:
        yield "pending", f"{counted(waiting, 'event')}: clearlift run"
    windows = StaleWindows.of(stores, app, app.growth)
    kinds: dict[str, tuple[Kind, ...]] = {"aggregations": ("hour", "day"), "metrics": ("metrics",)}
    for name, made_of in kinds.items():
        starts = [start for kind in made_of for start in windows.stale(kind)]
        if starts:
            yield name, f"{counted(len(starts), 'changed window')} from {min(starts):%Y-%m-%d %H:%M}: clearlift run"


def _missing_of(stores: Stores, app: App, now: datetime) -> Iterator[tuple[Object, str]]:
    """What is missing of an app that collects events, by asset."""
    earliest, table = midnight(stores.settings.partitions_start), events_table(app)
    batches = len(pending(app, stores.object_store, stores.postgres))
    if batches:
        yield ("events", "ingested"), counted(batches, "landed batch", "landed batches")
    since = late.horizon(earliest, stores.settings.late_horizon, now)
    stale = late.stale(app, stores.postgres, since, now, earliest=earliest)
    too_old = str(late.beyond(app, stores.postgres, earliest, since))
    commits = unfollowed(app, stores.lake.table(table), stores.postgres) if stores.lake.exists(table) else 0
    behind = f"{counted(commits, 'commit')} not followed by the roll-ups: clearlift run" if commits else ""
    changed: dict[Grain | Period, list[datetime]] = {
        Grain.HOURLY: [start for window in stale.hours for start in window.steps(HOUR)],
        Grain.DAILY: [start for window in stale.days for start in window.steps(DAY)],
        Period.WEEKLY: [week.start for window in stale.weeks for week in Period.WEEKLY.covering(window)],
        Period.MONTHLY: [month.start for window in stale.months for month in Period.MONTHLY.covering(window)],
    }
    for grain, starts in changed.items():
        stated = (
            f"{counted(len(starts), f'changed {grain.column}')} from {starts[0]:%Y-%m-%d %H:%M}: clearlift run"
            if starts
            else ""
        )
        # Weeks and months are made of days, and follow no commit themselves.
        reasons = (stated, behind, too_old) if isinstance(grain, Grain) else (stated,)
        yield ("rollups", grain.value), "; ".join(filter(None, reasons))
    days = {("sessions", "daily"): sessions.stale(app, stores.postgres, since, now)}
    if app.ad_accounts is not None:
        # From the beginning: days that were rolled up by hand, because they are too old, are attributed by hand too.
        days["attribution", "touches"] = attribution.stale(app, stores.postgres, earliest, now)
    for asset, windows in days.items():
        starts = [start for window in windows for start in window.steps(DAY)]
        if starts:
            yield asset, f"{counted(len(starts), 'changed day')} from {starts[0]:%Y-%m-%d}"


def _lag(minutes: int) -> str:
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"

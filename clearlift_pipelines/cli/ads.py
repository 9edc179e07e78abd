"""Ads on the command line: syncs and backfills in this process, and a summary of what is stored.

What belongs here: which runs a command needs, and what it prints of them. What does not: the platforms of the sample
(sandbox.py), and options (backfill.py).
"""

from collections.abc import Iterable
from datetime import timedelta

import click
from dagster import JobExecutionResult

from assets.ads.assets import TABLES
from assets.ads.connection_assets import CONNECTIONS_OK
from assets.ads.connections import any_active
from assets.ads.plan import SyncMode
from assets.ads.sync import AdSync
from assets.apps import App
from assets.windows import DAY, Window, daily_key, midnight
from clearlift_pipelines.cli.execution import Workbench, workbench
from clearlift_pipelines.cli.sandbox import platforms
from clearlift_pipelines.cli.tables import JSON_ONLY, Columns, Table
from clearlift_pipelines.cli.terminal import terminal
from clearlift_pipelines.stores import Stores, utc_now
from resources.ad_platforms import PLATFORMS
from resources.counts import counted
from resources.declined import DeclinedError
from resources.sql_files import read_sql

SUMMARY = Columns(
    "ads",
    "run",
    {
        "app": JSON_ONLY,
        "platform": "platform",
        "accounts": "accounts",
        "campaigns": "campaigns",
        "ad_groups": "groups",
        "ads": "ads",
        "keywords": "keywords",
        "facts": "facts",
        "conversions": "conversions",
        "restated": "restated",
        "currencies": "currencies",
    },
)


def sync(bench: Workbench, app: App) -> None:
    """Sync every active connection of an app: the missing days before today, and today.

    Raises:
        click.ClickException: every connection of a platform failed; the others were synced, and all tables counted.
    """
    today = utc_now().date()
    first = max(bench.stores.settings.partitions_start, today - timedelta(days=1))
    config = {("ads", platform): {"mode": SyncMode.RECENT.value} for platform in PLATFORMS}
    days = daily_key(first), daily_key(today)
    failed = None
    try:
        bench.run(app, "ads", *days, config=config, assets=list(config))
    except click.ClickException as error:
        failed = error
    # A run of their own, because Dagster skips what depends on a failed asset, and these depend on every platform.
    bench.run(app, "ads", *days, assets=[("ads", name) for name in (*TABLES, "restatements")])
    if failed is not None:
        raise failed


def backfill(app: App, platform: str, connection: str | None, *, window: Window, chunks: Iterable[Window]) -> None:
    """Sync the metric days of a window from a platform, a chunk at a time.

    Raises:
        DeclinedError: the window cannot be synced, or the platform has no such connection.
        click.ClickException: connections failed.
    """
    with workbench() as bench:
        start = midnight(bench.stores.settings.partitions_start)
        latest = midnight(utc_now().date()) + DAY
        if window.start < start or window.end > latest:
            raise DeclinedError(
                "not all of these days can be synced", f"name days from {start:%Y-%m-%d} to {latest:%Y-%m-%d}"
            )
        bench.stores.prepare()
        if connection is not None:
            AdSync.of(bench.stores, app, PLATFORMS[platform]).connections.require(connection, [platform])
        bar = bench.bar("quarters of ads")
        parts = list(chunks)
        config = {("ads", platform): {"connection": connection, "mode": SyncMode.WINDOW.value}}
        assets = [("ads", name) for name in (platform, *TABLES)]
        failed: dict[str, None] = {}
        with platforms(bench.stores):
            for done, part in enumerate(parts):
                bar(done, len(parts))
                days = daily_key(part.start.date()), daily_key((part.end - DAY).date())
                failed |= dict.fromkeys(failures(bench.run(app, "ads", *days, config=config, assets=assets)))
        bar(len(parts), len(parts))
        if failed:
            raise click.ClickException("; ".join(failed))


def replay(app: App, platform: str, connection: str) -> None:
    """Merge the staged pages of a connection again; raises DeclinedError where there are none."""
    with terminal() as screen:
        screen.stores.prepare()
        progress = screen.bar("staged slices merged")
        merged = AdSync.of(screen.stores, app, PLATFORMS[platform], progress=progress).replay(connection)
        if not merged.pages:
            raise DeclinedError(
                f"nothing is staged of a {platform} connection {connection!r}",
                f"`clearlift backfill ads --platform {platform} --connection ID --from DAY --to DAY`",
            )
        screen.console.print(
            f"{counted(merged.pages, 'page')} merged again: {counted(merged.inserted, 'row')} inserted, "
            f"{merged.updated:,} updated, {merged.deleted:,} deleted"
        )
        for note, count in merged.notes.items():
            screen.console.print(f"{count:,} {note}")


def failures(result: JobExecutionResult) -> list[str]:
    """The descriptions of a run's failed connections, platform by platform."""
    checks = result.get_asset_check_evaluations()
    return [str(check.description) for check in checks if check.check_name == CONNECTIONS_OK and not check.passed]


def can_be_asked(stores: Stores, app: App) -> bool:
    """Whether an app has an active connection whose platform, or a sandbox of it, can be reached."""
    return (
        app.ad_accounts is not None
        and any_active(app.ad_accounts, stores.d1(app))
        and bool(stores.ad_origin or not stores.settings.embedded)
    )


def summary(stores: Stores, app: App) -> Table:
    """What is stored of an app's ads, platform by platform."""
    table = SUMMARY.table()
    for row in stores.postgres.fetch(read_sql("ads/summary.sql"), {"app": app.name}):
        table.add(**{name: app.name if name == "app" else row[name] for name in SUMMARY.heads})
    return table

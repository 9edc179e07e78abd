"""Attribution on the command line: days made here and now, with the platforms asked for clicks where there are any."""

from collections.abc import Iterable
from datetime import datetime

import click

from assets.windows import DAY, Window, daily_key, midnight
from clearlift_pipelines.cli import ads
from clearlift_pipelines.cli.execution import Workbench, workbench
from clearlift_pipelines.stores import utc_now


def make(bench: Workbench, windows: Iterable[Window]) -> None:
    """Make whole days; clicks are asked for where the platforms, or a sandbox of them, can be reached."""
    stores = bench.stores
    reachable = ads.has_connections(stores) and (stores.ad_origin or not stores.settings.embedded)
    names = ["touches", "clicks", "daily"] if reachable else ["touches", "daily"]
    for days in windows:
        first, last = daily_key(days.start.date()), daily_key((days.end - DAY).date())
        bench.run("attribution", first, last, assets=[["clearlift", "attribution", name] for name in names])


def backfill(window: Window, chunks: Iterable[Window]) -> None:
    """Make the days of a window again, a chunk at a time; raises click.ClickException where they cannot be made."""
    with workbench() as bench:
        start = midnight(bench.stores.settings.partitions_start)
        latest = midnight(utc_now().date()) + DAY
        if window.start < start or window.end > latest:
            raise click.ClickException(f"attribution from {start:%Y-%m-%d} to {latest:%Y-%m-%d} can be made")
        bench.stores.migrate()
        with ads.platforms(bench.stores):
            make(bench, chunks)


def today() -> Window:
    """The day in progress, UTC."""
    start: datetime = midnight(utc_now().date())
    return Window(start, start + DAY)

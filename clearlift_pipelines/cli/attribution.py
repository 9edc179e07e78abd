"""Attribution on the command line: days made in this process, with clicks requested where a platform can be reached.

What belongs here: which runs a command needs. What does not: options (backfill.py).
"""

from collections.abc import Iterable

from assets.apps import App
from assets.windows import DAY, Window, daily_key, day_window, midnight
from clearlift_pipelines.cli import ads
from clearlift_pipelines.cli.execution import Workbench, workbench
from clearlift_pipelines.cli.sandbox import platforms
from clearlift_pipelines.stores import utc_now
from resources.declined import DeclinedError


def make(bench: Workbench, app: App, windows: Iterable[Window]) -> None:
    """Make whole days of an app; clicks are requested where a platform, or a sandbox of it, can be reached."""
    names = ["touches", "clicks", "daily"] if ads.can_be_asked(bench.stores, app) else ["touches", "daily"]
    for window in windows:
        first, last = daily_key(window.start.date()), daily_key((window.end - DAY).date())
        bench.run(app, "attribution", first, last, assets=[("attribution", name) for name in names])


def backfill(app: App, window: Window, chunks: Iterable[Window]) -> None:
    """Make the days of a window again, a chunk at a time; raises DeclinedError where they cannot be made."""
    with workbench() as bench:
        start = midnight(bench.stores.settings.partitions_start)
        latest = midnight(utc_now().date()) + DAY
        if window.start < start or window.end > latest:
            raise DeclinedError(
                "not all of these days can be attributed", f"name days from {start:%Y-%m-%d} to {latest:%Y-%m-%d}"
            )
        bench.stores.prepare()
        with platforms(bench.stores):
            make(bench, app, chunks)


def today() -> Window:
    """The day in progress, UTC."""
    return day_window(utc_now().date())

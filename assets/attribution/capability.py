"""What the attribution room brings: yesterday's credits by the clock, and changed days again.

What belongs here: the job, its tick and its watch. What does not: the assets themselves (assets.py).
"""

from collections.abc import Iterator
from datetime import datetime

from dagster import AssetSelection

from assets.apps import App
from assets.attribution import assets
from assets.attribution.late import stale
from assets.capability import Capability, Job, Request, Site, Tick, Watch
from assets.rollups.late import horizon
from assets.windows import DAY, daily_key, midnight


def bring(app: App, site: Site) -> Capability:
    """What it brings for one app; empty where web events are not attributed to campaigns."""
    graph = assets.build(app, site.calendar)
    if not graph:
        return Capability()
    return Capability(
        assets=graph,
        jobs=[
            Job(
                "attribution",
                AssetSelection.groups(f"{app.name}_attribution"),
                "Touches and conversions of days, the campaigns of their clicks, and the credits; a range as one run.",
            )
        ],
        ticks=[
            Tick(
                "attribution_daily",
                "55 0 * * *",
                "attribution",
                "At 00:55, yesterday's touches, conversions and credits.",
                _yesterday,
            )
        ],
        watches=[
            Watch(
                "late_attribution",
                ("attribution",),
                "Makes the attribution of changed days again.",
                lambda _: _late(app, site),
            )
        ],
    )


def _yesterday(at: datetime) -> list[Request]:
    key = daily_key((at - DAY).date())
    return [Request(partitions=(key, key))]


def _late(app: App, site: Site) -> Iterator[Request | str]:
    rooms, now = site.rooms, site.rooms.clock()
    since = horizon(midnight(site.calendar.start), site.late_horizon, now)
    windows = stale(app, rooms.postgres, since, now)
    for window in windows:
        first, last = daily_key(window.start.date()), daily_key((window.end - DAY).date())
        # The hour in the key requests again what an earlier run failed to make.
        yield Request(f"{first}-{last}-{now:%Y-%m-%dT%H}", (first, last))
    if not windows:
        yield "No attributed day has changed since."

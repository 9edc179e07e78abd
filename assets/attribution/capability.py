"""What the attribution room brings: yesterday's credits by the clock, and changed days again.

What belongs here: the job, its tick and its watch. What does not: the assets themselves (assets.py).
"""

from collections.abc import Iterator
from datetime import datetime

from dagster import AssetSelection

from assets.apps import App
from assets.attribution import assets
from assets.attribution.late import stale
from assets.capability import Capability, Job, Request, Site, Tick, Watch, days_again, one_day
from assets.rollups.late import horizon
from assets.windows import DAY, midnight


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
    return [one_day((at - DAY).date())]


def _late(app: App, site: Site) -> Iterator[Request | str]:
    rooms, now = site.rooms, site.rooms.clock()
    since = horizon(midnight(site.calendar.start), site.late_horizon, now)
    windows = stale(app, rooms.postgres, since, now)
    yield from days_again(windows, now)
    if not windows:
        yield "No attributed day has changed since."

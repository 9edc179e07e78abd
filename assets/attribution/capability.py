"""What the attribution room brings: today's and yesterday's credits by the clock, and changed days again.

What belongs here: the job, its tick and its watch. What does not: the assets themselves (assets.py).
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from dagster import AssetSelection

from assets.apps import App
from assets.attribution import assets, health
from assets.attribution.late import built, stale
from assets.capability import AfterGap, Capability, Job, Request, Site, Tick, Watch, days_again, made_up, one_day
from assets.rollups.follow import followed
from assets.rollups.late import horizon
from assets.windows import DAY, Window, daily_key, midnight, missing


def bring(app: App, site: Site) -> Capability:
    """What it brings for one app; empty where web events are not attributed to campaigns."""
    graph = assets.build(app, site.calendar, site.late_horizon)
    if not graph:
        return Capability()
    return Capability(
        assets=graph,
        jobs=[
            Job(
                "attribution",
                AssetSelection.groups(f"{app.name}_attribution"),
                "Touches and conversions of days, the campaigns of their clicks, and the credits; a range as one run.",
                timedelta(hours=2),
            )
        ],
        ticks=[
            Tick(
                "attribution_today",
                "25 * * * *",
                "attribution",
                "At hh:25, the day in progress, because its spend shows already.",
                AfterGap.SKIPS,
                lambda at: [one_day(at.date())],
            ),
            Tick(
                "attribution_daily",
                "55 0 * * *",
                "attribution",
                "At 00:55, yesterday's touches, conversions and credits.",
                AfterGap.CATCHES_UP,
                lambda at: _missing(app, site, at),
            ),
        ],
        watches=[
            Watch(
                "late_attribution",
                ("attribution",),
                "Makes the attribution of changed days again.",
                lambda _: _late(app, site),
            )
        ],
        health=health.checks(app, site),
    )


def _missing(app: App, site: Site, at: datetime) -> Iterator[Request]:
    since, today = horizon(midnight(site.calendar.start), site.late_horizon, at), midnight(at.date())
    days = list(Window(since, max(since, today)).days())
    return made_up(missing(days, built(app, site.rooms.postgres, since)), today - DAY, daily_key)


def _late(app: App, site: Site) -> Iterator[Request | str]:
    rooms, now = site.rooms, site.rooms.clock()
    since = horizon(midnight(site.calendar.start), site.late_horizon, now)
    windows = stale(app, rooms.postgres, since, now, site.late_pause)
    yield from days_again(windows, followed(app, rooms.postgres))
    if not windows:
        yield "No attributed day has changed since."

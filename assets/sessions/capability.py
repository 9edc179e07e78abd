"""What the room of sessions brings: yesterday's sessions by the clock, and again where late data changed their days.

What does not belong here: which days are stale, and building them (build.py).
"""

from collections.abc import Iterator
from datetime import date, datetime

from dagster import AssetSelection

from assets.apps import App
from assets.capability import Capability, Job, Request, Site, Tick, Watch, days_again
from assets.rollups.late import horizon
from assets.sessions import assets
from assets.sessions.build import stale
from assets.windows import DAY, daily_key, midnight


def bring(app: App, site: Site) -> Capability:
    """Nothing for an app that collects no events."""
    if app.audience is None:
        return Capability()
    return Capability(
        assets=assets.build(app, site.calendar),
        jobs=[
            Job(
                "sessions",
                AssetSelection.groups(f"{app.name}_sessions"),
                "Build the sessions of days; a range as one run.",
            )
        ],
        ticks=[
            Tick(
                "sessions_daily",
                "40 0 * * *",
                "sessions",
                "At 00:40, yesterday's sessions, and again those of the day before, as some went on past midnight.",
                lambda at: [_two_days(at, site.calendar.start)],
            )
        ],
        watches=[
            Watch(
                "late_sessions",
                ("sessions",),
                "Requests the sessions of days that changed again.",
                lambda _: _late(app, site),
            )
        ],
    )


def _two_days(at: datetime, earliest: date) -> Request:
    yesterday = (at - DAY).date()
    return Request(partitions=(daily_key(max(earliest, yesterday - DAY)), daily_key(yesterday)))


def _late(app: App, site: Site) -> Iterator[Request | str]:
    rooms, now = site.rooms, site.rooms.clock()
    since = horizon(midnight(site.calendar.start), site.late_horizon, now)
    windows = stale(app, rooms.postgres, since, now)
    yield from days_again(windows, now)
    if not windows:
        yield "No day whose sessions were built has changed since."

"""What the room of sessions brings: yesterday's sessions by the clock, and again where late data changed their days.

What does not belong here: which days are stale, and building them (build.py).
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from dagster import AssetSelection

from assets.apps import App
from assets.capability import AfterGap, Capability, Job, Request, Site, Tick, Watch, days_again, made_up
from assets.rollups.follow import followed
from assets.rollups.late import horizon
from assets.sessions import assets
from assets.sessions.build import built, stale
from assets.windows import DAY, Window, daily_key, midnight, missing


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
                timedelta(hours=2),
            )
        ],
        ticks=[
            Tick(
                "sessions_daily",
                "40 0 * * *",
                "sessions",
                "At 00:40, yesterday's sessions, and again those of the day before, as some went on past midnight.",
                AfterGap.CATCHES_UP,
                lambda at: _missing(app, site, at),
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


def _missing(app: App, site: Site, at: datetime) -> Iterator[Request]:
    since, today = horizon(midnight(site.calendar.start), site.late_horizon, at), midnight(at.date())
    days = list(Window(since, max(since, today)).days())
    # A day is final a day after its end, because its last sessions go on past midnight.
    return made_up(missing(days, built(app, site.rooms.postgres, since), DAY), today - 2 * DAY, daily_key)


def _late(app: App, site: Site) -> Iterator[Request | str]:
    rooms, now = site.rooms, site.rooms.clock()
    since = horizon(midnight(site.calendar.start), site.late_horizon, now)
    windows = stale(app, rooms.postgres, since, now, site.late_pause)
    yield from days_again(windows, followed(app, rooms.postgres))
    if not windows:
        yield "No day whose sessions were built has changed since."

"""What the room of roll-ups brings: hours, days, weeks and months by the clock, and again where late data changed them.

What does not belong here: which windows are late (late.py), and building them.
"""

from collections.abc import Callable, Iterator
from datetime import datetime

from dagster import AssetSelection

from assets.apps import App
from assets.capability import Capability, Job, Request, Site, Tick, Watch, assets_of, one_day
from assets.events.table import events_table
from assets.rollups import assets, late
from assets.rollups.follow import follow
from assets.rollups.periods import Period
from assets.windows import DAY, HOUR, daily_key, floor_hour, hourly_key, midnight

PERIOD_JOBS = {Period.WEEKLY: "roll_up_weeks", Period.MONTHLY: "roll_up_months"}


def bring(app: App, site: Site) -> Capability:
    """Nothing for an app that collects no events."""
    if app.audience is None:
        return Capability()
    hours, days = assets_of(app, ("rollups", "hourly")), assets_of(app, ("rollups", "daily"))
    dashboards = days.downstream(depth=1) & AssetSelection.groups(f"{app.name}_cache")
    return Capability(
        assets=assets.build(app, site.calendar, site.late_horizon),
        jobs=[
            Job(
                "hourly",
                assets_of(app, ("events", "compacted")) | hours,
                "Compact the lake, then roll up an hour.",
            ),
            Job("roll_up_hours", hours, "Roll up hours again: late data and backfills, a range as one run."),
            Job(
                "roll_up_days",
                days | dashboards,
                "Roll up days, then update the caches that are made of them; a range as one run.",
            ),
            Job(
                "roll_up_weeks",
                assets_of(app, ("rollups", "weekly")),
                "Roll up weeks from their days; a range as one run.",
            ),
            Job(
                "roll_up_months",
                assets_of(app, ("rollups", "monthly")),
                "Roll up months from their days; a range as one run.",
            ),
        ],
        ticks=_TICKS,
        watches=[
            Watch(
                "late_data",
                ("roll_up_hours", "roll_up_days", "roll_up_weeks", "roll_up_months"),
                "Follows the commits of the lake, and requests every window that changed after its roll-up.",
                lambda warn: _late(app, site, warn),
            )
        ],
    )


def _hour_before(at: datetime) -> list[Request]:
    key = hourly_key(floor_hour(at) - HOUR)
    return [Request(partitions=(key, key))]


def _day(at: datetime) -> list[Request]:
    return [one_day(at.date())]


def _yesterday(at: datetime) -> list[Request]:
    return _day(at - DAY)


def _period(period: Period) -> Callable[[datetime], list[Request]]:
    def of_yesterday(at: datetime) -> list[Request]:
        return [one_day(period.of((at - DAY).date()).start.date())]

    return of_yesterday


_TICKS = (
    Tick("hourly", "10 * * * *", "hourly", "At hh:10, the hour that ended: compaction and its roll-up.", _hour_before),
    Tick("today", "20 * * * *", "roll_up_days", "At hh:20, the day in progress and its caches.", _day),
    Tick("daily", "30 0 * * *", "roll_up_days", "At 00:30, the day that ended: its final build.", _yesterday),
    Tick(
        "weekly",
        "45 0 * * *",
        "roll_up_weeks",
        "At 00:45, yesterday's week: on Mondays the final build of the one that ended.",
        _period(Period.WEEKLY),
    ),
    Tick(
        "monthly",
        "50 0 * * *",
        "roll_up_months",
        "At 00:50, yesterday's month: on the 1st the final build of the one that ended.",
        _period(Period.MONTHLY),
    ),
)


def _late(app: App, site: Site, warn: Callable[[str], None]) -> Iterator[Request | str]:
    rooms, earliest = site.rooms, midnight(site.calendar.start)
    follow(app, rooms.lake.table(events_table(app)), rooms.postgres, rooms.clock)
    now = rooms.clock()
    since = late.horizon(earliest, site.late_horizon, now)
    stale = late.stale(app, rooms.postgres, since, now, earliest=earliest)
    too_old = str(late.beyond(app, rooms.postgres, earliest, since))
    if too_old:
        warn(too_old)
    if not stale:
        yield " ".join(filter(None, ["No window that was rolled up has changed since.", too_old]))
        return
    # With the hour in the key, what an earlier run failed to build is requested again.
    key = f"{max(stale.commit, 0)}-{now:%Y-%m-%dT%H}"
    for window in stale.hours:
        yield _range("roll_up_hours", key, hourly_key(window.start), hourly_key(window.end - HOUR))
    for window in stale.days:
        yield _range("roll_up_days", key, daily_key(window.start.date()), daily_key((window.end - DAY).date()))
    # A week or month waits for its days: with a stale one, it would be built twice.
    for period, job in PERIOD_JOBS.items():
        for window in stale.ready(period):
            first, last = map(daily_key, period.ends(window))
            yield _range(job, key, first, last)


def _range(job: str, key: str, first: str, last: str) -> Request:
    return Request(f"{job}-{first}-{last}-{key}", (first, last), job=job)

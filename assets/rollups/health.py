"""What of the roll-ups is wrong: events that none of them counts, commits that nobody followed, windows left changed.

What does not belong here: making windows again; which are late is in late.py.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from assets.apps import App
from assets.capability import Site
from assets.events.table import events_table
from assets.finding import Finding, HealthCheck, Severity
from assets.rollups import late
from assets.rollups.follow import unfollowed
from assets.windows import DAY, HOUR, Window, midnight
from resources.counts import counted


def checks(app: App, site: Site) -> list[HealthCheck]:
    """The looks at the roll-ups of an app that collects events."""
    patience = timedelta(minutes=site.thresholds.window_minutes)
    lake = ("postgres schema", f"{app.name}-lake")
    return [
        HealthCheck(app.name, "events_in_no_rollup", lambda now: _in_none(app, site, now)),
        HealthCheck(app.name, "commits_not_followed", lambda _: _not_followed(app, site), lake, patience),
        HealthCheck(app.name, "changed_windows", lambda now: _changed(app, site, now), patience=patience),
    ]


def _in_none(app: App, site: Site, now: datetime) -> Iterator[Finding]:
    earliest = midnight(site.calendar.start)
    since = late.horizon(earliest, site.late_horizon, now)
    found = late.beyond(app, site.rooms.postgres, earliest, since)
    for window in found.days:
        days = counted(sum(1 for _ in window.days()), "day")
        if events := found.events_of(window):
            came = counted(events, "late event is in no roll-up", "late events are in no roll-up")
            said = f"{came}: their {days} from {window.start:%Y-%m-%d} on are too old to be made again by themselves"
        else:
            said = f"{days} from {window.start:%Y-%m-%d} on changed, and are too old to be made again by themselves"
        yield Finding(f"days from {window.start:%Y-%m-%d}", said, _command(app, found, window), Severity.CRITICAL)


def _command(app: App, found: late.LateDays, window: Window) -> str:
    if restores := found.restores(window):
        return restores
    return f"clearlift backfill rollups --app {app.name} --from {window.start:%Y-%m-%d} --to {window.end:%Y-%m-%d}"


def _not_followed(app: App, site: Site) -> Iterator[Finding]:
    table = events_table(app)
    commits = unfollowed(app, site.rooms.lake.table(table), site.rooms.postgres)
    if commits:
        said = f"{counted(commits, 'commit')} of the lake are not followed, so that no roll-up knows their events"
        yield Finding("rollups", said, "clearlift run --no-sample", Severity.CRITICAL)


def _changed(app: App, site: Site, now: datetime) -> Iterator[Finding]:
    earliest = midnight(site.calendar.start)
    since = late.horizon(earliest, site.late_horizon, now)
    stale = late.stale(app, site.rooms.postgres, since, now, earliest=earliest, pause=site.late_pause)
    for job, windows, step in (
        ("roll_up_hours", stale.hours, HOUR),
        ("roll_up_days", stale.days, DAY),
        ("roll_up_weeks", stale.weeks, DAY),
        ("roll_up_months", stale.months, DAY),
    ):
        if windows:
            first, end = windows[0].start, windows[-1].end
            form = "%Y-%m-%dT%H" if step == HOUR else "%Y-%m-%d"
            said = f"{counted(len(windows), 'range')} from {first:%Y-%m-%d %H:%M} on changed and was not made again"
            yield Finding(job, said, f"clearlift job {job} --app {app.name} --from {first:{form}} --to {end:{form}}")
    if late.of_today(app, site.rooms.postgres, now):
        yield Finding("today", "what landed is not in the windows of today", f"clearlift job today --app {app.name}")

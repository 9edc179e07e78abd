"""What of attribution is wrong: days that changed and are too old to be made again by themselves.

What does not belong here: making them again (build.py), and younger days, which a sensor asks for.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from assets.apps import App
from assets.attribution import late
from assets.capability import Site
from assets.finding import Finding, HealthCheck, Severity
from assets.windows import Window, midnight
from resources.counts import counted


def checks(app: App, site: Site) -> list[HealthCheck]:
    """The look at the days of an app with ad accounts."""
    # Their roll-ups are a finding of their own, and are made first.
    patience = timedelta(minutes=site.thresholds.window_minutes)
    return [HealthCheck(app.name, "unattributed_days", lambda now: _old(app, site, now), patience=patience)]


def _old(app: App, site: Site, now: datetime) -> Iterator[Finding]:
    earliest = midnight(site.calendar.start)
    until = Window(earliest, max(earliest, midnight((now - site.late_horizon).date())))
    for window in late.stale(app, site.rooms.postgres, earliest, now):
        if (days := window.clipped(until)) is not None:
            number = counted(sum(1 for _ in days.days()), "day")
            said = f"{number} from {days.start:%Y-%m-%d} on changed, and no campaign was credited again"
            command = f"--app {app.name} --from {days.start:%Y-%m-%d} --to {days.end:%Y-%m-%d}"
            subject = f"days from {days.start:%Y-%m-%d}"
            yield Finding(subject, said, f"clearlift backfill attribution {command}", Severity.WARNING)

"""What of the events in an app's own Postgres is wrong: those that wait to be counted.

What does not belong here: counting them (pending.py).
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from assets.apps import App, Growth
from assets.capability import Site
from assets.finding import Finding, HealthCheck, Severity
from assets.growth.pending import PendingEvents
from resources.counts import counted


def checks(app: App, growth: Growth, site: Site) -> list[HealthCheck]:
    """The look at the queue of an app."""
    needs = (f"{app.name}-postgres schema",)
    return [HealthCheck(app.name, "events_wait", lambda now: _waiting(app, growth, site, now), needs)]


def _waiting(app: App, growth: Growth, site: Site, now: datetime) -> Iterator[Finding]:
    waiting = PendingEvents.of(site.rooms, app, growth).waiting()
    since = waiting["since"].astimezone(UTC) if waiting["since"] is not None else now
    if now - since > timedelta(minutes=site.thresholds.pending_minutes):
        said = f"{counted(waiting['events'], 'event waits', 'events wait')} to be counted"
        command = f"clearlift job pending_events --app {app.name}"
        yield Finding("analytics/pending", said, command, Severity.CRITICAL, since)

"""What of requests to be erased is wrong: those near their deadline.

What does not belong here: carrying them out (run.py).
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from assets.apps import App
from assets.capability import Site
from assets.erasure.assets import IN_TIME
from assets.erasure.requests import Requests
from assets.finding import Finding, HealthCheck, Severity


def checks(app: App, site: Site) -> list[HealthCheck]:
    """The look at the open requests of an app."""
    return [HealthCheck(app.name, "erasure_due", lambda now: _near(app, site, now), covers=(IN_TIME,))]


def _near(app: App, site: Site, now: datetime) -> Iterator[Finding]:
    near = timedelta(days=site.thresholds.erasure_days)
    for request in Requests(app, site.rooms.postgres, lambda: site.rooms.keyring).all():
        if request.is_open and request.deadline <= now + near:
            said = f"it is {request.state} and {'was' if request.deadline <= now else 'is'} due"
            yield Finding(
                f"request {request.id}",
                f"{said} {request.deadline:%Y-%m-%d}",
                f"clearlift job erase --app {app.name}",
                Severity.CRITICAL,
            )

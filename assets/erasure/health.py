"""What of requests to be erased is wrong: those near their deadline, also where nobody took them over.

What does not belong here: carrying them out (run.py).
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

from assets.apps import App
from assets.capability import Site
from assets.erasure.assets import IN_TIME
from assets.erasure.deadlines import deadline
from assets.erasure.requests import Requests
from assets.finding import Finding, HealthCheck, Severity
from assets.privacy.requests_table import Room, has_requests, requests_of
from resources.d1.times import moment


def checks(app: App, site: Site) -> list[HealthCheck]:
    """The looks at the requests of an app, and at those that lie in the application's table."""
    found = [HealthCheck(app.name, "erasure_due", lambda now: _near(app, site, now), covers=(IN_TIME,))]
    return [*found, *untaken(app, site, "erasure", _again(app))]


def untaken(app: App, site: Site, room: Room, command: str) -> list[HealthCheck]:
    """The look at requests of a room that nobody took over, where an application can put any."""
    if not has_requests(app):
        return []
    needs = f"{app.name}-{'d1' if app.d1_migrations is not None else 'postgres'} schema"
    look = partial(_untaken, app, site, room, command)
    return [HealthCheck(app.name, f"{room}_untaken", look, ("postgres schema", needs))]


def _again(app: App) -> str:
    return f"clearlift job erase --app {app.name}"


def _untaken(app: App, site: Site, room: Room, command: str, now: datetime) -> Iterator[Finding]:
    near = timedelta(days=site.thresholds.erasure_days)
    for row in requests_of(site.rooms, app, room).read("requested"):
        asked = row["requested_at"]
        at = asked if isinstance(asked, datetime) else moment(asked)
        due = deadline(at if at.tzinfo else at.replace(tzinfo=UTC))
        if due <= now + near:
            said = f"nothing has become of it, and it {'was' if due <= now else 'is'} due {due:%Y-%m-%d}"
            yield Finding(f"{room} {row['id']}", said, command, Severity.CRITICAL)


def _near(app: App, site: Site, now: datetime) -> Iterator[Finding]:
    near = timedelta(days=site.thresholds.erasure_days)
    for request in Requests.of(site.rooms, app).all():
        if request.is_open and request.deadline <= now + near:
            said = f"it is {request.state} and {'was' if request.deadline <= now else 'is'} due"
            yield Finding(
                f"request {request.id}", f"{said} {request.deadline:%Y-%m-%d}", _again(app), Severity.CRITICAL
            )

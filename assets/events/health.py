"""What of ingestion is wrong: batches that wait, and lines that are refused more than usual.

What does not belong here: taking them (ingest.py).
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from assets.apps import App
from assets.capability import Site
from assets.events.ingest import pending
from assets.finding import Finding, HealthCheck
from assets.intake import faults
from resources.sql_files import read_sql


def checks(app: App, site: Site) -> list[HealthCheck]:
    """The looks at what lands of an app that collects events."""
    return [
        HealthCheck(
            app.name, "batches_wait", lambda now: _waiting(app, site, now), ("postgres schema", "object store")
        ),
        HealthCheck(app.name, "refused_lines", lambda now: _refused(app, site, now)),
    ]


def _waiting(app: App, site: Site, now: datetime) -> Iterator[Finding]:
    batches = pending(app, site.rooms.object_store, site.rooms.postgres)
    longest = timedelta(minutes=site.thresholds.batch_minutes)
    yield from faults.waits(batches, longest, "events/ingested", f"clearlift job ingest --app {app.name}", now)


def _refused(app: App, site: Site, now: datetime) -> Iterator[Finding]:
    given = {"app": app.name, "since": now - faults.LATELY}
    for row in site.rooms.postgres.fetch(read_sql("events/refused_lately.sql"), given):
        since, replay = row["since"].astimezone(UTC), f"clearlift quarantine replay --app {app.name}"
        yield from faults.refused(row, since, site.thresholds, replay, "quarantine")

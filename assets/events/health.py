"""What of ingestion is wrong: batches that wait, and lines that are refused more than usual.

What does not belong here: taking them (ingest.py).
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from assets.apps import App
from assets.capability import Site
from assets.events.ingest import pending
from assets.events.stream import Stream
from assets.finding import Finding, HealthCheck, Severity
from assets.intake import faults
from resources.counts import counted
from resources.sql_files import read_sql


def checks(app: App, site: Site) -> list[HealthCheck]:
    """The looks at what lands of an app that collects events."""
    return [
        HealthCheck(
            app.name, "batches_wait", lambda now: _waiting(app, site, now), ("postgres schema", "object store")
        ),
        HealthCheck(
            app.name, "stream_waits", lambda now: _stream(app, site, now), ("postgres schema", f"{app.name}-lake")
        ),
        HealthCheck(app.name, "refused_lines", lambda now: _refused(app, site, now)),
    ]


def _waiting(app: App, site: Site, now: datetime) -> Iterator[Finding]:
    batches = pending(app, site.rooms.object_store, site.rooms.postgres)
    longest = timedelta(minutes=site.thresholds.batch_minutes)
    yield from faults.waits(batches, longest, "events/ingested", f"clearlift job ingest --app {app.name}", now)


def _stream(app: App, site: Site, now: datetime) -> Iterator[Finding]:
    stream = Stream.of(site.rooms, app)
    waiting = stream.waiting() if stream is not None else []
    oldest = datetime.fromtimestamp(waiting[0].at_ms / 1000, UTC) if waiting else now
    if stream is not None and now - oldest > timedelta(minutes=site.thresholds.batch_minutes):
        said = f"{counted(len(waiting), 'commit')} of {stream.table.name} and the oldest has not landed"
        yield Finding("events/streamed", said, f"clearlift job stream --app {app.name}", Severity.CRITICAL, oldest)


def _refused(app: App, site: Site, now: datetime) -> Iterator[Finding]:
    given = {"app": app.name, "since": now - faults.LATELY}
    for row in site.rooms.postgres.fetch(read_sql("events/refused_lately.sql"), given):
        since, replay = row["since"].astimezone(UTC), f"clearlift quarantine replay --app {app.name}"
        yield from faults.refused(row, since, site.thresholds, replay, "quarantine")

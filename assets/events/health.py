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
from resources.counts import counted
from resources.sql_files import read_sql

LATELY = timedelta(days=1)


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
    oldest = min((batch.last_modified for batch in batches), default=now).astimezone(UTC)
    if now - oldest > timedelta(minutes=site.thresholds.batch_minutes):
        size = sum(batch.size for batch in batches) / 2**20
        said = f"{counted(len(batches), 'landed batch', 'landed batches')} ({size:,.1f} MiB) and the oldest waits"
        yield Finding(
            "events/ingested", f"{said} too long", f"clearlift job ingest --app {app.name}", Severity.CRITICAL, oldest
        )


def _stream(app: App, site: Site, now: datetime) -> Iterator[Finding]:
    stream = Stream.of(site.rooms, app)
    waiting = stream.waiting() if stream is not None else []
    oldest = datetime.fromtimestamp(waiting[0].at_ms / 1000, UTC) if waiting else now
    if stream is not None and now - oldest > timedelta(minutes=site.thresholds.batch_minutes):
        said = f"{counted(len(waiting), 'commit')} of {stream.table.name} and the oldest has not landed"
        yield Finding("events/streamed", said, f"clearlift job stream --app {app.name}", Severity.CRITICAL, oldest)


def _refused(app: App, site: Site, now: datetime) -> Iterator[Finding]:
    given = {"app": app.name, "since": now - LATELY}
    limits = site.thresholds
    for row in site.rooms.postgres.fetch(read_sql("events/refused_lately.sql"), given):
        refused, received = row["refused"], row["received"]
        if refused >= limits.refused_lines and refused > limits.refused_share * received:
            said = f"{refused:,} of {counted(received, 'line')} of a day are refused, most of them as {row['reason']}"
            command = f"clearlift quarantine replay --app {app.name} --reason {row['reason']}"
            yield Finding("quarantine", said, command, since=row["since"].astimezone(UTC))

"""What the events room brings: ingestion of what has landed, as it lands, and of the whole landing zone daily."""

from collections.abc import Callable, Iterator
from datetime import timedelta

from assets.apps import App
from assets.capability import AfterGap, Capability, Job, Request, Site, Tick, Watch, assets_of
from assets.events import assets, health, stream_assets
from assets.events.ingest import pending
from assets.events.stream import Stream


def bring(app: App, site: Site) -> Capability:
    """Empty for an app without an audience."""
    if app.audience is None:
        return Capability()
    ingested = ("events", "ingested")

    def landed(_warn: Callable[[str], None]) -> Iterator[Request | str]:
        batches = pending(app, site.rooms.object_store, site.rooms.postgres)
        if not batches:
            yield "Nothing has landed."
            return
        newest = max(batches, key=lambda o: (o.last_modified, o.key))
        yield Request(state=f"{newest.key}-{newest.etag}-{len(batches)}")

    def committed(_warn: Callable[[str], None]) -> Iterator[Request | str]:
        stream = Stream.of(site.rooms, app)
        waiting = stream.waiting() if stream is not None else []
        if not waiting:
            yield "No second source of events is set." if stream is None else "Every commit of the stream has landed."
            return
        yield Request(state=str(waiting[-1].snapshot_id))

    return Capability(
        assets=[*stream_assets.build(app), *assets.build(app, site.calendar)],
        jobs=[
            Job(
                "ingest",
                assets_of(app, ingested),
                "Take what has landed into the lake.",
                timedelta(hours=1),
                alone=True,
            ),
            Job(
                "stream",
                assets_of(app, stream_assets.KEY),
                "Land what another program appended to a table of the lake.",
                timedelta(hours=1),
                alone=True,
            ),
        ],
        ticks=[
            Tick(
                "sweep",
                "0 4 * * *",
                "ingest",
                "Daily, the whole landing zone: batches that landed under an hour that no other run lists any more.",
                AfterGap.LATEST,
                lambda _: [Request(config={ingested: assets.IngestConfig(sweep=True)})],
            )
        ],
        # Twice as often as others, because what has landed waits for it, after the death of a process too.
        watches=[
            Watch("landing", ("ingest",), "Asks for an ingest as soon as a batch has landed.", landed, seconds=30),
            Watch("stream", ("stream",), "Asks for a landing as soon as the stream's table has a commit.", committed),
        ],
        health=health.checks(app, site),
    )

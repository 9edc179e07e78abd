"""What the events room brings: ingestion of what has landed, as it lands, and of the whole landing zone daily."""

from collections.abc import Callable, Iterator
from datetime import timedelta

from assets.apps import App
from assets.capability import AfterGap, Capability, Job, Request, Site, Tick, Watch, assets_of
from assets.events import assets, health
from assets.events.ingest import pending


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

    return Capability(
        assets=assets.build(app, site.calendar),
        jobs=[
            Job(
                "ingest",
                assets_of(app, ingested),
                "Take what has landed into the lake.",
                timedelta(hours=1),
                alone=True,
            )
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
            Watch("landing", ("ingest",), "Asks for an ingest as soon as a batch has landed.", landed, seconds=30)
        ],
        health=health.checks(app, site),
    )

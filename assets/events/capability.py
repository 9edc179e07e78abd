"""What the events room brings: taking what has landed into the lake. By itself that is the first step of a run of today
(assets/rollups/capability.py).
"""

from collections.abc import Callable, Iterator
from datetime import timedelta

from assets.apps import App
from assets.capability import Capability, Job, Request, Site, Watch, assets_of
from assets.events import assets, health, stream_assets
from assets.events.stream import Stream


def bring(app: App, site: Site) -> Capability:
    """Empty for an app without an audience."""
    if app.audience is None:
        return Capability()

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
                assets_of(app, ("events", "ingested")),
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
        watches=[
            Watch("stream", ("stream",), "Asks for a landing as soon as the stream's table has a commit.", committed),
        ],
        health=health.checks(app, site),
    )

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

    has_stream = site.rooms.event_stream(app) is not None
    streamed = _streamed(app, site) if has_stream else Capability()
    return Capability(
        assets=[*streamed.assets, *assets.build(app, site.calendar, has_stream=has_stream)],
        jobs=[
            Job(
                "ingest",
                assets_of(app, ("events", "ingested")),
                "Take what has landed into the lake.",
                timedelta(hours=1),
                alone=True,
            ),
            *streamed.jobs,
        ],
        watches=streamed.watches,
        health=health.checks(app, site),
    )


def _streamed(app: App, site: Site) -> Capability:
    def committed(_warn: Callable[[str], None]) -> Iterator[Request | str]:
        stream = Stream.of(site.rooms, app)
        waiting = stream.waiting() if stream is not None else []
        if waiting:
            yield Request(state=str(waiting[-1].snapshot_id))
        else:
            yield "Every commit of the stream has landed."

    return Capability(
        assets=[stream_assets.build(app)],
        jobs=[
            Job(
                "stream",
                assets_of(app, stream_assets.KEY),
                "Land what another program appended to a table of the lake.",
                timedelta(hours=1),
                alone=True,
            )
        ],
        watches=[
            Watch("stream", ("stream",), "Asks for a landing as soon as the stream's table has a commit.", committed),
        ],
    )

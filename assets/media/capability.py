"""What the media room brings: variants of what was uploaded, as it is uploaded and swept daily."""

from collections.abc import Iterator

from assets.apps import App, Media
from assets.capability import Capability, Job, Request, Site, Tick, Watch, assets_of
from assets.media import assets
from assets.media.follow import follow
from assets.media.ledger import Ledger
from assets.media.make import nameless


def bring(app: App, site: Site) -> Capability:
    """Empty for an app whose users upload no images."""
    if app.media is None:
        return Capability()
    variants, media = ("media", "variants"), app.media
    return Capability(
        assets=assets.build(app),
        jobs=[
            Job(
                "media",
                assets_of(app, variants),
                "Make the variants of uploaded images; refuse what is none.",
            )
        ],
        ticks=[
            Tick(
                "media_sweep",
                "25 4 * * *",
                "media",
                "Daily, all media: what the sensor missed, variants that were touched, and those whose upload is gone.",
                lambda _: [Request(config={variants: assets.MediaConfig(sweep=True)})],
            )
        ],
        watches=[
            Watch(
                "uploads",
                ("media",),
                "Lists the next stretch of media; asks for the variants that are missing, and for those to go.",
                lambda _: _uploads(app, media, site),
            )
        ],
    )


def _uploads(app: App, media: Media, site: Site) -> Iterator[Request | str]:
    rooms = site.rooms
    ledger = Ledger(rooms.postgres, app.name, rooms.clock)
    nameless(lambda: follow(rooms.object_store, ledger, media))
    images, newest = ledger.waiting()
    if newest is None:
        yield "Every upload that was listed is settled."
        return
    # The hour in the key asks again for what an earlier run failed to make.
    yield Request(f"{images}-{newest.isoformat()}-{rooms.clock():%Y-%m-%dT%H}")

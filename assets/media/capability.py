"""What the media room brings: variants of uploads, within minutes, and a daily sweep over all media."""

from collections.abc import Iterator
from datetime import timedelta

from assets.apps import App, Media
from assets.capability import AfterGap, Capability, Job, Request, Site, Tick, Watch, assets_of
from assets.media import assets, ledger
from assets.media.follow import follow
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
                "Make the variants of uploaded images; refuse what is not an image.",
                timedelta(hours=2),
                alone=True,
            )
        ],
        ticks=[
            Tick(
                "media_sweep",
                "25 4 * * *",
                "media",
                "Daily at 04:25, all media: what the sensor missed, changed variants, variants without an upload.",
                AfterGap.LATEST,
                lambda _: [Request(config={variants: assets.MediaConfig(sweep=True)})],
            )
        ],
        watches=[
            Watch(
                "uploads",
                ("media",),
                "Lists the next part of the media; asks for variants that are missing or must be deleted.",
                lambda _: _uploads(app, media, site),
            )
        ],
    )


def _uploads(app: App, media: Media, site: Site) -> Iterator[Request | str]:
    rooms = site.rooms
    images = ledger.of(rooms, app)
    nameless(lambda: follow(rooms.object_store, images, media))
    waiting, newest = images.waiting()
    if newest is None:
        yield "Every upload that was listed is settled."
        return
    yield Request(state=f"{waiting}-{newest.isoformat()}")

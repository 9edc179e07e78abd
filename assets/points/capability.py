"""What the points room brings: ingestion of flushed points, hourly, with the metrics that they change."""

from datetime import datetime

from dagster import AssetSelection

from assets.apps import App
from assets.capability import Capability, Job, Request, Site, Tick, assets_of
from assets.points import assets

SWEPT_AT = 2  # o'clock, UTC


def bring(app: App, _site: Site) -> Capability:
    """Empty for an app without points."""
    if app.points is None:
        return Capability()
    ingested = ("points", "ingested")

    def hourly(at: datetime) -> list[Request]:
        return [Request(config={ingested: assets.PointsConfig(sweep=at.hour == SWEPT_AT)})]

    return Capability(
        assets=assets.build(app),
        jobs=[
            Job(
                "points",
                assets_of(app, ingested) | AssetSelection.groups(f"{app.name}_metrics"),
                "Take points that were flushed, then make stale metrics.",
            )
        ],
        ticks=[
            Tick(
                "points",
                "15 * * * *",
                "points",
                "At hh:15, points that were flushed and the metrics that they change; at 02:15, the whole prefix.",
                hourly,
            )
        ],
    )

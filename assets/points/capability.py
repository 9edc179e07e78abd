"""What the points room brings: ingestion of flushed points, hourly, with the metrics that they change."""

from datetime import timedelta

from dagster import AssetSelection

from assets.apps import App
from assets.capability import AfterGap, Capability, Job, Request, Site, Tick, assets_of
from assets.points import assets, health


def bring(app: App, site: Site) -> Capability:
    """Empty for an app without points."""
    if app.points is None:
        return Capability()
    ingested = ("points", "ingested")

    return Capability(
        health=health.checks(app, site),
        assets=assets.build(app),
        jobs=[
            Job(
                "points",
                assets_of(app, ingested) | AssetSelection.groups(f"{app.name}_metrics"),
                "Take points that were flushed, then make stale metrics.",
                timedelta(hours=1),
                alone=True,
            )
        ],
        ticks=[
            Tick(
                "points",
                "15 0-1,3-23 * * *",
                "points",
                "At hh:15, points that were flushed and the metrics that they change.",
                AfterGap.LATEST,
                lambda _: [Request(config={ingested: assets.PointsConfig(sweep=False)})],
            ),
            # A schedule of its own: after downtime the newest moment of the other one would be no sweep.
            Tick(
                "points_sweep",
                "15 2 * * *",
                "points",
                "At 02:15, the whole prefix of flushed points, and the metrics that they change.",
                AfterGap.LATEST,
                lambda _: [Request(config={ingested: assets.PointsConfig(sweep=True)})],
            ),
        ],
    )

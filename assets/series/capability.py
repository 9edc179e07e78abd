"""What the series room brings: partitions ahead of time, and months that are older than a year folded."""

from datetime import timedelta

from assets.apps import App
from assets.capability import AfterGap, Capability, Job, Site, Tick, assets_of
from assets.series import assets


def bring(app: App, _site: Site) -> Capability:
    """Empty for an app that keeps no time series."""
    if not app.series:
        return Capability()
    return Capability(
        assets=assets.build(app),
        jobs=[
            Job(
                "partitions",
                assets_of(app, ("series", "partitions"), ("series", "folded")),
                "Make the partitions of the next month; fold months older than a year.",
                timedelta(hours=6),
            )
        ],
        ticks=[
            Tick(
                "partitions",
                "10 2 1 * *",
                "partitions",
                "On the 1st at 02:10: make the partitions of the next month; fold the month that is a year old now.",
                AfterGap.LATEST,
            )
        ],
    )

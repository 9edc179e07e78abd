"""What the series room brings: partitions ahead of time, and months that are a year old folded."""

from assets.apps import App
from assets.capability import Capability, Job, Site, Tick, assets_of
from assets.series import assets


def bring(app: App, _site: Site) -> Capability:
    """Empty for an app that keeps no time series."""
    if not app.partitioned:
        return Capability()
    return Capability(
        assets=assets.build(app),
        jobs=[
            Job(
                "partitions",
                assets_of(app, ("series", "partitions"), ("series", "folded")),
                "Make next month's partitions, fold months older than a year.",
            )
        ],
        ticks=[
            Tick(
                "partitions",
                "10 2 1 * *",
                "partitions",
                "On the 1st at 02:10, partitions of the month ahead; the month that has become a year old is folded.",
            )
        ],
    )

"""What the columns room brings: a daily job that fills columns which a migration took out of JSON."""

from datetime import timedelta

from assets.apps import App
from assets.capability import AfterGap, Capability, Job, Site, Tick, assets_of
from assets.columns import assets


def bring(app: App, _site: Site) -> Capability:
    """Empty for an app that took no column out of JSON."""
    if not app.extractions:
        return Capability()
    return Capability(
        assets=assets.build(app),
        jobs=[
            Job(
                "columns",
                assets_of(app, ("columns", "filled")),
                "Fill columns whose values were fields of JSON.",
                timedelta(hours=6),
            )
        ],
        ticks=[
            Tick(
                "columns",
                "20 2 * * *",
                "columns",
                "Daily at 02:20: fill columns that a migration added and whose values are still in JSON.",
                AfterGap.LATEST,
            )
        ],
    )

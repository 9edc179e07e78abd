"""What the room of experiments brings: a daily look at each of them."""

from datetime import timedelta

from assets.apps import App
from assets.capability import AfterGap, Capability, Job, Site, Tick, assets_of
from assets.experiments import assets


def bring(app: App, _site: Site) -> Capability:
    """Empty for an app that makes no experiments."""
    if app.experiments is None:
        return Capability()
    return Capability(
        assets=assets.build(app, app.experiments),
        jobs=[
            Job(
                "experiments",
                assets_of(app, ("experiments", "results")),
                "Look at the experiments that run or ended lately.",
                timedelta(hours=1),
            )
        ],
        ticks=[
            Tick(
                "experiments",
                "20 1 * * *",
                "experiments",
                "At 01:20, by the end of yesterday: what each variant brought, and the verdict.",
                AfterGap.LATEST,
            )
        ],
    )

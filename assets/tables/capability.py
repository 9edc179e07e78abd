"""What the tables room brings: the app's own tables of D1, as assets that others read; and a daily look at them, and at
what else others write.
"""

from datetime import timedelta

from assets.apps import App
from assets.capability import AfterGap, Capability, Job, Site, Tick
from assets.tables import assets
from assets.tables.observation_assets import all_observed


def bring(app: App, _site: Site) -> Capability:
    """Empty for an app without tables."""
    if not app.tables:
        return Capability()
    return Capability(
        assets=assets.build(app),
        jobs=[
            Job(
                "observe",
                all_observed(app),
                "Count what others write: rows of D1 and objects of R2, their bytes, the oldest and the newest.",
                timedelta(hours=1),
            )
        ],
        ticks=[
            Tick(
                "observe",
                "15 0 * * *",
                "observe",
                "Daily at 00:15: what others wrote, counted.",
                AfterGap.LATEST,
            )
        ],
    )

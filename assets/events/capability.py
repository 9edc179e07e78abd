"""What the events room brings: taking what has landed into the lake. By itself that is the first step of a run of today
(assets/rollups/capability.py).
"""

from datetime import timedelta

from assets.apps import App
from assets.capability import Capability, Job, Site, assets_of
from assets.events import assets, health


def bring(app: App, site: Site) -> Capability:
    """Empty for an app without an audience."""
    if app.audience is None:
        return Capability()
    return Capability(
        assets=assets.build(app, site.calendar),
        jobs=[
            Job(
                "ingest",
                assets_of(app, ("events", "ingested")),
                "Take what has landed into the lake.",
                timedelta(hours=1),
                alone=True,
            )
        ],
        health=health.checks(app, site),
    )

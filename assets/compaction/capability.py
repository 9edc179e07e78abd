"""What the room of compaction brings: merging small files of the lake. The hourly run of roll-ups starts with it."""

from datetime import timedelta

from assets.apps import App
from assets.capability import Capability, Job, Site, assets_of
from assets.compaction import assets, health
from assets.lake_tables import lake_tables


def bring(app: App, site: Site) -> Capability:
    """Nothing for an app that collects no events."""
    if app.audience is None:
        return Capability()
    return Capability(
        assets=assets.build(app, by_catalog=app.name in site.compacted_by_catalog),
        jobs=[
            Job(
                "compact",
                assets_of(app, *(table.compacted for table in lake_tables(app))),
                "Merge small files of the lake.",
                timedelta(hours=6),
            )
        ],
        health=health.checks(app, site),
    )

"""What the room of integrity brings: a daily look at the rules of an app's data, and at its full-text indexes."""

from datetime import timedelta

from dagster import AssetSelection

from assets.apps import App
from assets.capability import AfterGap, Capability, Job, Site, Tick, assets_of
from assets.integrity import assets


def bring(app: App, _site: Site) -> Capability:
    """Nothing for an app without rules and indexes."""
    if not app.rules and not app.search:
        return Capability()
    checks = [assets.rules(app)] if app.rules else []
    indexes = [assets.search(app)] if app.search else []
    selection = assets_of(app, ("integrity", "search")) if app.search else AssetSelection.assets()
    return Capability(
        assets=[*indexes, *checks],
        jobs=[
            Job(
                "integrity",
                selection | AssetSelection.checks(*checks),
                "Look for rows that break the rules of the app's data, and for full-text indexes that differ from it.",
                timedelta(hours=1),
            )
        ],
        ticks=[
            Tick(
                "integrity",
                "30 4 * * *",
                "integrity",
                "Daily at 04:30: every rule of the app's data, and every full-text index.",
                AfterGap.LATEST,
            )
        ],
    )

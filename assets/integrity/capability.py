"""What the room of integrity brings: a daily look at the rules of an app's data, its full-text indexes, its D1."""

from datetime import timedelta

from dagster import AssetSelection

from assets.apps import App
from assets.capability import AfterGap, Capability, Job, Site, Tick
from assets.integrity import assets


def bring(app: App, _site: Site) -> Capability:
    """Nothing for an app without rules and a D1."""
    if not app.rules and app.d1_migrations is None:
        return Capability()
    checks = [assets.rules(app)] if app.rules else []
    indexes = [assets.search(app)] if app.search else []
    files = [assets.file(app)] if app.d1_migrations is not None else []
    selection = AssetSelection.groups(f"{app.name}_integrity") if files else AssetSelection.assets()
    return Capability(
        assets=[*files, *indexes, *checks],
        jobs=[
            Job(
                "integrity",
                selection | AssetSelection.checks(*checks),
                "Look for rows that break the rules of the app's data, for full-text indexes that differ, for damage.",
                timedelta(hours=1),
            )
        ],
        ticks=[
            Tick(
                "integrity",
                "30 4 * * *",
                "integrity",
                "Daily at 04:30: every rule of the app's data, every full-text index, the file of its D1.",
                AfterGap.LATEST,
            )
        ],
    )

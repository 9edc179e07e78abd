"""What the room of upkeep brings: manifests and snapshots hourly, files that nothing names daily."""

from datetime import timedelta

from assets.apps import App
from assets.capability import AfterGap, Capability, Job, Site, Tick, assets_of
from assets.upkeep import assets, checks, health


def bring(app: App, site: Site) -> Capability:
    """Nothing for an app that collects no events."""
    if app.audience is None:
        return Capability()
    tidied, files = (("upkeep", "manifests"), ("upkeep", "snapshots")), ("upkeep", "files")
    return Capability(
        assets=[*assets.build(app), *checks.build(app)],
        jobs=[
            Job(
                "tidy",
                assets_of(app, *tidied),
                "Rewrite manifests of the lake where it pays, and expire snapshots.",
                timedelta(hours=1),
            ),
            Job(
                "remove_files",
                assets_of(app, files),
                "Remove files of the lake that no snapshot names any more.",
                timedelta(hours=6),
            ),
        ],
        ticks=[
            Tick(
                "tidy",
                "40 * * * *",
                "tidy",
                "At hh:40, after compaction and roll-ups: manifests and snapshots of the lake.",
                AfterGap.SKIPS,
            ),
            Tick(
                "remove_files",
                "50 3 * * *",
                "remove_files",
                "Daily: files of the lake that expired, that were rewritten, or that killed runs left.",
                AfterGap.LATEST,
            ),
        ],
        health=health.checks(app, site),
    )

"""What the upkeep room brings: manifests and snapshots hourly, files that nothing names daily."""

from assets.apps import App
from assets.capability import Capability, Job, Site, Tick, assets_of
from assets.upkeep import assets


def bring(app: App, _site: Site) -> Capability:
    """Empty for an app without an audience."""
    if app.audience is None:
        return Capability()
    tidied, files = (("upkeep", "manifests"), ("upkeep", "snapshots")), ("upkeep", "files")
    return Capability(
        assets=assets.build(app),
        jobs=[
            Job("tidy", assets_of(app, *tidied), "Rewrite the lake's manifests where it pays, expire its snapshots."),
            Job("remove_files", assets_of(app, files), "Remove files of the lake that nothing names any more."),
        ],
        ticks=[
            Tick(
                "tidy",
                "40 * * * *",
                "tidy",
                "At hh:40, after compaction and roll-ups: the lake's manifests and snapshots.",
            ),
            Tick(
                "remove_files",
                "50 3 * * *",
                "remove_files",
                "Daily, files of the lake that expired, were rewritten, or were left by killed runs.",
            ),
        ],
    )

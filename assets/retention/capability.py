"""What the retention room brings: a daily deletion of what is old and proved, a yearly one of time series."""

from assets.apps import App
from assets.capability import Capability, Job, Request, Site, Tick, assets_of
from assets.retention import assets, sesh_assets
from assets.retention.engine import PARTS, entries


def bring(app: App, _site: Site) -> Capability:
    """Empty for an app whose data is all kept."""
    jobs, ticks = [], []
    parts = [("retention", part) for part in PARTS.values() if entries(app, part)]
    if parts:
        jobs.append(
            Job(
                "retention",
                assets_of(app, *parts),
                "Delete what is old enough and proved; a dry run unless it is configured otherwise.",
            )
        )
        ticks.append(
            Tick(
                "retention",
                "0 5 * * *",
                "retention",
                "Daily at 05:00, what is old enough and proved goes from every store.",
                lambda _: [Request(config={part: assets.RetentionConfig(dry_run=False) for part in parts})],
            )
        )
    pruning = sesh_assets.build(app)
    if pruning:
        pruned = ("retention", "pruning")
        jobs.append(
            Job(
                "pruning",
                assets_of(app, pruned),
                "Prune detail beyond a year that is sealed; a dry run unless it is configured otherwise.",
            )
        )
        ticks.append(
            Tick(
                "pruning",
                "30 5 2 1 *",
                "pruning",
                "On the 2nd of January at 05:30, the day after the archive: sessions and points older than a year.",
                lambda _: [Request(config={pruned: sesh_assets.PruningConfig(dry_run=False)})],
            )
        )
    return Capability([*assets.build(app), *pruning], jobs, ticks)

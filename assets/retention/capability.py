"""What the retention room brings for an app: a daily deletion of old and proved rows, a yearly one of time series.

What belongs here: jobs and their times. What does not: assets themselves.
"""

from datetime import timedelta

from assets.apps import App
from assets.capability import AfterGap, Capability, Job, Request, Site, Tick, assets_of
from assets.retention import assets, series_assets


def bring(app: App, _site: Site) -> Capability:
    """Empty for an app that keeps all of its data."""
    jobs, ticks = [], []
    daily = [("retention", name) for name in assets.names(app)]
    if daily:
        jobs.append(
            Job(
                "retention",
                assets_of(app, *daily),
                "Delete what is old enough and proved; a dry run unless the configuration says otherwise.",
                timedelta(hours=6),
            )
        )
        ticks.append(
            Tick(
                "retention",
                "0 5 * * *",
                "retention",
                "Daily at 05:00: delete what is old enough and proved, in every store.",
                AfterGap.LATEST,
                lambda _: [Request(config={name: assets.RetentionConfig(dry_run=False) for name in daily})],
            )
        )
    pruning = series_assets.build(app)
    if pruning:
        pruned = ("retention", "pruning")
        jobs.append(
            Job(
                "pruning",
                assets_of(app, pruned),
                "Prune sealed detail beyond a year; a dry run unless the configuration says otherwise.",
                timedelta(hours=6),
            )
        )
        ticks.append(
            Tick(
                "pruning",
                "30 5 2 1 *",
                "pruning",
                "On the 2nd of January at 05:30, the day after the archive: time series older than a year.",
                AfterGap.LATEST,
                lambda _: [Request(config={pruned: series_assets.PruningConfig(dry_run=False)})],
            )
        )
    return Capability([*assets.build(app), *pruning], jobs, ticks)

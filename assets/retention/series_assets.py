"""The yearly pruning of time series as an asset.

What belongs here: what Dagster shows. What does not: the work, which is in series.py.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from dagster import (
    AssetExecutionContext,
    AssetsDefinition,
    Config,
    FreshnessPolicy,
    MaterializeResult,
    ResourceParam,
)
from pydantic import Field

from assets.apps import App, MetricSeries
from assets.description import app_asset
from assets.retention.assets import CHECKS, result
from assets.retention.series import SeriesPruner
from assets.rooms import Rooms


class PruningConfig(Config):
    """What a run deletes."""

    dry_run: bool = Field(default=True, description="Report what would go, and delete nothing.")
    confirm: bool = Field(
        default=False, description="Delete also where a larger share of a series goes than its policy expects."
    )


def build(app: App) -> list[AssetsDefinition]:
    """The pruning of an app that counts time series in metrics."""
    return [_pruned(app, app.metrics)] if app.metrics is not None else []


def _pruned(app: App, metrics: MetricSeries) -> AssetsDefinition:
    names = [series.name for series in metrics.details]
    listed = " and ".join(names)
    above = [*(["archive", name] for name in names), ["metrics", "weekly"], ["metrics", "monthly"]]

    @app_asset(
        app,
        "retention",
        "pruning",
        store="d1",
        holds=[],
        kinds={"cloudflare", "sqlite"},
        checks=CHECKS,
        deps=[[app.name, *key] for key in [*above, ["series", "folded"]]],
        description=(
            f"{listed.capitalize()} of whole quarters that are older than a year and sealed leave D1, with the media "
            "of their rows. Before that, their metrics are counted again and kept as they are. A dry run unless the "
            "configuration says otherwise."
        ),
        pool="d1",
        freshness_policy=FreshnessPolicy.time_window(fail_window=timedelta(days=375), warn_window=timedelta(days=368)),
    )
    def pruning(
        context: AssetExecutionContext, config: PruningConfig, rooms: ResourceParam[Rooms]
    ) -> Iterator[MaterializeResult[None]]:
        run_id, progress = context.run.run_id, rooms.progress(f"{listed} pruned")
        engine = SeriesPruner(rooms, app, run_id, progress=progress)
        done = engine.run(dry_run=config.dry_run, confirmed=config.confirm)
        retained = result(rooms, app, run_id, done.outcomes, dry_run=config.dry_run)
        metadata: dict[str, Any] = {
            **(retained.metadata or {}),
            "partitions_dropped": ", ".join(done.dropped) or "none",
            "media_removed": done.media,
            "metrics_kept_before": done.kept_before or "nothing",
        }
        yield MaterializeResult(metadata=metadata, check_results=retained.check_results)

    return pruning

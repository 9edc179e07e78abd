"""Metrics as assets, one for each grain. The work is in build.py, the proof in audit.py."""

from collections.abc import Iterator
from datetime import timedelta

from dagster import (
    AssetCheckResult,
    AssetsDefinition,
    FreshnessPolicy,
    MaterializeResult,
    ResourceParam,
)

from assets.apps import App, MetricSeries
from assets.description import app_asset, column_schema
from assets.metrics import audit, build
from assets.metrics.grains import DAILY, GRAINS, HOURLY, MetricGrain
from assets.rooms import Rooms

_COLUMNS = [
    ("windowStart", "text", "Start of the window, UTC; weeks begin on Monday", False),
    ("userId", "text", "The user; empty for all together", False),
    ("metric", "text", "sessions, session.…, points, point.…", False),
    ("entries", "integer", "How many values were counted", False),
    ("total", "integer", "Their sum, in millionths", False),
    ("least", "integer", "The smallest, in millionths", False),
    ("most", "integer", "The greatest, in millionths", False),
]


def build_assets(app: App) -> list[AssetsDefinition]:
    """The metrics of an app that counts its series; empty for any other."""
    return [_metrics(app, app.metrics, grain) for grain in GRAINS.values()] if app.metrics is not None else []


def _metrics(app: App, metrics: MetricSeries, grain: MetricGrain) -> AssetsDefinition:
    holding = f"{metrics.hours.name}_*" if grain is HOURLY else grain.table(metrics)
    sources = [["metrics", "hourly" if grain is DAILY else "daily"]]
    if grain is HOURLY:
        points = app.points.series if app.points is not None else None
        sources = [
            ["points", "ingested"] if detail == points else ["series", detail.name] for detail in metrics.details
        ]
    made_of = grain.made_of or " and ".join(detail.name for detail in metrics.details)

    @app_asset(
        app,
        "metrics",
        grain.name,
        store="d1",
        holds=[("d1", holding)],
        kinds={"cloudflare", "sqlite"},
        deps=[[app.name, *source] for source in sources],
        description=(
            f"Metrics {grain.name}, for each user and for all together, made of {made_of} in UTC. A window in which "
            "something changed is replaced, and the coarser windows that contain it are made again."
        ),
        metadata={"dagster/table_name": grain.table(metrics), "dagster/column_schema": column_schema(_COLUMNS)},
        pool="d1",
        freshness_policy=FreshnessPolicy.time_window(fail_window=timedelta(hours=6), warn_window=timedelta(hours=2)),
        checks={
            "reconciles": f"The recent windows equal the sums of {made_of}.",
        },
    )
    def made(rooms: ResourceParam[Rooms]) -> Iterator[MaterializeResult[None]]:
        windows = build.of(rooms, app, metrics, grain).run()
        comparison = audit.compare(rooms.d1(app), metrics, grain, rooms.clock())
        yield MaterializeResult(
            metadata={"windows": windows.made, "kept": windows.kept},
            check_results=[
                AssetCheckResult(
                    check_name="reconciles",
                    passed=comparison.differing == 0,
                    metadata={"differing_windows": comparison.differing, "rows_compared": comparison.rows},
                )
            ],
        )

    return made

"""Sesh's metrics as assets, one a grain. The work is in metrics.py."""

from collections.abc import Iterator
from datetime import timedelta

from dagster import (
    AssetCheckResult,
    AssetCheckSpec,
    AssetsDefinition,
    FreshnessPolicy,
    MaterializeResult,
    ResourceParam,
    asset,
)

from assets.apps import App
from assets.description import asset_arguments, column_schema
from assets.metrics import audit
from assets.metrics.build import Metrics
from assets.metrics.grains import GRAINS, Grain
from assets.rooms import Rooms
from assets.series.pace import Pace

_COLUMNS = [
    ("windowStart", "text", "Start of the window, UTC; weeks begin on Monday", False),
    ("userId", "text", "The user; empty for all together", False),
    ("metric", "text", "sessions, session.…, points, point.…", False),
    ("entries", "integer", "How many values were counted", False),
    ("total", "integer", "Their sum, in millionths", False),
    ("least", "integer", "The smallest, in millionths", False),
    ("most", "integer", "The greatest, in millionths", False),
]


def build(app: App) -> list[AssetsDefinition]:
    """The metrics of an application that keeps them in partitions."""
    return [_metrics(app, grain) for grain in GRAINS.values()] if "metrics" in app.partitioned else []


def _metrics(app: App, grain: Grain) -> AssetsDefinition:
    holding = "metrics_*" if grain.table == "metrics" else grain.table
    arguments = asset_arguments(
        app, "metrics", grain.name, store="d1", holds=[("d1", holding)], kinds={"cloudflare", "sqlite"}
    )
    sources = {
        "sessions and points": [["series", "sessions"], ["points", "ingested"]],
        "hours": [["metrics", "hourly"]],
        "days": [["metrics", "daily"]],
    }[grain.made_of]

    @asset(
        **arguments,
        deps=[[app.name, *source] for source in sources],
        description=(
            f"Metrics {grain.name}, per user and of all together, made of {grain.made_of} in UTC: each window that "
            "something changed in is replaced, and reopens those that it lies in."
        ),
        metadata={"dagster/table_name": grain.table, "dagster/column_schema": column_schema(_COLUMNS)},
        pool="d1",
        freshness_policy=FreshnessPolicy.time_window(fail_window=timedelta(hours=6), warn_window=timedelta(hours=2)),
        check_specs=[
            AssetCheckSpec(
                "reconciles",
                asset=arguments["key"],
                description=f"The recent windows are what {grain.made_of} add up to.",
            )
        ],
    )
    def made(rooms: ResourceParam[Rooms]) -> Iterator[MaterializeResult[None]]:
        database = rooms.d1(app)
        engine = Metrics(database, grain, rooms.clock, Pace(), rooms.progress(f"{grain.name} windows made"))
        done = engine.run()
        compared = audit.compare(database, grain, rooms.clock())
        yield MaterializeResult(
            metadata={"windows": done.windows, "kept": done.kept},
            check_results=[
                AssetCheckResult(
                    check_name="reconciles",
                    passed=compared.differing == 0,
                    metadata={"differing_windows": compared.differing, "rows_compared": compared.rows},
                )
            ],
        )

    return made

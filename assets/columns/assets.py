"""Columns out of JSON as an asset. The work is in fill.py."""

from collections.abc import Iterator

from dagster import (
    AssetCheckResult,
    AssetCheckSpec,
    AssetsDefinition,
    MaterializeResult,
    ResourceParam,
    asset,
)

from assets.apps import App
from assets.columns import fill as columns
from assets.description import asset_arguments
from assets.rooms import Rooms
from assets.series.pace import Pace


def build(app: App) -> list[AssetsDefinition]:
    """The columns that an app's migrations took out of JSON."""
    return [_columns(app)] if "sessions" in app.partitioned else []


def _columns(app: App) -> AssetsDefinition:
    arguments = asset_arguments(app, "columns", "filled", store="d1", holds=[], kinds={"cloudflare", "sqlite"})
    named = ", ".join(f"`{e.table}.{e.column}`" for e in columns.EXTRACTIONS)

    @asset(
        **arguments,
        deps=[[app.name, "d1", table] for table in sorted({e.table for e in columns.EXTRACTIONS})],
        description=f"Columns that were fields of JSON, filled in rows that were there before them: {named}.",
        pool="d1",
        check_specs=[
            AssetCheckSpec(
                "nothing_unfilled",
                asset=arguments["key"],
                description="No column is null where the JSON has a value.",
            )
        ],
    )
    def filled(rooms: ResourceParam[Rooms]) -> Iterator[MaterializeResult[None]]:
        database, progress = rooms.d1(app), rooms.progress("rows looked at")
        done = {e.job: columns.fill(database, e, Pace(), progress=progress) for e in columns.EXTRACTIONS}
        left = {e.job: columns.unfilled(database, e) for e in columns.EXTRACTIONS}
        yield MaterializeResult(
            metadata={
                "rows_seen": sum(each.seen for each in done.values()),
                "rows_filled": sum(each.filled for each in done.values()),
            },
            check_results=[
                AssetCheckResult(check_name="nothing_unfilled", passed=not any(left.values()), metadata=left)
            ],
        )

    return filled

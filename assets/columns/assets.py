"""Columns out of JSON as an asset. The work is in fill.py."""

from collections.abc import Iterator

from dagster import (
    AssetCheckResult,
    AssetsDefinition,
    MaterializeResult,
    ResourceParam,
)

from assets.apps import App
from assets.columns import fill
from assets.description import app_asset
from assets.rooms import Rooms


def build(app: App) -> list[AssetsDefinition]:
    """The columns that an app's migrations took out of JSON; empty if there are none."""
    return [_filled(app)] if app.extractions else []


def _filled(app: App) -> AssetsDefinition:
    names = ", ".join(f"`{extraction.table}.{extraction.column}`" for extraction in app.extractions)

    @app_asset(
        app,
        "columns",
        "filled",
        store="d1",
        holds=[],
        kinds={"cloudflare", "sqlite"},
        deps=[[app.name, "d1", table] for table in sorted({extraction.table for extraction in app.extractions})],
        description=f"Columns whose values were fields of JSON, filled in rows older than the column: {names}.",
        pool="d1",
        checks={
            "nothing_unfilled": "No column is null where the JSON has a value.",
        },
    )
    def filled(rooms: ResourceParam[Rooms]) -> Iterator[MaterializeResult[None]]:
        runs = [fill.of(rooms, app, extraction) for extraction in app.extractions]
        left = {fill.job(extraction): fill.unfilled(rooms.d1(app), extraction) for extraction in app.extractions}
        yield MaterializeResult(
            metadata={"rows_seen": sum(run.seen for run in runs), "rows_filled": sum(run.filled for run in runs)},
            check_results=[
                AssetCheckResult(check_name="nothing_unfilled", passed=not any(left.values()), metadata=left)
            ],
        )

    return filled

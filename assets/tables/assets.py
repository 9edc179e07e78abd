"""The applications' own D1 tables: assets that the applications write and other assets read."""

from dagster import AssetsDefinition, AssetSpec

from assets.apps import App
from assets.description import asset_arguments
from assets.tables.observation_assets import observed, table_holds


def build(app: App) -> list[AssetsDefinition]:
    """One observed asset for each table, with its personal columns."""
    specs = [
        AssetSpec(
            **asset_arguments(
                app, "d1", table.name, store="d1", holds=[("d1", table.name)], kinds={"cloudflare", "sqlite", "table"}
            ),
            description=table.doc,
            metadata={"personal_columns": ", ".join(app.holding("d1", table.name).personal_columns) or "none"},
        )
        for table in app.tables.values()
    ]
    if not specs:
        return []
    return [observed(app, "tables", specs, lambda rooms, spec: table_holds(rooms.d1(app), spec.key.path[-1]))]

"""The applications' own D1 tables: assets that the applications write and other assets read."""

from dagster import AssetSpec

from assets.apps import App
from assets.description import asset_arguments


def build(app: App) -> list[AssetSpec]:
    """One external asset for each table, with its personal columns."""
    return [
        AssetSpec(
            **asset_arguments(
                app, "d1", table.name, store="d1", holds=[("d1", table.name)], kinds={"cloudflare", "sqlite", "table"}
            ),
            description=table.doc,
            metadata={"personal_columns": ", ".join(app.holding("d1", table.name).personal_columns) or "none"},
        )
        for table in app.tables.values()
    ]

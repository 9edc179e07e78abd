"""The applications' own D1 tables, as assets that others read and the applications write."""

from dagster import AssetSpec

from assets.apps import App
from assets.description import asset_arguments


def build(app: App) -> list[AssetSpec]:
    """One external asset a table, with what of it is personal."""
    return [
        AssetSpec(
            **asset_arguments(
                app, "d1", table.name, store="d1", pii=bool(table.personal), kinds={"cloudflare", "sqlite", "table"}
            ),
            description=table.doc,
            metadata={"personal_columns": ", ".join(sorted(table.personal)) or "none"},
        )
        for table in app.tables.values()
    ]

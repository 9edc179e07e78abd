"""How an asset presents itself in the UI: kinds, owners, tags, column schemas, previews without personal data."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import polars as pl
from dagster import (
    AssetsDefinition,
    MetadataValue,
    TableColumn,
    TableColumnConstraints,
    TableRecord,
    TableSchema,
    asset,
)

from assets.apps import App

PREVIEW_ROWS = 10


def asset_arguments(app: App, capability: str, name: str, *, store: str, pii: bool, kinds: set[str]) -> dict[str, Any]:
    """The arguments that every asset has: key, group, owner, kinds and tags."""
    return {
        "key": [app.name, capability, name],
        "group_name": f"{app.name}_{capability}",
        "owners": [app.owner],
        "kinds": kinds,
        "tags": {"capability": capability, "store": store, "pii": "yes" if pii else "no"},
    }


def app_asset(
    app: App, capability: str, name: str, *, store: str, pii: bool, kinds: set[str], **more: Any
) -> Callable[[Callable[..., Any]], AssetsDefinition]:
    """Dagster's decorator `asset`, with the arguments that every asset has and `more` of its own."""
    arguments = asset_arguments(app, capability, name, store=store, pii=pii, kinds=kinds)
    decorator: Callable[[Callable[..., Any]], AssetsDefinition] = asset(**arguments, **more)
    return decorator


def column_schema(columns: Iterable[tuple[str, str, str, bool]]) -> TableSchema:
    """The schema shown beside an asset, from (name, type, meaning, nullable)."""
    return TableSchema(
        columns=[
            TableColumn(name, type_, description=doc or None, constraints=TableColumnConstraints(nullable=nullable))
            for name, type_, doc, nullable in columns
        ]
    )


def preview(frame: pl.DataFrame, personal: Collection[str] = ()) -> MetadataValue[Any]:
    """The first rows as a table, without personal and binary columns."""
    kept = [name for name, type_ in frame.schema.items() if name not in personal and type_ != pl.Binary]
    return table(frame.select(kept).head(PREVIEW_ROWS).rows(named=True))


def table(rows: Sequence[Mapping[str, Any]]) -> MetadataValue[Any]:
    """Rows as a table of texts and numbers; the word `none` where there are none, for a table needs columns."""
    if not rows:
        return MetadataValue.text("none")
    return MetadataValue.table(
        [
            TableRecord({name: v if isinstance(v, int | float | str) else str(v) for name, v in row.items()})
            for row in rows
        ]
    )

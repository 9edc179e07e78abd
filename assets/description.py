"""How an asset presents itself in the UI: kinds, owners, tags, column schemas, previews without personal data."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import polars as pl
from dagster import (
    AssetCheckSpec,
    AssetsDefinition,
    MetadataValue,
    TableColumn,
    TableColumnConstraints,
    TableRecord,
    TableSchema,
    asset,
)

from assets.apps import App
from assets.apps.lifecycle import Store
from assets.apps.personal import Holding
from assets.audit.entry import Entry
from assets.audit.noted_assets import before_it
from assets.declined import plainly_declined
from assets.requests_sent import after_it

PREVIEW_ROWS = 5
PREVIEW_COLUMNS = 12


def asset_arguments(
    app: App, capability: str, name: str, *, store: str, holds: Iterable[tuple[Store, str]], kinds: set[str]
) -> dict[str, Any]:
    """The arguments that every asset has: key, group, owner, kinds and tags.

    holds: the tables, prefixes and key families that the asset stands for, as the registry of personal data names them.
    The asset has the tag `pii` where one of them holds something personal.
    """
    pii = any(app.holding(*entry).personal for entry in holds)
    return {
        "key": [app.name, capability, name],
        "group_name": f"{app.name}_{capability}",
        "owners": [app.owner],
        "kinds": kinds,
        "tags": {"capability": capability, "store": store, "pii": "yes" if pii else "no"},
    }


def app_asset(
    app: App,
    capability: str,
    name: str,
    *,
    store: str,
    holds: Iterable[tuple[Store, str]],
    kinds: set[str],
    checks: Mapping[str, str] | None = None,
    **more: Any,
) -> Callable[[Callable[..., Any]], AssetsDefinition]:
    """Dagster's decorator `asset` with the arguments that every asset has, and `more` of its own.

    checks: names with descriptions of the checks that the asset itself answers. An expected refusal of the asset's
    function becomes a failure that says what to do next. A run of an asset that holds something personal is noted in
    the audit trail before it begins.
    """
    holds = list(holds)
    arguments = asset_arguments(app, capability, name, store=store, holds=holds, kinds=kinds)
    specs = [AssetCheckSpec(check, asset=arguments["key"], description=text) for check, text in (checks or {}).items()]
    decorator: Callable[[Callable[..., Any]], AssetsDefinition] = asset(**arguments, check_specs=specs, **more)
    entries = [
        Entry(app.name, "/".join(arguments["key"]), "changed", held.store, held.name, held.personal_columns, actor="")
        for held in (app.holding(*entry) for entry in holds)
        if held.personal
    ]
    return lambda compute: decorator(plainly_declined(after_it(before_it(compute, entries) if entries else compute)))


def column_schema(columns: Iterable[tuple[str, str, str, bool]]) -> TableSchema:
    """The schema shown beside an asset, from (name, type, meaning, nullable)."""
    return TableSchema(
        columns=[
            TableColumn(name, type_, description=doc or None, constraints=TableColumnConstraints(nullable=nullable))
            for name, type_, doc, nullable in columns
        ]
    )


def preview(rows: pl.LazyFrame, holding: Holding) -> MetadataValue[Any]:
    """The first rows and columns as a table, without binary columns and those that the registry calls personal."""
    hidden = holding.personal_columns
    shown = [name for name, type_ in rows.collect_schema().items() if name not in hidden and type_ != pl.Binary]
    return table(rows.select(shown[:PREVIEW_COLUMNS]).head(PREVIEW_ROWS).collect().rows(named=True))


def table(rows: Sequence[Mapping[str, Any]]) -> MetadataValue[Any]:
    """Rows as a table of texts and numbers; the word `none` where there are none, because a table needs columns."""
    if not rows:
        return MetadataValue.text("none")
    return MetadataValue.table(
        [
            TableRecord({name: v if isinstance(v, int | float | str) else str(v) for name, v in row.items()})
            for row in rows
        ]
    )

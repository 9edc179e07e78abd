"""Time series as assets: their partitions, and the folding of old months. The work is in ahead.py and fold.py."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from dagster import (
    AssetCheckResult,
    AssetsDefinition,
    AssetSpec,
    Config,
    FreshnessPolicy,
    MaterializeResult,
    ResourceParam,
)
from pydantic import Field

from assets.apps import App, Series
from assets.declined import given_day
from assets.description import app_asset, asset_arguments
from assets.description import table as table_of
from assets.rooms import Rooms
from assets.series import ahead, audit, fold, registry
from assets.series.layout import next_fold
from assets.windows import midnight
from resources.d1 import D1


class PartitionsConfig(Config):
    """From when on there are partitions."""

    since: str | None = Field(
        default=None,
        description="A day (YYYY-MM-DD): months from it on get partitions too, for history that is imported.",
    )


def build(app: App) -> list[AssetsDefinition | AssetSpec]:
    """The time series of an app that keeps them in partitions."""
    if not app.series:
        return []
    return [*(_written(app, series) for series in app.series if series.doc), _partitions(app), _folded(app)]


def _written(app: App, series: Series) -> AssetSpec:
    rows = f"{series.name}_*"
    return AssetSpec(
        **asset_arguments(
            app, "series", series.name, store="d1", holds=[("d1", rows)], kinds={"cloudflare", "sqlite", "view"}
        ),
        description=(
            f"{series.doc} A partition holds a month, or a year once its months are older than a year. The view "
            f"`{series.name}` shows all of them."
        ),
        metadata={"personal_columns": ", ".join(app.holding("d1", rows).personal_columns)},
    )


def _partitions(app: App) -> AssetsDefinition:
    names = ", ".join(f"`{series.name}`" for series in app.series)

    @app_asset(
        app,
        "series",
        "partitions",
        store="d1",
        holds=[],
        kinds={"cloudflare", "sqlite"},
        description=(
            f"Which table holds which time of {names}, up to the next month: the registry `partitions`, the tables, "
            "and one view for each."
        ),
        pool="d1",
        freshness_policy=FreshnessPolicy.time_window(fail_window=timedelta(days=40), warn_window=timedelta(days=32)),
        checks={
            "next_month_is_there": "Rows of this month and the next have a partition.",
            "registry_agrees": "Registry, tables and views name the same partitions, without gaps between them.",
        },
    )
    def partitions(config: PartitionsConfig, rooms: ResourceParam[Rooms]) -> Iterator[MaterializeResult[None]]:
        database, clock = rooms.d1(app), rooms.clock
        since = midnight(given_day("since", config.since)) if config.since else None
        made = [p.name for series in app.series for p in ahead.make(database, series, clock, since)]
        late = [series.name for series in app.series if not audit.has_next_month(database, series, clock())]
        faults = [fault for series in app.series for fault in audit.faults(database, series)]
        yield MaterializeResult(
            metadata={"made": len(made), "partitions": table_of(_overview(app, database))},
            check_results=[
                AssetCheckResult(check_name="next_month_is_there", passed=not late, metadata={"families": late}),
                AssetCheckResult(check_name="registry_agrees", passed=not faults, metadata={"faults": faults}),
            ],
        )

    return partitions


def _overview(app: App, database: D1) -> list[dict[str, Any]]:
    return [
        {
            "family": series.name,
            "partition": p.name,
            "start": f"{p.window.start:%Y-%m-%d}",
            "end": f"{p.window.end:%Y-%m-%d}",
            "state": p.state,
        }
        for series in app.series
        for p in registry.load(database, series).answering
    ]


def _folded(app: App) -> AssetsDefinition:

    @app_asset(
        app,
        "series",
        "folded",
        store="d1",
        holds=[],
        kinds={"cloudflare", "sqlite"},
        deps=[[app.name, "series", "partitions"]],
        description=(
            "Months older than a year, moved into the partition of their year: copied in small batches, compared page "
            "by page, counted, and switched in one transaction."
        ),
        pool="d1",
        checks={
            "no_month_is_older_than_a_year": "Every month older than a year is folded.",
        },
    )
    def folded(rooms: ResourceParam[Rooms]) -> Iterator[MaterializeResult[None]]:
        database, clock = rooms.d1(app), rooms.clock
        months, refusals = [], []
        for series in app.series:
            try:
                months += fold.of(rooms, app, series).run()
            except fold.FoldError as refusal:
                refusals.append(refusal)
        if refusals:
            raise refusals[0]
        left = [
            due.month.name
            for series in app.series
            if (due := next_fold(registry.load(database, series), clock())) is not None
        ]
        rows = [{"month": m.month, "year": m.year, "rows": m.rows, "checksum": m.checksum} for m in months]
        yield MaterializeResult(
            metadata={"months": len(months), "rows": sum(m.rows for m in months), "folded": table_of(rows)},
            check_results=[
                AssetCheckResult(check_name="no_month_is_older_than_a_year", passed=not left, metadata={"left": left})
            ],
        )

    return folded

"""Time series as assets: their partitions, and the folding of old months. The work is in ahead.py and fold.py."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from dagster import (
    AssetCheckResult,
    AssetCheckSpec,
    AssetsDefinition,
    AssetSpec,
    Config,
    FreshnessPolicy,
    MaterializeResult,
    ResourceParam,
    asset,
)

from assets.apps import App
from assets.description import asset_arguments
from assets.description import table as table_of
from assets.rooms import Rooms
from assets.series import ahead, audit, registry
from assets.series.family import FAMILIES, Family
from assets.series.fold import Folding
from assets.series.layout import next_fold
from assets.series.pace import Pace


class PartitionsConfig(Config):
    """since: a day (YYYY-MM-DD) from which on to make partitions too, for history that is taken over."""

    since: str | None = None


def families(app: App) -> list[Family]:
    """The families of an application's time series."""
    return [family for family in FAMILIES if family.name in app.partitioned]


def build(app: App) -> list[AssetsDefinition | AssetSpec]:
    """The time series of an application that keeps them in partitions."""
    if not app.partitioned:
        return []
    sessions = AssetSpec(
        **asset_arguments(
            app, "series", "sessions", store="d1", holds=[("d1", "sessions_*")], kinds={"cloudflare", "sqlite", "view"}
        ),
        description=(
            "Sessions that people record, which the application writes to the partition of their time: a month below a "
            "year of age, a year above. The view `sessions` is over all of them."
        ),
        metadata={"personal_columns": ", ".join(app.holding("d1", "sessions_*").personal_columns)},
    )
    return [sessions, _partitions(app), _folded(app)]


def _partitions(app: App) -> AssetsDefinition:
    arguments = asset_arguments(app, "series", "partitions", store="d1", holds=[], kinds={"cloudflare", "sqlite"})

    @asset(
        **arguments,
        description=(
            "Which tables hold what time of sessions, points and metrics, up to the next month: the registry "
            "`partitions`, the tables, and a view over each family."
        ),
        pool="d1",
        freshness_policy=FreshnessPolicy.time_window(fail_window=timedelta(days=40), warn_window=timedelta(days=32)),
        check_specs=[
            AssetCheckSpec(
                "next_month_is_there",
                asset=arguments["key"],
                description="Rows of this month and the next have a partition.",
            ),
            AssetCheckSpec(
                "registry_agrees",
                asset=arguments["key"],
                description="Registry, tables and view name the same partitions, and their windows leave no hole.",
            ),
        ],
    )
    def partitions(config: PartitionsConfig, rooms: ResourceParam[Rooms]) -> Iterator[MaterializeResult[None]]:
        database, clock = rooms.d1(app), rooms.clock
        since = datetime.fromisoformat(config.since).replace(tzinfo=UTC) if config.since else None
        made = [p.name for family in families(app) for p in ahead.make(database, family, clock, since)]
        late = [f.name for f in families(app) if not audit.has_next_month(database, f, clock())]
        faults = [fault for family in families(app) for fault in audit.faults(database, family)]
        yield MaterializeResult(
            metadata={"made": len(made), "partitions": table_of(_overview(app, database))},
            check_results=[
                AssetCheckResult(check_name="next_month_is_there", passed=not late, metadata={"families": late}),
                AssetCheckResult(check_name="registry_agrees", passed=not faults, metadata={"faults": faults}),
            ],
        )

    return partitions


def _overview(app: App, database: Any) -> list[dict[str, Any]]:
    return [
        {
            "family": family.name,
            "partition": p.name,
            "start": f"{p.window.start:%Y-%m-%d}",
            "end": f"{p.window.end:%Y-%m-%d}",
            "state": p.state,
        }
        for family in families(app)
        for p in registry.load(database, family).answering
    ]


def _folded(app: App) -> AssetsDefinition:
    arguments = asset_arguments(app, "series", "folded", store="d1", holds=[], kinds={"cloudflare", "sqlite"})

    @asset(
        **arguments,
        deps=[[app.name, "series", "partitions"]],
        description=(
            "Months older than a year, in the partition of their year: copied in small batches, compared page by page, "
            "counted and switched in one transaction."
        ),
        pool="d1",
        check_specs=[
            AssetCheckSpec(
                "no_month_is_older_than_a_year",
                asset=arguments["key"],
                description="Every month above a year of age is folded.",
            )
        ],
    )
    def folded(rooms: ResourceParam[Rooms]) -> Iterator[MaterializeResult[None]]:
        database, clock = rooms.d1(app), rooms.clock
        done = [
            each
            for family in families(app)
            for each in Folding(database, family, clock, Pace(), progress=rooms.progress(f"{family.name} folded")).run()
        ]
        left = [
            fold.month.name
            for family in families(app)
            if (fold := next_fold(registry.load(database, family), clock())) is not None
        ]
        shown = [{"month": f.month, "year": f.year, "rows": f.rows, "checksum": f.checksum} for f in done]
        yield MaterializeResult(
            metadata={"months": len(done), "rows": sum(f.rows for f in done), "folded": table_of(shown)},
            check_results=[
                AssetCheckResult(check_name="no_month_is_older_than_a_year", passed=not left, metadata={"left": left})
            ],
        )

    return folded

"""Sesh's assets: partitions and their folding, points, columns out of JSON. The work is in the modules beside.

Metrics are in metric_assets.py.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetsDefinition,
    AssetSpec,
    Config,
    FreshnessPolicy,
    MaterializeResult,
    asset,
)

from assets.apps import App
from assets.description import asset_arguments, column_schema
from assets.description import table as table_of
from assets.sesh import ahead, audit, columns, quarantine, registry
from assets.sesh.families import FAMILIES, POINTS, Family
from assets.sesh.fold import Folding
from assets.sesh.gaps import TOLERATED, gaps
from assets.sesh.ingest import PointIngest
from assets.sesh.layout import next_fold
from assets.sesh.point import Reason
from resources.d1.pace import Pace

# Gaps are looked for in sessions that had a point in this time; runs come every hour.
LOOKED_BACK = timedelta(days=1)
GAPS_SHOWN = 50
_POINT_FIELDS = [
    ("userId", "text", "Who recorded it", False),
    ("sessionId", "text", "The session", False),
    ("seq", "integer", "Its number in the session, from 1, without holes", False),
    ("at", "text", "When, UTC", False),
    ("values", "json", "Name to number: at most 40, kept to a millionth", False),
]


class PartitionsConfig(Config):
    """since: a day (YYYY-MM-DD) from which on to make partitions too, for history that is taken over."""

    since: str | None = None


class PointsConfig(Config):
    """sweep: list every object of points, not only what arrived since the last run. replay: a reason whose quarantined
    lines are landed again before, or `all`.
    """

    sweep: bool = False
    replay: str | None = None


def families(app: App) -> list[Family]:
    """The families of an application's time series."""
    return [family for family in FAMILIES if family.name in app.partitioned]


def build(app: App) -> list[AssetsDefinition | AssetSpec]:
    """The time series of an application that keeps them in partitions."""
    if not app.partitioned:
        return []
    sessions = AssetSpec(
        **asset_arguments(app, "sesh", "sessions", store="d1", pii=True, kinds={"cloudflare", "sqlite", "view"}),
        description=(
            "Sessions that people record, which the application writes to the partition of their time: a month below a "
            "year of age, a year above. The view `sessions` is over all of them."
        ),
        metadata={"personal_columns": "userId, notes, details, rating, amount, timestamp"},
    )
    flushes = AssetSpec(
        **asset_arguments(app, "sesh", "flushes", store="r2", pii=True, kinds={"cloudflare", "json"}),
        description="Points of active sessions, ten an object: NDJSON under sesh/points/YYYY/MM/DD/HH/.",
        metadata={"dagster/column_schema": column_schema(_POINT_FIELDS)},
    )
    return [sessions, flushes, _partitions(app), _folded(app), _points(app), _columns(app)]


def _partitions(app: App) -> AssetsDefinition:
    d1 = f"{app.name}_d1"
    arguments = asset_arguments(app, "sesh", "partitions", store="d1", pii=False, kinds={"cloudflare", "sqlite"})

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
        required_resource_keys={d1, "clock"},
    )
    def partitions(context: AssetExecutionContext, config: PartitionsConfig) -> Iterator[MaterializeResult[None]]:
        database, clock = getattr(context.resources, d1), context.resources.clock
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
    d1 = f"{app.name}_d1"
    arguments = asset_arguments(app, "sesh", "folded", store="d1", pii=False, kinds={"cloudflare", "sqlite"})

    @asset(
        **arguments,
        deps=[[app.name, "sesh", "partitions"]],
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
        required_resource_keys={d1, "clock", "progress"},
    )
    def folded(context: AssetExecutionContext) -> Iterator[MaterializeResult[None]]:
        database, clock = getattr(context.resources, d1), context.resources.clock
        done = [
            each
            for family in families(app)
            for each in Folding(
                database, family, clock, Pace(), progress=context.resources.progress(f"{family.name} folded")
            ).run()
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


def _points(app: App) -> AssetsDefinition:
    d1 = f"{app.name}_d1"
    arguments = asset_arguments(app, "sesh", "points", store="d1", pii=True, kinds={"cloudflare", "sqlite"})

    @asset(
        **arguments,
        deps=[[app.name, "sesh", "flushes"], [app.name, "sesh", "partitions"], [app.name, "d1", "users"]],
        description="Points of sessions, known by session and number, in the partitions of `points`: once each.",
        metadata={"dagster/table_name": POINTS.name},
        pool="d1",
        freshness_policy=FreshnessPolicy.time_window(fail_window=timedelta(hours=6), warn_window=timedelta(hours=2)),
        check_specs=[
            AssetCheckSpec(
                "every_line_counted",
                asset=arguments["key"],
                description="For the run: lines received = points stored + doubled + lines quarantined.",
            ),
            AssetCheckSpec(
                "no_large_gap",
                asset=arguments["key"],
                description=f"No session of the last day misses more than {TOLERATED} points in a row.",
            ),
        ],
        required_resource_keys={d1, "object_store", "postgres", "clock", "progress"},
    )
    def points(context: AssetExecutionContext, config: PointsConfig) -> Iterator[MaterializeResult[None]]:
        resources, database = context.resources, getattr(context.resources, d1)
        progress = resources.progress("objects of points ingested")
        if config.replay:
            reason = None if config.replay == "all" else Reason(config.replay).value
            quarantine.replay(resources.object_store, database, resources.clock, reason)
        engine = PointIngest(database, resources.object_store, resources.postgres, resources.clock, progress=progress)
        run = engine.run(sweep=config.sweep)
        now = resources.clock()
        found = gaps(database, now - LOOKED_BACK, now)
        counts = {
            "received": run.received,
            "stored": run.stored,
            "doubled": run.doubled,
            "quarantined": run.quarantined,
        }
        yield MaterializeResult(
            metadata={
                "objects": run.objects,
                **counts,
                "dagster/partition_row_count": run.stored,
                "quarantine": table_of(quarantine.summary(database)),
                "small_gaps": found.small,
                "missing_in_small_gaps": found.small_missing,
            },
            check_results=[
                AssetCheckResult(
                    check_name="every_line_counted",
                    passed=run.received == run.stored + run.doubled + run.quarantined,
                    metadata=counts,
                ),
                AssetCheckResult(
                    check_name="no_large_gap",
                    passed=not found.large,
                    severity=AssetCheckSeverity.WARN,
                    description=f"{len(found.large)} gaps of more than {TOLERATED} points.",
                    metadata={"gaps": table_of(found.large[:GAPS_SHOWN])},
                ),
            ],
        )

    return points


def _columns(app: App) -> AssetsDefinition:
    d1 = f"{app.name}_d1"
    arguments = asset_arguments(app, "sesh", "columns", store="d1", pii=False, kinds={"cloudflare", "sqlite"})
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
        required_resource_keys={d1, "progress"},
    )
    def filled(context: AssetExecutionContext) -> Iterator[MaterializeResult[None]]:
        database, progress = getattr(context.resources, d1), context.resources.progress("rows looked at")
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

"""Points as assets: what was flushed, and what was taken of it. The work is in ingest.py and gaps.py."""

from collections.abc import Iterator
from datetime import timedelta

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
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
from assets.apps.sesh_series import POINTS
from assets.description import asset_arguments, column_schema
from assets.description import table as table_of
from assets.points import quarantine
from assets.points.gaps import TOLERATED, gaps
from assets.points.ingest import PointIngest
from assets.points.point import Reason
from assets.rooms import Rooms

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


class PointsConfig(Config):
    """sweep: list every object of points, not only what arrived since the last run. replay: a reason whose quarantined
    lines are landed again before, or `all`.
    """

    sweep: bool = False
    replay: str | None = None


def build(app: App) -> list[AssetsDefinition | AssetSpec]:
    """The points of an app that keeps them in partitions."""
    if POINTS not in app.series:
        return []
    flushes = AssetSpec(
        **asset_arguments(app, "points", "flushes", store="r2", pii=True, kinds={"cloudflare", "json"}),
        description="Points of active sessions, ten an object: NDJSON under sesh/points/YYYY/MM/DD/HH/.",
        metadata={"dagster/column_schema": column_schema(_POINT_FIELDS)},
    )
    return [flushes, _points(app)]


def _points(app: App) -> AssetsDefinition:
    arguments = asset_arguments(app, "points", "ingested", store="d1", pii=True, kinds={"cloudflare", "sqlite"})

    @asset(
        **arguments,
        deps=[[app.name, "points", "flushes"], [app.name, "series", "partitions"], [app.name, "d1", "users"]],
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
    )
    def points(config: PointsConfig, rooms: ResourceParam[Rooms]) -> Iterator[MaterializeResult[None]]:
        database = rooms.d1(app)
        progress = rooms.progress("objects of points ingested")
        if config.replay:
            reason = None if config.replay == "all" else Reason(config.replay).value
            quarantine.replay(rooms.object_store, database, rooms.clock, reason)
        engine = PointIngest(database, rooms.object_store, rooms.postgres, rooms.clock, progress=progress)
        run = engine.run(sweep=config.sweep)
        now = rooms.clock()
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

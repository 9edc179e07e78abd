"""Points as assets: what was flushed, and what was ingested of it.

What does not belong here: the work itself (ingest.py, gaps.py).
"""

from collections.abc import Iterator
from datetime import timedelta

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetsDefinition,
    AssetSpec,
    Config,
    FreshnessPolicy,
    MaterializeResult,
    ResourceParam,
)
from pydantic import Field

from assets.apps import App, Points
from assets.description import app_asset, asset_arguments, column_schema
from assets.description import table as table_of
from assets.intake.described import taken
from assets.intake.refused_lines import Selection
from assets.points.gaps import TOLERATED, gaps
from assets.points.ingest import PointIngest
from assets.points.point import PointReason
from assets.points.refused import quarantine
from assets.rooms import Rooms
from assets.tables.observation_assets import observed_prefix
from resources.counts import counted
from resources.declined import DeclinedError

# Sessions with a point in this time are searched for gaps. Runs come every hour.
LOOKED_BACK = timedelta(days=1)
GAPS_SHOWN = 50
SUMMARISED = ("reason", "field", "value", "lines", "example")
_POINT_FIELDS = [
    ("userId", "text", "Who recorded it", False),
    ("sessionId", "text", "The session", False),
    ("seq", "integer", "Its number in the session, from 1, without holes", False),
    ("at", "text", "When, UTC", False),
    ("values", "json", "Name to number: at most 40, kept to a millionth", False),
]


class PointsConfig(Config):
    """Which objects of points a run looks at."""

    sweep: bool = Field(
        default=False, description="List every object of points, not only what arrived since the last run."
    )
    replay: str | None = Field(default=None, description="First land the refused lines of this reason again, or `all`.")


def build(app: App) -> list[AssetsDefinition]:
    """The point assets of an app that has points."""
    if app.points is None:
        return []
    flushes = AssetSpec(
        **asset_arguments(
            app, "points", "flushes", store="r2", holds=[("r2", app.points.prefix)], kinds={"cloudflare", "json"}
        ),
        description=f"Points of active sessions, ten an object: NDJSON under {app.points.prefix}YYYY/MM/DD/HH/.",
        metadata={"dagster/column_schema": column_schema(_POINT_FIELDS)},
    )
    return [observed_prefix(app, flushes, app.points.prefix), _ingested(app, app.points)]


def _ingested(app: App, points: Points) -> AssetsDefinition:
    @app_asset(
        app,
        "points",
        "ingested",
        store="d1",
        holds=[("d1", f"{points.series.name}_*")],
        kinds={"cloudflare", "sqlite"},
        checks={
            "every_line_counted": "For the run: lines received = points stored + doubled + lines quarantined.",
            "no_large_gap": f"No session of the last day misses more than {TOLERATED} points in a row.",
        },
        deps=[[app.name, "points", "flushes"], [app.name, "series", "partitions"], [app.name, "d1", points.users]],
        description="Points of sessions, known by session and number, in the partitions of `points`: once each.",
        metadata={"dagster/table_name": points.series.name},
        pool="d1",
        freshness_policy=FreshnessPolicy.time_window(fail_window=timedelta(hours=6), warn_window=timedelta(hours=2)),
    )
    def ingested(config: PointsConfig, rooms: ResourceParam[Rooms]) -> Iterator[MaterializeResult[None]]:
        database = rooms.d1(app)
        refused = quarantine(rooms, app)
        assert refused is not None, "an app with points has their quarantine"
        if config.replay:
            refused.replay(Selection(_reason(config.replay)))
        run = PointIngest.of(rooms, app).run(sweep=config.sweep)
        now = rooms.clock()
        missing = gaps(database, points.series, now - LOOKED_BACK, now)
        summary = [{name: row[name] for name in SUMMARISED} for row in refused.refusals.summary()]
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
                "quarantine": table_of(summary),
                **({"landed": table_of(taken(run.taken, lambda one: one.sha256[:16]))} if run.taken else {}),
                "small_gaps": missing.small,
                "missing_in_small_gaps": missing.small_missing,
            },
            check_results=[
                AssetCheckResult(
                    check_name="every_line_counted",
                    passed=run.received == run.stored + run.doubled + run.quarantined,
                    metadata=counts,
                ),
                AssetCheckResult(
                    check_name="no_large_gap",
                    passed=not missing.large,
                    severity=AssetCheckSeverity.WARN,
                    description=f"{counted(len(missing.large), 'gap')} of more than {TOLERATED} points.",
                    metadata={"gaps": table_of(missing.large[:GAPS_SHOWN])},
                ),
            ],
        )

    return ingested


def _reason(named: str) -> str | None:
    """The reason whose lines are landed again; None for every one."""
    known = [reason.value for reason in PointReason]
    if named not in (*known, "all"):
        raise DeclinedError(f"no line of points is refused for {named!r}", f"name `all` or one of {', '.join(known)}")
    return None if named == "all" else named

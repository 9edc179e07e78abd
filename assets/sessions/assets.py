"""The session assets: the sessions of a day, and whether tracker and recount agree. The engine is in build.py."""

from datetime import timedelta

from dagster import (
    AssetCheckResult,
    AssetChecksDefinition,
    AssetCheckSeverity,
    AssetExecutionContext,
    AssetsDefinition,
    BackfillPolicy,
    Config,
    FreshnessPolicy,
    MaterializeResult,
    ResourceParam,
    asset_check,
)
from pydantic import Field

from assets.apps import App
from assets.declined import plainly_declined
from assets.description import app_asset, column_schema
from assets.description import table as table_of
from assets.partitions import Calendar, window
from assets.rooms import Rooms
from assets.sessions.build import TABLE, Sessions
from resources.sql_files import read_sql

# The largest difference between the numbers of sessions, as a share of the tracker's, over the last days built.
DISAGREEMENT, DAYS_COMPARED = 0.2, 7
_COLUMNS = [
    ("org_tag", "text", "Organisation's data tag", False),
    ("day", "date", "UTC day that the session started on", False),
    ("origin", "text", "tracker: by session_id, visitor and pauses; recomputed: by visitor and pauses", False),
    ("session", "bytea", "Hash of the session_id; of the visitor where it is recomputed", False),
    ("visitor", "bytea", "Hash of the anonymous_id", False),
    ("started_at", "timestamptz", "First event", False),
    ("ended_at", "timestamptz", "Last event", False),
    ("duration_seconds", "double precision", "From the first to the last event", False),
    ("events", "bigint", "Events", False),
    ("page_views", "bigint", "Page views", False),
    ("bounced", "boolean", "At most one page view", False),
    *(
        (f"{end}_{name}", "text", f"Of the {which} page view, or event where there is none", False)
        for end, which in (("landing", "first"), ("exit", "last"))
        for name in ("hostname", "path")
    ),
    *(
        (f"{end}_{name}", "text", f"Of the {end} event with a campaign or a foreign referrer", False)
        for end in ("first", "last")
        for name in ("source", "medium", "campaign")
    ),
]


class SessionsConfig(Config):
    """Which organisations a run makes."""

    org: str | None = Field(
        default=None, description="Make the rows of this organisation's tag again, and leave the others."
    )


def build(app: App, calendar: Calendar) -> list[AssetsDefinition | AssetChecksDefinition]:
    """The sessions of an app that collects events."""
    return [_daily(app, calendar), _agreement(app)]


def _daily(app: App, calendar: Calendar) -> AssetsDefinition:
    @app_asset(
        app,
        "sessions",
        "daily",
        store="postgres",
        holds=[("postgres", "sessions.daily")],
        kinds={"postgres", "polars"},
        deps=[[app.name, "events", "compacted"]],
        partitions_def=calendar.daily,
        backfill_policy=BackfillPolicy.single_run(),
        description=(
            "Sessions by the UTC day that they started on, as the tracker reports them and recomputed from 30 minutes "
            "of inactivity: landing and exit page, duration, bounce, first and last touch. A session may go on into "
            "the next day, and is cut at the midnight that ends it. Ids are hashed. A day is replaced as a whole."
        ),
        metadata={"dagster/table_name": TABLE, "dagster/column_schema": column_schema(_COLUMNS)},
        pool="postgres",
        freshness_policy=FreshnessPolicy.time_window(fail_window=timedelta(hours=30), warn_window=timedelta(hours=26)),
    )
    def daily(
        context: AssetExecutionContext, config: SessionsConfig, rooms: ResourceParam[Rooms]
    ) -> MaterializeResult[None]:
        selected = window(context)
        built = Sessions.of(rooms, app).run(selected, config.org)
        summary = rooms.postgres.fetch(
            read_sql("sessions/summary.sql"),
            {"app": app.name, "start": selected.start.date(), "end": selected.end.date()},
        )
        return MaterializeResult(
            metadata={
                "days": built.days,
                "tracker_sessions": built.tracker,
                "recomputed_sessions": built.recomputed,
                "dagster/partition_row_count": built.tracker + built.recomputed,
                "preview": table_of(summary),
            }
        )

    return daily


def _agreement(app: App) -> AssetChecksDefinition:
    @asset_check(
        asset=[app.name, "sessions", "daily"],
        name="tracker_agrees_with_recount",
        description=(
            f"The tracker's number of sessions over the last {DAYS_COMPARED} days and the recomputed number are "
            f"at most {DISAGREEMENT:.0%} apart."
        ),
    )
    @plainly_declined
    def agreement(rooms: ResourceParam[Rooms]) -> AssetCheckResult:
        (counts,) = rooms.postgres.fetch(
            read_sql("sessions/agreement.sql"),
            {"app": app.name, "today": rooms.clock().date(), "days": DAYS_COMPARED},
        )
        tracker, recomputed = counts["tracker"], counts["recomputed"]
        apart = abs(tracker - recomputed) / tracker if tracker else None
        return AssetCheckResult(
            passed=apart is not None and apart <= DISAGREEMENT,
            severity=AssetCheckSeverity.WARN,
            description=(
                "No session of a day that has ended: nothing is proved."
                if apart is None
                else f"{tracker:,} by the tracker, {recomputed:,} recomputed: {apart:.1%} apart."
            ),
            metadata={"tracker": tracker, "recomputed": recomputed, "apart": apart or 0.0, "days": counts["days"]},
        )

    return agreement

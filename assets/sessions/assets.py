"""Session assets: the sessions of a day, and how far the tracker and the recount agree. The work is in build.py."""

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
    asset,
    asset_check,
)

from assets.apps import App
from assets.description import asset_arguments, column_schema
from assets.description import table as table_of
from assets.events.table import events_table
from assets.partitions import Calendar, window
from assets.rooms import Rooms
from assets.sessions.build import TABLE, Sessions
from resources.sql_files import read_sql

# How far the numbers of sessions may lie apart, as a share of the tracker's, over the last days that were made.
DISAGREEMENT, DAYS_COMPARED = 0.2, 7
_COLUMNS = [
    ("org_tag", "text", "Organisation's data tag", False),
    ("day", "date", "UTC day that the session started on", False),
    ("origin", "text", "tracker: by session_id; recomputed: by pauses of 30 minutes", False),
    ("session", "bytea", "Hash of the session_id; of a recomputed session, of its visitor", False),
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
    """org: make one organisation's rows anew, leave the others."""

    org: str | None = None


def build(app: App, calendar: Calendar) -> list[AssetsDefinition | AssetChecksDefinition]:
    """The sessions of an application that has an audience."""
    return [] if app.audience is None else [_daily(app, calendar), _agreement(app)]


def _daily(app: App, calendar: Calendar) -> AssetsDefinition:
    @asset(
        **asset_arguments(
            app,
            "sessions",
            "daily",
            store="postgres",
            holds=[("postgres", "sessions.daily")],
            kinds={"postgres", "polars"},
        ),
        deps=[[app.name, "events", "compacted"]],
        partitions_def=calendar.daily,
        backfill_policy=BackfillPolicy.single_run(),
        description=(
            "Sessions by the UTC day that they started on, as the tracker reports them and recomputed from 30 minutes "
            "of inactivity: landing and exit page, duration, bounce, first and last touch. A session may go on into "
            "the next day, and is cut at the midnight that ends it. Ids are hashed. A day is replaced whole."
        ),
        metadata={"dagster/table_name": TABLE, "dagster/column_schema": column_schema(_COLUMNS)},
        pool="postgres",
        freshness_policy=FreshnessPolicy.time_window(fail_window=timedelta(hours=30), warn_window=timedelta(hours=26)),
    )
    def made(
        context: AssetExecutionContext, config: SessionsConfig, rooms: ResourceParam[Rooms]
    ) -> MaterializeResult[None]:
        asked = window(context)
        engine = Sessions(
            rooms.lake.table(events_table(app)), rooms.postgres, rooms.clock, rooms.progress("days of sessions")
        )
        done = engine.run(asked, config.org)
        summary = rooms.postgres.fetch(
            read_sql("sessions/summary.sql"), {"start": asked.start.date(), "end": asked.end.date()}
        )
        return MaterializeResult(
            metadata={
                "days": done.days,
                "tracker_sessions": done.tracker,
                "recomputed_sessions": done.recomputed,
                "dagster/partition_row_count": done.tracker + done.recomputed,
                "preview": table_of(summary),
            }
        )

    return made


def _agreement(app: App) -> AssetChecksDefinition:
    @asset_check(
        asset=[app.name, "sessions", "daily"],
        name="tracker_agrees_with_recount",
        description=(
            f"The tracker's number of sessions over the last {DAYS_COMPARED} days beside the recomputed one: "
            f"at most {DISAGREEMENT:.0%} apart."
        ),
    )
    def agreement(rooms: ResourceParam[Rooms]) -> AssetCheckResult:
        (found,) = rooms.postgres.fetch(
            read_sql("sessions/agreement.sql"),
            {"today": rooms.clock().date(), "days": DAYS_COMPARED},
        )
        tracker, recomputed = found["tracker"], found["recomputed"]
        apart = abs(tracker - recomputed) / tracker if tracker else None
        return AssetCheckResult(
            passed=apart is not None and apart <= DISAGREEMENT,
            severity=AssetCheckSeverity.WARN,
            description=(
                "No session of a day that has ended: nothing is proved."
                if apart is None
                else f"{tracker:,} by the tracker, {recomputed:,} recomputed: {apart:.1%} apart."
            ),
            metadata={"tracker": tracker, "recomputed": recomputed, "apart": apart or 0.0, "days": found["days"]},
        )

    return agreement

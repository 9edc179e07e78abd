"""Roll-up assets: one a grain, a window at a time. The work itself is in build.py."""

from datetime import timedelta

from dagster import (
    AssetCheckResult,
    AssetChecksDefinition,
    AssetExecutionContext,
    AssetsDefinition,
    BackfillPolicy,
    Config,
    FreshnessPolicy,
    MaterializeResult,
    MetadataValue,
    ResourceParam,
    TimeWindowPartitionsDefinition,
    asset,
    asset_check,
)

from assets.apps import App
from assets.description import asset_arguments, column_schema
from assets.description import table as table_of
from assets.events.table import events_table
from assets.partitions import Calendar, window
from assets.rollups import late
from assets.rollups.audit import audit
from assets.rollups.build import RollUp
from assets.rollups.build_periods import PeriodRollUp
from assets.rollups.definition import CUTS, Grain
from assets.rollups.periods import Period
from assets.rooms import Rooms
from assets.windows import midnight
from resources.sql_files import read_sql

_A_DAY = FreshnessPolicy.time_window(fail_window=timedelta(hours=30), warn_window=timedelta(hours=26))
_FRESHNESS = {
    Grain.HOURLY: FreshnessPolicy.time_window(fail_window=timedelta(hours=3), warn_window=timedelta(hours=2)),
    Grain.DAILY: _A_DAY,
}


class RollUpConfig(Config):
    """org: make one organisation's rows anew, leave the others."""

    org: str | None = None


def build(app: App, calendar: Calendar, late_horizon: timedelta) -> list[AssetsDefinition | AssetChecksDefinition]:
    """The roll-ups of an application that has an audience. `late_horizon`: how far back late data is made unasked."""
    if app.audience is None:
        return []
    return [
        _grain(app, Grain.HOURLY, calendar, late_horizon),
        _grain(app, Grain.DAILY, calendar, late_horizon),
        _period(app, Period.WEEKLY, calendar.weekly),
        _period(app, Period.MONTHLY, calendar.monthly),
        _audit(app),
    ]


def _grain(app: App, grain: Grain, calendar: Calendar, late_horizon: timedelta) -> AssetsDefinition:
    hourly = grain is Grain.HOURLY
    deps, partitions = (["events", "compacted"], calendar.hourly) if hourly else (["rollups", "hourly"], calendar.daily)
    tables = [cut.table(grain) for cut in CUTS]
    dimensions = ", ".join(CUTS[0].dimensions)

    @asset(
        **asset_arguments(
            app,
            "rollups",
            grain.value,
            store="postgres",
            holds=[("postgres", table) for table in tables],
            kinds={"postgres", "polars"},
        ),
        deps=[[app.name, *deps]],
        partitions_def=partitions,
        backfill_policy=BackfillPolicy.single_run(),
        description=(
            f"Events, visitors, sessions and value, {grain.value}, by organisation, {dimensions}; and cut by totals, "
            "pages, sources and campaigns. Distinct counts are exact. A window is replaced whole."
        ),
        metadata={
            "dagster/table_name": tables[0],
            "tables": MetadataValue.json(tables),
            "dagster/column_schema": column_schema(
                [
                    ("org_tag", "text", "Organisation's data tag", False),
                    (grain.column, "timestamptz" if hourly else "date", "Start of the window", False),
                    *((name, "text", "Empty where the event had none", False) for name in CUTS[0].dimensions),
                    ("events", "bigint", "Events", False),
                    ("visitors", "bigint", "Distinct anonymous_id", False),
                    ("sessions", "bigint", "Distinct session_id", False),
                    ("value", "numeric(38, 6)", "Sum of event_value", False),
                ]
            ),
        },
        pool="postgres",
        freshness_policy=_FRESHNESS[grain],
    )
    def rolled_up(
        context: AssetExecutionContext, config: RollUpConfig, rooms: ResourceParam[Rooms]
    ) -> MaterializeResult[None]:
        engine = RollUp(
            grain,
            rooms.lake.table(events_table(app)),
            rooms.postgres,
            rooms.clock,
            progress=rooms.progress(f"days rolled up ({grain.value})"),
        )
        asked = window(context)
        built = engine.run(asked, config.org)
        busiest = rooms.postgres.fetch(
            read_sql(f"rollups/preview_{grain.value}.sql"),
            {
                "start": asked.start if hourly else asked.start.date(),
                "end": asked.end if hourly else asked.end.date(),
            },
        )
        earliest = midnight(calendar.start)
        since = late.horizon(earliest, late_horizon, rooms.clock())
        return MaterializeResult(
            metadata={
                "events": built.events,
                "windows": built.windows,
                "doubles_ignored": built.doubles,
                "late_beyond_the_bound": str(late.beyond(rooms.postgres, earliest, since)) or "none",
                "dagster/partition_row_count": built.rows.get(tables[0], 0),
                "rows_by_table": MetadataValue.json(built.rows),
                "preview": table_of(busiest),
            }
        )

    return rolled_up


def _period(app: App, period: Period, partitions: TimeWindowPartitionsDefinition) -> AssetsDefinition:
    tables = [period.table(cut) for cut in CUTS]
    totals = next(period.table(cut) for cut in CUTS if cut.sketched)

    @asset(
        **asset_arguments(
            app,
            "rollups",
            period.value,
            store="postgres",
            holds=[("postgres", table) for table in tables],
            kinds={"postgres", "polars"},
        ),
        deps=[[app.name, "rollups", Grain.DAILY.value]],
        partitions_def=partitions,
        backfill_policy=BackfillPolicy.single_run(),
        description=(
            f"Daily roll-ups summed by {'ISO week' if period is Period.WEEKLY else 'calendar month'}. Events and value "
            "are exact. Totals count visitors and sessions from the days' sketches: exact where `exact` says so, else "
            "an estimate (1.1 % relative standard error). The other cuts hold the sums of the days' distinct counts, "
            "daily_visitors and daily_sessions. A window is replaced whole."
        ),
        metadata={
            "dagster/table_name": totals,
            "tables": MetadataValue.json(tables),
            "dagster/column_schema": column_schema(
                [
                    ("org_tag", "text", "Organisation's data tag", False),
                    (period.column, "date", "First day of the window", False),
                    ("events", "bigint", "Events", False),
                    ("visitors", "bigint", "Distinct anonymous_id, by sketch", False),
                    ("sessions", "bigint", "Distinct session_id, by sketch", False),
                    ("exact", "boolean", "Whether visitors and sessions are no estimates", False),
                    ("value", "numeric(38, 6)", "Sum of event_value", False),
                    ("visitor_sketch", "bytea", "Merges into any longer range", False),
                    ("session_sketch", "bytea", "Merges into any longer range", False),
                ]
            ),
        },
        pool="postgres",
        freshness_policy=_A_DAY,
    )
    def rolled_up(
        context: AssetExecutionContext, config: RollUpConfig, rooms: ResourceParam[Rooms]
    ) -> MaterializeResult[None]:
        postgres, asked = rooms.postgres, window(context)
        progress = rooms.progress(f"{period.column}s rolled up")
        built = PeriodRollUp(period, postgres, rooms.clock, progress).run(asked, config.org)
        busiest = postgres.fetch(
            read_sql(f"rollups/preview_{period.value}.sql"), {"start": asked.start.date(), "end": asked.end.date()}
        )
        return MaterializeResult(
            metadata={
                "events": built.events,
                "windows": built.windows,
                "dagster/partition_row_count": built.rows.get(totals, 0),
                "rows_by_table": MetadataValue.json(built.rows),
                "preview": table_of(busiest),
            }
        )

    return rolled_up


def _audit(app: App) -> AssetChecksDefinition:
    @asset_check(
        asset=[app.name, "rollups", Grain.HOURLY.value],
        name="recount_from_raw_events",
        description="One random recent hour counted again from raw events by another engine: no difference allowed.",
    )
    def recount(rooms: ResourceParam[Rooms]) -> AssetCheckResult:
        found = audit(
            rooms.lake.table(events_table(app)),
            rooms.postgres,
            rooms.clock,
            rooms.r2_sql,
        )
        return AssetCheckResult(
            passed=found.passed,
            description="" if found.window else "No built hour could be counted again: nothing is proved.",
            metadata={
                "hour": found.window.start.isoformat() if found.window else "none",
                "groups": found.rows,
                "events": found.events,
                "counted_from": found.source,
                "differences": MetadataValue.json(list(found.differences[:20])),
            },
        )

    return recount

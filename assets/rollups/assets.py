"""The roll-up assets: one a grain and one a period, a window at a time, and the audit as a check.

The engines are in build.py, build_periods.py and audit.py.
"""

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
    MetadataValue,
    ResourceParam,
    TimeWindowPartitionsDefinition,
    asset_check,
)
from pydantic import Field

from assets.apps import App
from assets.declined import plainly_declined
from assets.description import app_asset, column_schema
from assets.description import table as table_of
from assets.other_engine import within
from assets.partitions import Calendar, window
from assets.rollups import late
from assets.rollups.audit import RollUpAudit
from assets.rollups.build import RollUp, bounds
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
_ORGANISATION = ("org_tag", "text", "Organisation's data tag", False)


class RollUpConfig(Config):
    """Which organisations a run makes."""

    org: str | None = Field(
        default=None, description="Make the rows of this organisation's tag again, and leave the others."
    )


def build(app: App, calendar: Calendar, late_horizon: timedelta) -> list[AssetsDefinition | AssetChecksDefinition]:
    """The roll-ups of an app that collects events. `late_horizon`: how far back late data is built automatically."""
    return [
        _grain(app, Grain.HOURLY, calendar, late_horizon),
        _grain(app, Grain.DAILY, calendar, late_horizon),
        _period(app, Period.WEEKLY, calendar.weekly),
        _period(app, Period.MONTHLY, calendar.monthly),
        _audit(app),
    ]


def _grain(app: App, grain: Grain, calendar: Calendar, late_horizon: timedelta) -> AssetsDefinition:
    hourly = grain is Grain.HOURLY
    dimensions = ", ".join(CUTS[0].dimensions)
    tables = [cut.table(grain) for cut in CUTS]

    @app_asset(
        app,
        "rollups",
        grain.value,
        store="postgres",
        holds=[("postgres", table) for table in tables],
        kinds={"postgres", "polars"},
        deps=[[app.name, *(("events", "compacted") if hourly else ("rollups", "hourly"))]],
        partitions_def=calendar.hourly if hourly else calendar.daily,
        backfill_policy=BackfillPolicy.single_run(),
        description=(
            f"Events, visitors, sessions and value, {grain.value}, by organisation, {dimensions}. Further tables cut "
            "them by totals, pages, sources and campaigns. Distinct counts are exact. A window is replaced as a whole."
        ),
        metadata=_described(
            tables,
            tables[0],
            (grain.column, "timestamptz" if hourly else "date", "Start of the window", False),
            *((name, "text", "Empty where the event had none", False) for name in CUTS[0].dimensions),
            ("events", "bigint", "Events", False),
            ("visitors", "bigint", "Distinct anonymous_id", False),
            ("sessions", "bigint", "Distinct session_id", False),
            ("value", "numeric(38, 6)", "Sum of event_value", False),
        ),
        pool="postgres",
        freshness_policy=_FRESHNESS[grain],
    )
    def rolled_up(
        context: AssetExecutionContext, config: RollUpConfig, rooms: ResourceParam[Rooms]
    ) -> MaterializeResult[None]:
        selected = window(context)
        built = RollUp.of(rooms, app, grain, within(rooms.other_engine, context)).run(selected, config.org)
        busiest = rooms.postgres.fetch(
            read_sql(f"rollups/preview_{grain.value}.sql"), {"app": app.name, **bounds(grain, selected)}
        )
        earliest = midnight(calendar.start)
        since = late.horizon(earliest, late_horizon, rooms.clock())
        return MaterializeResult(
            metadata={
                "events": built.events,
                "windows": built.windows,
                "doubles_ignored": built.doubles,
                "amounts_not_summed": built.not_summed,
                "days_by_other_engine": built.elsewhere,
                "late_beyond_the_bound": str(late.beyond(app, rooms.postgres, earliest, since)) or "none",
                "dagster/partition_row_count": built.rows.get(tables[0], 0),
                "rows_by_table": MetadataValue.json(built.rows),
                "preview": table_of(busiest),
            }
        )

    return rolled_up


def _period(app: App, period: Period, partitions: TimeWindowPartitionsDefinition) -> AssetsDefinition:
    tables = [cut.table(period) for cut in CUTS]
    totals = next(cut.table(period) for cut in CUTS if cut.sketched)

    @app_asset(
        app,
        "rollups",
        period.value,
        store="postgres",
        holds=[("postgres", table) for table in tables],
        kinds={"postgres", "polars"},
        deps=[[app.name, "rollups", Grain.DAILY.value]],
        partitions_def=partitions,
        backfill_policy=BackfillPolicy.single_run(),
        description=(
            f"Daily roll-ups summed by {'ISO week' if period is Period.WEEKLY else 'calendar month'}. Events and value "
            "are exact. Totals count visitors and sessions from the sketches of the days: exact where `exact` is true, "
            "else an estimate (1.1 % relative standard error). The other cuts hold the sums of the days' distinct "
            "counts, daily_visitors and daily_sessions. A window is replaced as a whole."
        ),
        metadata=_described(
            tables,
            totals,
            (period.column, "date", "First day of the window", False),
            ("events", "bigint", "Events", False),
            ("visitors", "bigint", "Distinct anonymous_id, by sketch", False),
            ("sessions", "bigint", "Distinct session_id, by sketch", False),
            ("exact", "boolean", "Whether visitors and sessions are exact", False),
            ("value", "numeric(38, 6)", "Sum of event_value", False),
            ("visitor_sketch", "bytea", "Merges into any longer range", False),
            ("session_sketch", "bytea", "Merges into any longer range", False),
        ),
        pool="postgres",
        freshness_policy=_A_DAY,
    )
    def rolled_up(
        context: AssetExecutionContext, config: RollUpConfig, rooms: ResourceParam[Rooms]
    ) -> MaterializeResult[None]:
        selected = window(context)
        built = PeriodRollUp.of(rooms, app, period).run(selected, config.org)
        busiest = rooms.postgres.fetch(
            read_sql(f"rollups/preview_{period.value}.sql"),
            {"app": app.name, "start": selected.start.date(), "end": selected.end.date()},
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


def _described(tables: list[str], first: str, *columns: tuple[str, str, str, bool]) -> dict[str, object]:
    return {
        "dagster/table_name": first,
        "tables": MetadataValue.json(tables),
        "dagster/column_schema": column_schema([_ORGANISATION, *columns]),
    }


def _audit(app: App) -> AssetChecksDefinition:
    @asset_check(
        asset=[app.name, "rollups", Grain.HOURLY.value],
        name="recount_from_raw_events",
        description="Another engine counts a random recent hour again from raw events. No difference is allowed.",
    )
    @plainly_declined
    def recount(rooms: ResourceParam[Rooms]) -> AssetCheckResult:
        audit = RollUpAudit.of(rooms, app).run()
        return AssetCheckResult(
            passed=audit.passed,
            severity=AssetCheckSeverity.ERROR if audit.window else AssetCheckSeverity.WARN,
            description="" if audit.window else "No hour that was built can be counted again: nothing is proved.",
            metadata={
                "hour": audit.window.start.isoformat() if audit.window else "none",
                "groups": audit.rows,
                "events": audit.events,
                "counted_from": audit.source,
                "differences": MetadataValue.json(list(audit.differences[:20])),
            },
        )

    return recount

"""Roll-up assets: one a grain, a window at a time. The work itself is in build.py."""

from datetime import timedelta
from typing import Any

from dagster import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetChecksDefinition,
    AssetExecutionContext,
    AssetsDefinition,
    BackfillPolicy,
    Config,
    FreshnessPolicy,
    MaterializeResult,
    MetadataValue,
    asset,
    asset_check,
)

from assets.apps import App
from assets.description import asset_arguments, column_schema
from assets.description import table as table_of
from assets.events.table import EVENTS
from assets.partitions import Calendar, window
from assets.rollups.audit import audit
from assets.rollups.build import RollUp
from assets.rollups.definition import CUTS, Grain
from resources.sql_files import read_sql

_FRESHNESS = {
    Grain.HOURLY: FreshnessPolicy.time_window(fail_window=timedelta(hours=3), warn_window=timedelta(hours=2)),
    Grain.DAILY: FreshnessPolicy.time_window(fail_window=timedelta(hours=30), warn_window=timedelta(hours=26)),
}


class RollUpConfig(Config):
    """org: make one organisation's rows anew, leave the others."""

    org: str | None = None


def build(app: App, calendar: Calendar) -> list[AssetsDefinition | AssetChecksDefinition]:
    """The roll-ups of an application that has an audience."""
    if app.audience is None:
        return []
    return [
        _grain(app, Grain.HOURLY, calendar.hourly, deps=["events", "compacted"]),
        _grain(app, Grain.DAILY, calendar.daily, deps=["rollups", "hourly"]),
        _audit(app),
    ]


def _grain(app: App, grain: Grain, partitions: Any, deps: list[str]) -> AssetsDefinition:
    tables = [cut.table(grain) for cut in CUTS]
    dimensions = ", ".join(CUTS[0].dimensions)

    @asset(
        **asset_arguments(app, "rollups", grain.value, store="postgres", pii=False, kinds={"postgres", "polars"}),
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
                    (grain.column, "timestamptz" if grain is Grain.HOURLY else "date", "Start of the window", False),
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
        required_resource_keys={"lake", "postgres", "clock", "progress"},
    )
    def rolled_up(context: AssetExecutionContext, config: RollUpConfig) -> MaterializeResult[None]:
        engine = RollUp(
            grain,
            context.resources.lake.table(EVENTS),
            context.resources.postgres,
            context.resources.clock,
            progress=context.resources.progress(f"days rolled up ({grain.value})"),
        )
        asked = window(context)
        built = engine.run(asked, config.org)
        busiest = context.resources.postgres.fetch(
            read_sql(f"rollups/preview_{grain.value}.sql"),
            {
                "start": asked.start if grain is Grain.HOURLY else asked.start.date(),
                "end": asked.end if grain is Grain.HOURLY else asked.end.date(),
            },
        )
        return MaterializeResult(
            metadata={
                "events": built.events,
                "windows": built.windows,
                "doubles_ignored": built.doubles,
                "dagster/partition_row_count": built.rows.get(tables[0], 0),
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
        required_resource_keys={"lake", "postgres", "clock"},
    )
    def recount(context: AssetCheckExecutionContext) -> AssetCheckResult:
        found = audit(context.resources.lake.table(EVENTS), context.resources.postgres, context.resources.clock)
        return AssetCheckResult(
            passed=found.passed,
            description="" if found.window else "No built hour could be counted again: nothing is proved.",
            metadata={
                "hour": found.window.start.isoformat() if found.window else "none",
                "groups": found.rows,
                "events": found.events,
                "differences": MetadataValue.json(list(found.differences[:20])),
            },
        )

    return recount

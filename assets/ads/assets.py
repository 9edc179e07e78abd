"""Ad assets: one a platform, and the tables in Postgres that they fill. The work itself is in sync.py."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from dagster import (
    AssetCheckResult,
    AssetChecksDefinition,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetsDefinition,
    BackfillPolicy,
    Config,
    Failure,
    FreshnessPolicy,
    MaterializeResult,
    MetadataValue,
    ResourceParam,
    asset,
    asset_check,
)
from pydantic import Field

from assets.ads import restatements
from assets.ads.audit import Audit, audit
from assets.ads.plan import Asked, Mode
from assets.ads.sync import AdSync, Outcome
from assets.apps import AdAccounts, App
from assets.description import asset_arguments, column_schema
from assets.description import table as table_of
from assets.partitions import Calendar, window
from assets.progress import Progress, silent
from assets.rooms import Rooms
from assets.windows import DAY
from resources.ad_platforms import PLATFORMS, Platform
from resources.sql_files import read_sql

TABLES = {
    "campaigns": "Campaigns of all platforms: status, budget, currency, what the platform said of them",
    "ad_groups": "Ad groups (ad sets) below campaigns",
    "keywords": "Search keywords below ad groups (Google, Microsoft)",
    "campaign_metrics_daily": "What each campaign's day was worth, in the account's days and currency",
    "ad_group_metrics_daily": "What each ad group's day was worth",
    "keyword_metrics_daily": "What each keyword's day was worth",
}
# What the ledger's asset shows.
SHOWN = timedelta(days=60)
NAMED_FAILURES = 50
CONNECTIONS_OK = "connections_ok"


class AdSyncConfig(Config):
    """connection: one only, by its id. mode: window (the partitions' days), recent (those and what is missing before
    them) or lookback. tiers: connections of organisations of these tiers alone; none named, of all.
    """

    connection: str | None = None
    mode: str = Mode.WINDOW.value
    tiers: list[str] = Field(default_factory=list)


def build(app: App, calendar: Calendar) -> list[AssetsDefinition | AssetChecksDefinition]:
    """The ads of an application that has platform connections."""
    if app.ad_accounts is None:
        return []
    built: list[AssetsDefinition | AssetChecksDefinition] = []
    for platform in PLATFORMS.values():
        built += [
            _platform(app, app.ad_accounts, platform, calendar),
            _stored_equals_source(app, platform),
            _levels_agree(app, platform),
        ]
    built += [_table(app, name, doc) for name, doc in TABLES.items()]
    return [*built, _no_orphans(app), _restatements(app)]


def engine(rooms: Rooms, app: App, platform: Platform, progress: Progress = silent) -> AdSync:
    """The engine of a platform over the rooms."""
    return AdSync(
        platform,
        rooms.d1(app),
        rooms.postgres,
        rooms.object_store,
        rooms.keyring,
        rooms.clock,
        rooms.ad_apps.get(platform.name, {}),
        rooms.ad_origin,
        progress=progress,
    )


def _platform(app: App, accounts: AdAccounts, platform: Platform, calendar: Calendar) -> AssetsDefinition:
    arguments = asset_arguments(app, "ads", platform.name, store="postgres", holds=[], kinds={"postgres", "python"})

    @asset(
        **arguments,
        deps=[[app.name, "d1", accounts.table]],
        partitions_def=calendar.daily,
        backfill_policy=BackfillPolicy.single_run(),
        description=(
            f"{platform.title}: campaigns, ad groups, keywords and daily facts of every active connection. A partition"
            " is a metric day, in each account's own time zone; the newest one stands for the day in progress there."
            " Raw pages are staged in R2 first; a window is replaced whole; a failing connection leaves the others be."
        ),
        pool=f"ads_{platform.name}",
        freshness_policy=FreshnessPolicy.time_window(fail_window=timedelta(hours=26), warn_window=timedelta(hours=3)),
        check_specs=[
            AssetCheckSpec(
                CONNECTIONS_OK, asset=arguments["key"], description="Every connection of the run was synced."
            )
        ],
    )
    def synced(
        context: AssetExecutionContext, config: AdSyncConfig, rooms: ResourceParam[Rooms]
    ) -> Iterator[MaterializeResult[None] | AssetCheckResult]:
        days = window(context)
        asked = Asked(Mode(config.mode), days.start.date(), (days.end - DAY).date(), rooms.clock().date())
        progress = rooms.progress(f"slices synced ({platform.title})")
        sync = engine(rooms, app, platform, progress)
        outcomes = []
        for outcome in sync.run(asked, connection=config.connection, tiers=config.tiers):
            outcomes.append(outcome)
            if outcome.error is not None:
                context.log.warning(f"{outcome.connection.id}: {outcome.error}")
            if outcome.notes:
                context.log.warning(f"{outcome.connection.id}: not known yet: {dict(outcome.notes.most_common(20))}")
        if config.connection and not outcomes:
            raise ValueError(f"no active {platform.name} connection has the id {config.connection!r}")
        if not outcomes:
            progress(0, 0)
        proved = _connections_ok(outcomes)
        if outcomes and all(outcome.error is not None for outcome in outcomes):
            # Nothing was made: a success here would be a fresh one.
            yield proved
            raise Failure(proved.description, metadata=_metadata(outcomes), allow_retries=False)
        yield MaterializeResult(metadata=_metadata(outcomes), check_results=[proved])

    return synced


def _metadata(outcomes: list[Outcome]) -> dict[str, Any]:
    unknown: dict[str, int] = {}
    for outcome in outcomes:
        for name, count in outcome.notes.items():
            unknown[name] = unknown.get(name, 0) + count
    counted = ("inserted", "updated", "deleted", "restated")
    total = {what: sum(outcome.rows[what] for outcome in outcomes) for what in counted}
    return {
        "connections": len(outcomes),
        "failed": sum(1 for outcome in outcomes if outcome.error is not None),
        "slices": sum(outcome.slices for outcome in outcomes),
        "dagster/partition_row_count": sum(outcome.rows["campaign_days"] for outcome in outcomes),
        **{f"rows_{what}": count for what, count in total.items()},
        "entities_not_listed": sum(outcome.rows["unlisted"] for outcome in outcomes),
        "not_known_yet": MetadataValue.json(unknown),
    }


def _connections_ok(outcomes: list[Outcome]) -> AssetCheckResult:
    failed = [outcome for outcome in outcomes if outcome.error is not None]
    named = [
        {"connection": o.connection.id, "organisation": o.connection.org_id, "code": o.code or "", "why": o.error or ""}
        for o in failed[:NAMED_FAILURES]
    ]
    first = "; ".join(f"{row['connection']}: {row['why']}" for row in named[:3])
    return AssetCheckResult(
        check_name=CONNECTIONS_OK,
        passed=not failed,
        severity=AssetCheckSeverity.ERROR,
        description=f"{len(failed)} of {len(outcomes)} connections failed: {first}" if failed else "",
        metadata={"failed": len(failed), "connections": len(outcomes), "why": table_of(named)},
    )


def _table(app: App, name: str, doc: str) -> AssetsDefinition:
    @asset(
        **asset_arguments(
            app, "ads", name, store="postgres", holds=[("postgres", f"ads.{name}")], kinds={"postgres", "table"}
        ),
        deps=[[app.name, "ads", platform] for platform in PLATFORMS],
        description=f"{doc}: table ads.{name}, filled by the platforms' syncs.",
        metadata={"dagster/table_name": f"ads.{name}"},
    )
    def counted(rooms: ResourceParam[Rooms]) -> MaterializeResult[None]:
        rows = rooms.postgres.fetch(
            f"select platform, count(*) as rows from ads.{name} group by platform order by platform"
        )
        return MaterializeResult(
            metadata={
                "dagster/row_count": sum(row["rows"] for row in rows),
                "rows_by_platform": MetadataValue.json({row["platform"]: row["rows"] for row in rows}),
            }
        )

    return counted


def _restatements(app: App) -> AssetsDefinition:
    @asset(
        **asset_arguments(
            app,
            "ads",
            "restatements",
            store="postgres",
            holds=[("postgres", "ads.restatements")],
            kinds={"postgres", "view"},
        ),
        deps=[[app.name, "ads", "campaign_metrics_daily"]],
        description=(
            "What platforms changed of a campaign's day after it had been loaded as final: before, after, and the run"
            " that saw it. Days are the account's, in its own time zone. View ads.restatement_history."
        ),
        metadata={
            "dagster/table_name": "ads.restatement_history",
            "dagster/column_schema": column_schema(restatements.COLUMNS),
        },
    )
    def restated(rooms: ResourceParam[Rooms]) -> MaterializeResult[None]:
        postgres = rooms.postgres
        since = {"since": rooms.clock() - SHOWN}
        by_age = postgres.fetch(read_sql("ads/restated_days.sql"), since)
        return MaterializeResult(
            metadata={
                "dagster/row_count": postgres.fetch("select count(*) as rows from ads.restatements")[0]["rows"],
                "restated_rows": sum(row["rows"] for row in by_age),
                "conversions_change": float(sum(row["conversions_change"] for row in by_age)),
                "by_days_later": MetadataValue.md(restatements.plot(by_age)),
                "lately": table_of(postgres.fetch(read_sql("ads/restated_lately.sql"), since)),
            }
        )

    return restated


def _stored_equals_source(app: App, platform: Platform) -> AssetChecksDefinition:
    @asset_check(
        asset=[app.name, "ads", platform.name],
        name="stored_equals_source",
        description="One final day of one account asked of the platform again: campaigns and account total agree.",
    )
    def compared(rooms: ResourceParam[Rooms]) -> AssetCheckResult:
        found = audit(engine(rooms, app, platform))
        return AssetCheckResult(
            passed=found.passed,
            # Only what the platform itself changed since its pages were staged is no fault, as is having nothing yet.
            severity=AssetCheckSeverity.ERROR if found.differences else AssetCheckSeverity.WARN,
            description=_compared(found),
            metadata={
                "account": found.account_id or "none",
                "day": str(found.day or "none"),
                "campaigns": found.rows,
                "restated": MetadataValue.json(found.restated[:20]),
                "differences": MetadataValue.json(found.differences[:20]),
            },
        )

    return compared


def _compared(found: Audit) -> str:
    if found.day is None:
        return "No final day was synced lately: nothing is proved."
    if found.differences:
        return f"{len(found.differences)} differences that no restatement explains: {found.differences[0]}"
    return f"{len(found.restated)} campaigns restated since they were synced" if found.restated else ""


def _levels_agree(app: App, platform: Platform) -> AssetChecksDefinition:
    @asset_check(
        asset=[app.name, "ads", platform.name],
        name="levels_agree",
        description="A campaign is the sum of its ad groups, an ad group that of its keywords, where it has any.",
    )
    def agree(rooms: ResourceParam[Rooms]) -> AssetCheckResult:
        today = rooms.clock().date()
        # The day in progress moves between the requests of two levels.
        values = {"platform": platform.name, "since": today - timedelta(days=30), "until": today - timedelta(days=2)}
        differing = rooms.postgres.fetch(read_sql("ads/levels_agree.sql"), values)
        return AssetCheckResult(
            passed=not differing, metadata={"differing_days": len(differing), "days": table_of(differing[:20])}
        )

    return agree


def _no_orphans(app: App) -> AssetChecksDefinition:
    @asset_check(
        asset=[app.name, "ads", "campaigns"],
        name="no_orphans",
        description="Every ad group has its campaign, every keyword its ad group, every fact its entity.",
    )
    def orphans(rooms: ResourceParam[Rooms]) -> AssetCheckResult:
        since = rooms.clock().date() - timedelta(days=31)
        rows = rooms.postgres.fetch(read_sql("ads/orphans.sql"), {"since": since})
        found = {row["kind"]: row["rows"] for row in rows}
        return AssetCheckResult(passed=not any(found.values()), metadata={"orphans": MetadataValue.json(found)})

    return orphans

"""Ad assets: one a platform, the tables in Postgres that they fill, and the checks of both.

What belongs here: keys, descriptions, metadata and check results. What does not: the work itself (sync.py, audit.py).
"""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from dagster import (
    AssetCheckResult,
    AssetChecksDefinition,
    AssetCheckSeverity,
    AssetExecutionContext,
    AssetsDefinition,
    BackfillPolicy,
    Config,
    Failure,
    FreshnessPolicy,
    MaterializeResult,
    MetadataValue,
    ResourceParam,
    asset_check,
)
from pydantic import Field

from assets.ads import restatements
from assets.ads.audit import AdAudit, audit
from assets.ads.connection_assets import (
    CONNECTIONS_OK,
    SETTINGS_OK,
    accounts_connected,
    connections_ok,
    next_steps,
    platforms_known,
    settings_have_effect,
)
from assets.ads.connections import TIERS
from assets.ads.plan import SyncMode, SyncRequest
from assets.ads.rounding import WHOLE_CURRENCIES
from assets.ads.sync import AdSync, SyncResult
from assets.apps import AdAccounts, App
from assets.declined import NEXT, plainly_declined
from assets.description import app_asset, column_schema
from assets.description import table as table_of
from assets.partitions import Calendar, window
from assets.rooms import Rooms
from assets.windows import DAY
from resources.ad_platforms import PLATFORMS, Platform
from resources.counts import counted
from resources.declined import DeclinedError
from resources.sql_files import read_sql

TABLES = {
    "campaigns": "Campaigns of all platforms: status, budget, currency, and the platform's own record",
    "ad_groups": "Ad groups (ad sets) of campaigns",
    "ads": "Ads of ad groups, with what they show; view ads.creatives has each creative once",
    "keywords": "Search keywords of ad groups (Google, Microsoft)",
    "campaign_metrics_daily": "The numbers of each campaign's day, in the account's days and currency",
    "ad_group_metrics_daily": "The numbers of each ad group's day",
    "ad_metrics_daily": "The numbers of each ad's day; view ads.creative_metrics_daily has them by creative",
    "keyword_metrics_daily": "The numbers of each keyword's day",
    "conversions_daily": (
        "Conversions of each entity's day by action and attribution window; those with is_counted are the conversions"
        " of the facts"
    ),
}
# How far back the asset of restatements looks.
SHOWN = timedelta(days=60)


class AdSyncConfig(Config):
    """What a run syncs."""

    connection: str | None = Field(default=None, description="Only the connection with this id.")
    mode: str = Field(
        default=SyncMode.WINDOW.value,
        description="window: the days of the partitions; recent: those and every missing day before; lookback.",
    )
    tiers: list[str] = Field(default_factory=list, description="Only connections of organisations of these tiers.")


def build(app: App, calendar: Calendar) -> list[AssetsDefinition | AssetChecksDefinition]:
    """The ad assets and checks of an app; empty where it has no ad accounts."""
    if app.ad_accounts is None:
        return []
    definitions: list[AssetsDefinition | AssetChecksDefinition] = []
    for platform in PLATFORMS.values():
        definitions += [
            _platform(app, app.ad_accounts, platform, calendar),
            _stored_equals_source(app, platform),
            _levels_agree(app, platform),
            _actions_add_up(app, platform),
        ]
    definitions += [_table(app, name, doc) for name, doc in TABLES.items()]
    return [
        *definitions,
        _no_orphans(app),
        accounts_connected(app, app.ad_accounts),
        platforms_known(app, app.ad_accounts),
        _restatements(app),
    ]


def _platform(app: App, accounts: AdAccounts, platform: Platform, calendar: Calendar) -> AssetsDefinition:
    @app_asset(
        app,
        "ads",
        platform.name,
        store="postgres",
        holds=[],
        kinds={"postgres", "python"},
        checks={
            CONNECTIONS_OK: "Every connection of the run was synced.",
            SETTINGS_OK: "Every setting in `sync_config` is known, and every conversion action that it names has come.",
        },
        deps=[[app.name, "d1", accounts.table]],
        partitions_def=calendar.daily,
        backfill_policy=BackfillPolicy.single_run(),
        description=(
            f"{platform.title}: campaigns, ad groups, ads, keywords and daily facts of every active connection. A"
            " partition is a metric day, in each account's own time zone; the newest one stands for the day in progress"
            " there. Raw pages are staged in R2 first. A window is replaced, except for the days of entities that the"
            " platform lists no more and no longer reports. A failing connection does not stop the others.\n\n"
            f"Conversions: {platform.counting.says} A connection names others with `sync_config.conversion_actions`."
        ),
        metadata={"conversions": platform.counting.says},
        pool=f"ads_{platform.name}",
        freshness_policy=FreshnessPolicy.time_window(fail_window=timedelta(hours=26), warn_window=timedelta(hours=3)),
    )
    def synced(
        context: AssetExecutionContext, config: AdSyncConfig, rooms: ResourceParam[Rooms]
    ) -> Iterator[MaterializeResult[None] | AssetCheckResult]:
        days = window(context)
        unknown = [tier for tier in config.tiers if tier not in TIERS]
        if unknown:
            raise DeclinedError(f"{unknown[0]!r} is no tier of an organisation", f"name one of {', '.join(TIERS)}")
        request = SyncRequest(
            _mode(config.mode), since=days.start.date(), until=(days.end - DAY).date(), today=rooms.clock().date()
        )
        progress = rooms.progress(f"slices synced ({platform.title})")
        results = []
        sync = AdSync.of(rooms, app, platform, progress=progress)
        for result in sync.run(request, connection=config.connection, tiers=config.tiers):
            results.append(result)
            if result.error is not None:
                context.log.warning(f"{result.connection.id}: {result.error}")
            if result.notes:
                context.log.warning(f"{result.connection.id}: not known yet: {dict(result.notes.most_common(20))}")
        if config.connection and not results:
            # One of another platform is none of this asset's business: its own asset syncs it in the same run.
            sync.connections.require(config.connection, PLATFORMS)
        if not results:
            progress(0, 0)
        check, settings = connections_ok(platform, results), settings_have_effect(results)
        if results and not any(result.error is None or result.stored for result in results):
            # Nothing was made, and a materialisation would count as fresh.
            yield check
            yield settings
            raise Failure(
                check.description, metadata={**_metadata(results), NEXT: next_steps(results)}, allow_retries=False
            )
        yield MaterializeResult(metadata=_metadata(results), check_results=[check, settings])

    return synced


def _mode(named: str) -> SyncMode:
    if named not in list(SyncMode):
        raise DeclinedError(f"{named!r} is no mode of a sync", f"name one of {', '.join(SyncMode)}")
    return SyncMode(named)


def _metadata(results: list[SyncResult]) -> dict[str, Any]:
    rows: Counter[str] = sum((result.rows for result in results), Counter())
    unknown: Counter[str] = sum((result.notes for result in results), Counter())
    return {
        "connections": len(results),
        "failed": sum(1 for result in results if result.error is not None),
        "slices": sum(result.slices for result in results),
        "dagster/partition_row_count": rows["campaign_days"],
        **{f"rows_{name}": rows[name] for name in ("inserted", "updated", "deleted", "restated")},
        "requests": sum(result.requests for result in results),
        "entities_not_listed": rows["unlisted"],
        "days_kept_in_doubt": rows["doubtful"],
        "not_known_yet": MetadataValue.json(dict(unknown)),
    }


def _table(app: App, name: str, doc: str) -> AssetsDefinition:
    @app_asset(
        app,
        "ads",
        name,
        store="postgres",
        holds=[("postgres", f"ads.{name}")],
        kinds={"postgres", "table"},
        deps=[[app.name, "ads", platform] for platform in PLATFORMS],
        description=f"{doc}: table ads.{name}, filled by the platforms' syncs.",
        metadata={"dagster/table_name": f"ads.{name}"},
    )
    def counted(rooms: ResourceParam[Rooms]) -> MaterializeResult[None]:
        rows = rooms.postgres.fetch(
            f"select platform, count(*) as rows from ads.{name} where app = %s group by platform order by platform",
            (app.name,),
        )
        return MaterializeResult(
            metadata={
                "dagster/row_count": sum(row["rows"] for row in rows),
                "rows_by_platform": MetadataValue.json({row["platform"]: row["rows"] for row in rows}),
            }
        )

    return counted


def _restatements(app: App) -> AssetsDefinition:
    @app_asset(
        app,
        "ads",
        "restatements",
        store="postgres",
        holds=[("postgres", "ads.restatements")],
        kinds={"postgres", "view"},
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
        parameters = {"app": app.name, "since": rooms.clock() - SHOWN}
        by_age = postgres.fetch(read_sql("ads/restated_days.sql"), parameters)
        count = postgres.fetch("select count(*) as rows from ads.restatements where app = %s", (app.name,))[0]["rows"]
        return MaterializeResult(
            metadata={
                "dagster/row_count": count,
                "restated_rows": sum(row["rows"] for row in by_age),
                "conversions_change": float(sum(row["conversions_change"] for row in by_age)),
                "by_days_later": MetadataValue.md(restatements.plot(by_age)),
                "lately": table_of(postgres.fetch(read_sql("ads/restated_lately.sql"), parameters)),
            }
        )

    return restated


def _stored_equals_source(app: App, platform: Platform) -> AssetChecksDefinition:
    @asset_check(
        asset=[app.name, "ads", platform.name],
        name="stored_equals_source",
        description="The platform is asked again for one final day of one account: campaigns and account total agree.",
    )
    @plainly_declined
    def compared(rooms: ResourceParam[Rooms]) -> AssetCheckResult:
        result = audit(AdSync.of(rooms, app, platform))
        return AssetCheckResult(
            passed=result.passed,
            # A restatement since the sync is no fault, and neither is having nothing yet or getting no answer.
            severity=AssetCheckSeverity.ERROR if result.differences else AssetCheckSeverity.WARN,
            description=_describe(result),
            metadata={
                "account": result.account_id or "none",
                "day": str(result.day or "none"),
                "campaigns": result.rows,
                "restated": MetadataValue.json(result.restated[:20]),
                "unassigned": MetadataValue.json(result.unassigned),
                "differences": MetadataValue.json(result.differences[:20]),
            },
        )

    return compared


def _describe(result: AdAudit) -> str:
    if result.day is None:
        return "No final day was synced lately, so nothing is proved."
    if result.unasked:
        return f"The platform could not be asked for a day again, so nothing is proved: {result.unasked}"
    if result.differences:
        return f"{counted(len(result.differences), 'difference')} without a restatement: {result.differences[0]}"
    if result.unassigned:
        return f"The account has more than its campaigns: {result.unassigned[0]}"
    return f"{counted(len(result.restated), 'campaign')} restated since they were synced" if result.restated else ""


def _levels_agree(app: App, platform: Platform) -> AssetChecksDefinition:
    @asset_check(
        asset=[app.name, "ads", platform.name],
        name="levels_agree",
        description=(
            "No campaign has less than its ad groups, and no ad group less than its ads or its keywords. It may have"
            " more: not all of an ad group has a keyword, and not all of a campaign an ad group."
        ),
    )
    @plainly_declined
    def agree(rooms: ResourceParam[Rooms]) -> AssetCheckResult:
        today = rooms.clock().date()
        parameters = {
            "app": app.name,
            "platform": platform.name,
            "since": today - timedelta(days=30),
            # The day in progress changes between the requests of two levels.
            "until": today - timedelta(days=2),
            "whole": list(WHOLE_CURRENCIES),
        }
        differing = rooms.postgres.fetch(read_sql("ads/levels_agree.sql"), parameters)
        return AssetCheckResult(
            passed=not differing, metadata={"differing_days": len(differing), "days": table_of(differing[:20])}
        )

    return agree


def _actions_add_up(app: App, platform: Platform) -> AssetChecksDefinition:
    @asset_check(
        asset=[app.name, "ads", platform.name],
        name="actions_add_up",
        description="The conversions of each entity's day are the sum of its actions that count.",
    )
    @plainly_declined
    def add_up(rooms: ResourceParam[Rooms]) -> AssetCheckResult:
        today = rooms.clock().date()
        parameters = {
            "app": app.name,
            "platform": platform.name,
            "since": today - timedelta(days=30),
            "until": today - timedelta(days=2),
        }
        differing = rooms.postgres.fetch(read_sql("ads/conversions_differ.sql"), parameters)
        return AssetCheckResult(
            passed=not differing,
            # Some platforms have actions and totals in two reports, which are requested one after the other.
            severity=AssetCheckSeverity.WARN,
            metadata={"differing_days": len(differing), "days": table_of(differing[:20])},
        )

    return add_up


def _no_orphans(app: App) -> AssetChecksDefinition:
    @asset_check(
        asset=[app.name, "ads", "campaigns"],
        name="no_orphans",
        description="Every ad group has its campaign, every ad and keyword its ad group, every fact its entity.",
    )
    @plainly_declined
    def orphans(rooms: ResourceParam[Rooms]) -> AssetCheckResult:
        parameters = {"app": app.name, "since": rooms.clock().date() - timedelta(days=31)}
        rows = rooms.postgres.fetch(read_sql("ads/orphans.sql"), parameters)
        counts = {row["kind"]: row["rows"] for row in rows}
        return AssetCheckResult(passed=not any(counts.values()), metadata={"orphans": MetadataValue.json(counts)})

    return orphans

"""Attribution assets: touches and conversions, whose clicks they were, and the credits. The work is elsewhere."""

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
    FreshnessPolicy,
    MaterializeResult,
    MetadataValue,
    ResourceParam,
    asset,
    asset_check,
)

from assets.ads.assets import engine as ads_engine
from assets.apps import App
from assets.attribution.build import Touches
from assets.attribution.clicks import Clicks, Found
from assets.attribution.credit import Credits
from assets.attribution.organizations import Organisation
from assets.description import asset_arguments, column_schema
from assets.description import table as table_of
from assets.events.table import events_table
from assets.partitions import Calendar, window
from assets.rooms import Rooms
from resources.ad_platforms import PLATFORMS
from resources.sql_files import read_sql

NAMED_DAYS, NAMED_FAILURES = 60, 20
_FRESHNESS = FreshnessPolicy.time_window(fail_window=timedelta(hours=30), warn_window=timedelta(hours=26))
_COLUMNS = [
    ("org_tag", "text", "Organisation's data tag; each of an organisation's tags shows all of its numbers", False),
    ("org_id", "text", "Organisation", False),
    ("platform", "text", "Empty where no campaign is known", False),
    ("account_id", "text", "Ad account", False),
    ("campaign_id", "text", "platform:account:native id", False),
    ("campaign_name", "text", "Its name of now", True),
    ("reason", "text", "Why no campaign is known; empty where one is", False),
    ("day", "date", "Day in the account's time zone; in UTC where no campaign is known", False),
    ("model", "text", "first, last or linear touch", False),
    ("currency", "text", "The account's", True),
    ("visits", "bigint", "Sessions that name the campaign", False),
    ("conversions", "numeric", "Conversions credited", False),
    ("revenue", "numeric", "event_value credited, taken to be in the account's currency", False),
    ("spend", "numeric(20, 6)", "What the platform says that the day cost", False),
    ("cpa", "numeric", "Spend a conversion", True),
    ("roas", "numeric", "Revenue a unit of spend", True),
]


def build(app: App, calendar: Calendar) -> list[AssetsDefinition | AssetChecksDefinition]:
    """The attribution of an application that has both an audience and ad accounts."""
    if app.audience is None or app.ad_accounts is None:
        return []
    return [_touches(app, calendar), _clicks(app), _daily(app, calendar), _adds_up(app)]


def _touches(app: App, calendar: Calendar) -> AssetsDefinition:
    arguments = asset_arguments(app, "attribution", "touches", store="postgres", pii=True, kinds={"postgres", "polars"})
    key = arguments["key"]

    @asset(
        **arguments,
        deps=[
            [app.name, "events", "compacted"],
            *([app.name, "d1", name] for name in ("organizations", "org_tag_mappings")),
        ],
        partitions_def=calendar.daily,
        backfill_policy=BackfillPolicy.single_run(),
        description=(
            "Touches and conversions by UTC day: the first event of a visitor's session that names a campaign, and the"
            " events that an organisation counts as conversions. Ids are hashed. Without consent to marketing an event"
            " makes no touch, and its conversion has no visitor. Only rows that differ are written."
        ),
        metadata={"dagster/table_name": "attribution.touches"},
        pool="postgres",
        freshness_policy=_FRESHNESS,
        check_specs=[
            AssetCheckSpec(
                "settings_readable", asset=key, description="Every organisation's attribution settings can be used."
            )
        ],
    )
    def made(context: AssetExecutionContext, rooms: ResourceParam[Rooms]) -> Iterator[MaterializeResult[None]]:
        engine = Touches(
            app,
            rooms.lake.table(events_table(app)),
            rooms.d1(app),
            rooms.postgres,
            rooms.clock,
            rooms.progress("days of touches"),
        )
        done, organisations = engine.run(window(context))
        yield MaterializeResult(
            metadata={
                "days": done.days,
                "touches": done.touches,
                "conversions": done.conversions,
                "rows_changed": done.changed,
                "dagster/partition_row_count": done.touches + done.conversions,
            },
            check_results=[_settings_readable(organisations)],
        )

    return made


def _settings_readable(organisations: list[Organisation]) -> AssetCheckResult:
    wrong = [
        {"organisation": organisation, "what": what}
        for organisation, what in dict.fromkeys((each.id, what) for each in organisations for what in each.wrong)
    ]
    first = "; ".join(f"{row['organisation']}: {row['what']}" for row in wrong[:3])
    return AssetCheckResult(
        check_name="settings_readable",
        passed=not wrong,
        severity=AssetCheckSeverity.WARN,
        description=f"{first}; the default is used" if wrong else "",
        metadata={"wrong": len(wrong), "settings": table_of(wrong[:NAMED_FAILURES])},
    )


def _clicks(app: App) -> AssetsDefinition:
    arguments = asset_arguments(app, "attribution", "clicks", store="postgres", pii=True, kinds={"postgres", "python"})
    key = arguments["key"]

    @asset(
        **arguments,
        deps=[[app.name, "attribution", "touches"], [app.name, "d1", "platform_connections"]],
        description=(
            "Campaigns of Google's click ids: days on which visitors came by unknown clicks are asked of each account,"
            " up to 88 days back. Only clicks that brought a visitor are kept, hashed. Other platforms tell of none."
        ),
        metadata={"dagster/table_name": "attribution.clicks"},
        pool="ads_google",
        check_specs=[AssetCheckSpec("accounts_ok", asset=key, description="Every account told of its clicks.")],
    )
    def asked(rooms: ResourceParam[Rooms]) -> Iterator[MaterializeResult[None]]:
        ads = ads_engine(rooms, app, PLATFORMS["google"])
        found = Clicks(ads, rooms.clock, rooms.progress("days of clicks")).run()
        yield MaterializeResult(
            metadata={
                "account_days_asked": found.days,
                "clicks_found": found.clicks,
                "touches_changed": found.touches,
                "dagster/row_count": rooms.postgres.fetch("select count(*) as n from attribution.clicks")[0]["n"],
            },
            check_results=[_accounts_ok(found)],
        )

    return asked


def _accounts_ok(found: Found) -> AssetCheckResult:
    named = [{"connection": name, "why": why} for name, why in list(found.failed.items())[:NAMED_FAILURES]]
    return AssetCheckResult(
        check_name="accounts_ok",
        passed=not found.failed,
        severity=AssetCheckSeverity.ERROR,
        description="; ".join(f"{row['connection']}: {row['why']}" for row in named[:3]),
        metadata={"failed": len(found.failed), "why": table_of(named)},
    )


def _daily(app: App, calendar: Calendar) -> AssetsDefinition:
    @asset(
        **asset_arguments(app, "attribution", "daily", store="postgres", pii=False, kinds={"postgres", "view"}),
        deps=[
            *([app.name, "attribution", name] for name in ("touches", "clicks")),
            *([app.name, "ads", name] for name in ("campaigns", "campaign_metrics_daily")),
        ],
        partitions_def=calendar.daily,
        backfill_policy=BackfillPolicy.single_run(),
        description=(
            "Visits, conversions, revenue, spend, CPA and ROAS by organisation, campaign and day, under first, last and"
            " linear touch. A partition is the UTC day of a conversion; days that late touches, new campaigns or clicks"
            " changed are credited with it. What has no campaign is a row of its own, with the reason."
        ),
        metadata={"dagster/table_name": "attribution.daily", "dagster/column_schema": column_schema(_COLUMNS)},
        pool="postgres",
        freshness_policy=_FRESHNESS,
    )
    def credited(context: AssetExecutionContext, rooms: ResourceParam[Rooms]) -> MaterializeResult[None]:
        postgres, asked = rooms.postgres, window(context)
        done = Credits(postgres, rooms.progress("days credited")).run(asked)
        bounds = {"start": asked.start.date(), "end": asked.end.date()}
        by_platform = postgres.fetch(read_sql("attribution/summary.sql"), bounds)
        return MaterializeResult(
            metadata={
                "days_credited": done.days,
                "days_changed": len(done.changed),
                "changed": ", ".join(f"{day}" for day in done.changed[:NAMED_DAYS]) or "none",
                "matched_share": _matched_share(by_platform),
                "by_platform": table_of(by_platform),
            }
        )

    return credited


def _matched_share(by_platform: list[dict[str, Any]]) -> MetadataValue[Any]:
    """Of the conversions with a touch those whose last one has a campaign, in per cent; plotted over the partitions."""
    touched = [row for row in by_platform if row["reason"] not in ("no_touch", "no_consent")]
    conversions = sum(row["conversions"] for row in touched)
    matched = sum(row["conversions"] for row in touched if not row["reason"])
    return MetadataValue.float(round(100 * matched / conversions, 1) if conversions else 0.0)


def _adds_up(app: App) -> AssetChecksDefinition:
    @asset_check(
        asset=[app.name, "attribution", "daily"],
        name="attributed_and_unattributed_are_all",
        description=(
            "By organisation, UTC day and model: credited conversions and revenue, with and without a campaign, are the"
            " conversions that there were, to the digit; and these are what the daily roll-ups of the same snapshot"
            " count."
        ),
    )
    def adds_up(rooms: ResourceParam[Rooms]) -> AssetCheckResult:
        values = {"since": rooms.clock().date() - timedelta(days=100)}
        differing = rooms.postgres.fetch(read_sql("attribution/differing_sums.sql"), values)
        days = rooms.postgres.fetch(read_sql("attribution/days_compared.sql"), values)[0]["days"]
        return AssetCheckResult(
            passed=bool(days) and not differing,
            description="" if days else "No day was credited: nothing is proved.",
            metadata={"days": days, "differing": len(differing), "differences": table_of(differing[:20])},
        )

    return adds_up

"""Attribution assets: touches and conversions, the campaigns of their clicks, and the credits.

What belongs here: keys, descriptions, metadata and check results. What does not: the work itself (build.py, clicks.py,
credit.py).
"""

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
    FreshnessPolicy,
    MaterializeResult,
    MetadataValue,
    ResourceParam,
    asset_check,
)

from assets.apps import AdAccounts, App, Audience
from assets.attribution.bots import listed_on
from assets.attribution.build import Touches
from assets.attribution.clicks import ClickReport, Clicks
from assets.attribution.credit import Credits
from assets.attribution.organizations import Organisation
from assets.declined import plainly_declined
from assets.description import app_asset, column_schema
from assets.description import table as table_of
from assets.partitions import Calendar, window
from assets.rooms import Rooms
from resources.sql_files import read_sql

NAMED_DAYS, NAMED_FAILURES = 60, 20
_FRESHNESS = FreshnessPolicy.time_window(fail_window=timedelta(hours=30), warn_window=timedelta(hours=26))
_COLUMNS = [
    ("app", "text", "The app whose organisation it is", False),
    ("org_tag", "text", "Organisation's data tag; each of an organisation's tags shows all of its numbers", False),
    ("org_id", "text", "Organisation", False),
    ("platform", "text", "Empty where no campaign is known", False),
    ("account_id", "text", "Ad account", False),
    ("campaign_id", "text", "platform:account:native id", False),
    ("campaign_name", "text", "Its present name", True),
    ("reason", "text", "Why no campaign is known; empty where one is", False),
    ("day", "date", "Day in the account's time zone; in UTC where no campaign is known", False),
    ("model", "text", "A row of attribution.models: first, last, linear, position, decay", False),
    ("currency", "text", "The account's; where no campaign is known the organisation's, or as events name it", True),
    ("rate_missing", "boolean", "Revenue that no exchange rate converts into the account's currency", False),
    ("visits", "bigint", "Sessions that name the campaign", False),
    ("conversions", "numeric", "Conversions credited", False),
    ("revenue", "numeric", "Credited event_value without what was refunded", False),
    ("spend", "numeric(20, 6)", "What the day cost, as the platform reports it", False),
    ("cpa", "numeric", "Spend a conversion; null where nothing was spent", True),
    ("roas", "numeric", "Revenue a unit of spend", True),
    ("reporting_currency", "text", "The organisation's, where it chose one", True),
    ("reporting_rate", "numeric", "What one unit of currency is in it; null where no rate is known", True),
]


def build(app: App, calendar: Calendar, late_horizon: timedelta) -> list[AssetsDefinition | AssetChecksDefinition]:
    """The attribution assets and checks of an app; empty where web events are not attributed to campaigns."""
    accounts = app.ad_accounts
    if app.audience is None or accounts is None or accounts.rules is None:
        return []
    return [
        _touches(app, app.audience, accounts, calendar, late_horizon),
        _clicks(app, accounts),
        _daily(app, calendar),
        _adds_up(app),
    ]


def _touches(
    app: App, audience: Audience, accounts: AdAccounts, calendar: Calendar, late_horizon: timedelta
) -> AssetsDefinition:
    @app_asset(
        app,
        "attribution",
        "touches",
        store="postgres",
        holds=[
            ("postgres", "attribution.touches"),
            ("postgres", "attribution.conversions"),
            ("postgres", "attribution.sign_ins"),
            ("postgres", "consent.choices"),
        ],
        kinds={"postgres", "polars"},
        checks={"settings_readable": "Every organisation's attribution settings can be used."},
        deps=[
            [app.name, "events", "compacted"],
            *([app.name, "d1", table] for table in dict.fromkeys((*accounts.rules_read, *audience.choices_read))),
        ],
        partitions_def=calendar.daily,
        backfill_policy=BackfillPolicy.single_run(),
        description=(
            "Touches and conversions by UTC day: events that name a campaign or click other than the one that their"
            " session named last, and the events that an organisation counts as conversions; and who was signed in"
            " with which browser. Ids are hashed. An event that its visitor or user refused for marketing makes no"
            " touch, and its conversion has no visitor. Known bots make no touch, and their conversions count as none."
            " Only rows that differ are written."
        ),
        metadata={"dagster/table_name": "attribution.touches"},
        pool="postgres",
        freshness_policy=_FRESHNESS,
    )
    def made(context: AssetExecutionContext, rooms: ResourceParam[Rooms]) -> Iterator[MaterializeResult[None]]:
        engine = Touches.of(rooms, app, late_horizon, progress=rooms.progress("days of touches"))
        counts, organisations = engine.run(window(context))
        yield MaterializeResult(
            metadata={
                "days": counts.days,
                "touches": counts.touches,
                "conversions": counts.conversions,
                "bots_left_out": counts.bots,
                "bots_listed_on": f"{listed_on()}",
                "rows_changed": counts.changed,
                "dagster/partition_row_count": counts.touches + counts.conversions,
            },
            check_results=[_settings_readable(organisations)],
        )

    return made


def _settings_readable(organisations: list[Organisation]) -> AssetCheckResult:
    wrong = [
        {"organisation": organisation_id, "what": what}
        for organisation_id, what in dict.fromkeys((one.id, what) for one in organisations for what in one.wrong)
    ]
    first = "; ".join(f"{row['organisation']}: {row['what']}" for row in wrong[:3])
    return AssetCheckResult(
        check_name="settings_readable",
        passed=not wrong,
        severity=AssetCheckSeverity.WARN,
        description=f"{first}; the default is used" if wrong else "",
        metadata={"wrong": len(wrong), "settings": table_of(wrong[:NAMED_FAILURES])},
    )


def _clicks(app: App, accounts: AdAccounts) -> AssetsDefinition:
    @app_asset(
        app,
        "attribution",
        "clicks",
        store="postgres",
        holds=[("postgres", "attribution.clicks")],
        kinds={"postgres", "python"},
        checks={"accounts_ok": "Every account returned its clicks."},
        deps=[[app.name, "attribution", "touches"], [app.name, "d1", accounts.table]],
        description=(
            "Campaigns of Google's click ids: each account is asked for the days on which visitors came by unknown"
            " clicks, up to 88 days back. Only clicks that brought a visitor are kept, hashed. Other platforms have no"
            " such request."
        ),
        metadata={"dagster/table_name": "attribution.clicks"},
        pool="ads_google",
    )
    def matched(rooms: ResourceParam[Rooms]) -> Iterator[MaterializeResult[None]]:
        report = Clicks.of(rooms, app, progress=rooms.progress("days of clicks")).run()
        rows = rooms.postgres.fetch("select count(*) as n from attribution.clicks where app = %s", (app.name,))
        yield MaterializeResult(
            metadata={
                "account_days_asked": report.days,
                "clicks_found": report.clicks,
                "touches_changed": report.touches,
                "dagster/row_count": rows[0]["n"],
            },
            check_results=[_accounts_ok(report)],
        )

    return matched


def _accounts_ok(report: ClickReport) -> AssetCheckResult:
    named = [{"connection": connection, "why": why} for connection, why in list(report.failed.items())[:NAMED_FAILURES]]
    return AssetCheckResult(
        check_name="accounts_ok",
        passed=not report.failed,
        severity=AssetCheckSeverity.ERROR,
        description="; ".join(f"{row['connection']}: {row['why']}" for row in named[:3]),
        metadata={"failed": len(report.failed), "why": table_of(named)},
    )


def _daily(app: App, calendar: Calendar) -> AssetsDefinition:
    @app_asset(
        app,
        "attribution",
        "daily",
        store="postgres",
        holds=[("postgres", "attribution.credits")],
        kinds={"postgres", "view"},
        deps=[
            *([app.name, "attribution", name] for name in ("touches", "clicks")),
            *([app.name, "ads", name] for name in ("campaigns", "campaign_metrics_daily")),
        ],
        partitions_def=calendar.daily,
        backfill_policy=BackfillPolicy.single_run(),
        description=(
            "Visits, conversions, revenue, spend, CPA and ROAS by organisation, campaign and day, under each model of"
            " attribution.models. A partition is the UTC day of a conversion; days that late touches, new campaigns or"
            " clicks changed are credited with it. Visits and conversions without a campaign are rows of their own,"
            " with the reason."
        ),
        metadata={"dagster/table_name": "attribution.daily", "dagster/column_schema": column_schema(_COLUMNS)},
        pool="postgres",
        freshness_policy=_FRESHNESS,
    )
    def credited(context: AssetExecutionContext, rooms: ResourceParam[Rooms]) -> MaterializeResult[None]:
        days = window(context)
        result = Credits.of(rooms, app, progress=rooms.progress("days credited")).run(days)
        bounds = {"app": app.name, "start": days.start.date(), "end": days.end.date()}
        by_platform = rooms.postgres.fetch(read_sql("attribution/summary.sql"), bounds)
        return MaterializeResult(
            metadata={
                "days_credited": result.days,
                "days_changed": len(result.changed),
                "changed": ", ".join(f"{day}" for day in result.changed[:NAMED_DAYS]) or "none",
                "matched_share": _matched_share(by_platform),
                "by_platform": table_of(by_platform),
            }
        )

    return credited


def _matched_share(by_platform: list[dict[str, Any]]) -> MetadataValue[Any]:
    """The share, in per cent, of the conversions with a touch whose last touch has a campaign."""
    touched = [row for row in by_platform if row["reason"] not in ("no_touch", "no_consent")]
    conversions = sum(row["conversions"] for row in touched)
    matched = sum(row["conversions"] for row in touched if not row["reason"])
    return MetadataValue.float(round(100 * matched / conversions, 1) if conversions else 0.0)


def _adds_up(app: App) -> AssetChecksDefinition:
    @asset_check(
        asset=[app.name, "attribution", "daily"],
        name="attributed_and_unattributed_are_all",
        description=(
            "By organisation, UTC day, model and currency: credited conversions and revenue, with and without a"
            " campaign, equal the conversions that count on the day, to the digit; and all conversions of the day equal"
            " the daily roll-ups of the same snapshot."
        ),
    )
    @plainly_declined
    def adds_up(rooms: ResourceParam[Rooms]) -> AssetCheckResult:
        parameters = {"app": app.name, "since": rooms.clock().date() - timedelta(days=100)}
        differing = rooms.postgres.fetch(read_sql("attribution/differing_sums.sql"), parameters)
        days = rooms.postgres.fetch(read_sql("attribution/days_compared.sql"), parameters)[0]["days"]
        return AssetCheckResult(
            passed=bool(days) and not differing,
            severity=AssetCheckSeverity.ERROR if days or differing else AssetCheckSeverity.WARN,
            description="" if days else "No day was credited, so nothing is proved.",
            metadata={"days": days, "differing": len(differing), "differences": table_of(differing[:20])},
        )

    return adds_up

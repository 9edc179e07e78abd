"""What a request for a report asks of TikTok, and the daily rows that answer it.

What does not belong here: paths, tokens and pages (`api`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sandbox.exchange import JSON, unanswered
from sandbox.tiktok.envelope import bad_parameter
from sandbox.world.entities import Account, Level
from sandbox.world.facts import Fact, cents
from sandbox.world.series import Query, Series
from sandbox.world.world import Row

LONGEST_DAYS = 30
_LEVELS: dict[str, tuple[Level, str]] = {
    "AUCTION_ADVERTISER": ("account", "advertiser_id"),
    "AUCTION_CAMPAIGN": ("campaign", "campaign_id"),
    "AUCTION_ADGROUP": ("ad_group", "adgroup_id"),
}
METRICS = frozenset(
    {"spend", "impressions", "clicks", "conversion", "complete_payment", "total_complete_payment_rate"}
    | {"campaign_name", "campaign_id", "adgroup_name", "currency"}
)


@dataclass(frozen=True, slots=True)
class Report:
    """A checked request for a report by day."""

    query: Query
    dimensions: tuple[str, ...]
    metrics: tuple[str, ...]


def checked(
    account: Account, query: Mapping[str, str], dimensions: tuple[str, ...], metrics: tuple[str, ...], at: datetime
) -> Report:
    """Raises `RefusedError` for a request that TikTok refuses or the sandbox does not answer."""
    if query.get("report_type") != "BASIC":
        raise unanswered("a report_type other than BASIC")
    level, own = _LEVELS.get(query.get("data_level", ""), (None, ""))
    if level is None:
        raise bad_parameter(f"data_level: must be one of {', '.join(_LEVELS)}")
    if own not in dimensions or set(dimensions) - {own, "stat_time_day"}:
        raise bad_parameter(f"dimensions: {own} is needed, and stat_time_day may follow it.")
    if "stat_time_day" not in dimensions:
        raise unanswered("reports without stat_time_day")
    unknown = set(metrics) - METRICS
    if unknown:
        raise bad_parameter(f"metrics: {', '.join(sorted(unknown))} is not supported.")
    since, until = _date(query, "start_date"), _date(query, "end_date")
    if since > until:
        raise bad_parameter("start_date: must not be after end_date.")
    if (until - since).days >= LONGEST_DAYS:
        raise bad_parameter(f"The time range of start_date and end_date must not exceed {LONGEST_DAYS} days.")
    return Report(Query(account, level, since, until, at), dimensions, metrics)


def _date(query: Mapping[str, str], name: str) -> date:
    try:
        return date.fromisoformat(query[name])
    except (KeyError, ValueError):
        raise bad_parameter(f"{name}: must be a date of the form YYYY-MM-DD.") from None


def rows(series: Series, report: Report, start: int, size: int) -> list[JSON]:
    return [_written(report, row) for row in series.slice(report.query, start, size)]


def _written(report: Report, row: Row) -> JSON:
    account, at = report.query.account, report.query.at
    names: JSON = {"advertiser_id": account.id, "stat_time_day": f"{row.day} 00:00:00"}
    metrics = {**_metrics(row.fact), "currency": account.currency}
    if row.campaign is not None:
        names["campaign_id"] = metrics["campaign_id"] = str(row.campaign.id)
        metrics["campaign_name"] = row.campaign.timeline.name_at(at)
    if row.ad_group is not None:
        names["adgroup_id"] = str(row.ad_group.id)
        metrics["adgroup_name"] = row.ad_group.timeline.name_at(at)
    return {
        "dimensions": {name: names[name] for name in report.dimensions},
        "metrics": {name: metrics.get(name, "-") for name in report.metrics},
    }


def _metrics(fact: Fact) -> JSON:
    bought = str(fact.conversions // 1_000_000)
    return {
        "spend": str(cents(fact.cost)),
        "impressions": str(fact.impressions),
        "clicks": str(fact.clicks),
        "conversion": bought,
        "complete_payment": bought,
        "total_complete_payment_rate": str(cents(fact.value)),  # TikTok's name for the value of completed payments
    }

"""What a request for a report asks of TikTok, and the rows that answer it.

What does not belong here: paths, tokens, pages and tasks (`api`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any

from sandbox.exchange import JSON
from sandbox.tiktok import envelope
from sandbox.world.entities import Account, Level
from sandbox.world.facts import Fact
from sandbox.world.series import Query, Series, totals
from sandbox.world.world import Row, moment

DAYS_WITH_STAT_TIME_DAY = 30
DAYS_WITHOUT = 365
_LEVELS: dict[str, tuple[Level, str]] = {
    "AUCTION_ADVERTISER": ("account", "advertiser_id"),
    "AUCTION_CAMPAIGN": ("campaign", "campaign_id"),
    "AUCTION_ADGROUP": ("ad_group", "adgroup_id"),
}
METRICS = frozenset(
    {"spend", "impressions", "clicks", "conversion", "complete_payment", "total_complete_payment_rate", "ctr", "cpc"}
    | {"total_purchase_value", "campaign_name", "campaign_id", "adgroup_name", "currency", "cash_spend"}
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A checked request for a report, at a moment. `daily` is the dimension stat_time_day."""

    account: Account
    level: Level
    dimensions: tuple[str, ...]
    metrics: tuple[str, ...]
    since: date
    until: date
    at: datetime

    @property
    def daily(self) -> bool:
        return "stat_time_day" in self.dimensions

    def query(self) -> Query:
        return Query(self.account, self.level, self.since, self.until, moment(self.account, self.at))


def asked(account: Account, params: Mapping[str, Any], at: datetime) -> Asked:
    """`params` with its lists read. Raises `RefusedError` with code 40002 for what TikTok does not accept."""
    if params.get("report_type") != "BASIC":
        raise envelope.refused(envelope.BAD_PARAMETER, "report_type: only BASIC is held here.")
    level, own = _LEVELS.get(str(params.get("data_level")), (None, ""))
    if level is None:
        raise envelope.refused(envelope.BAD_PARAMETER, f"data_level: must be one of {', '.join(_LEVELS)}")
    dimensions = _strings(params, "dimensions")
    if own not in dimensions or set(dimensions) - {own, "stat_time_day"}:
        raise envelope.refused(envelope.BAD_PARAMETER, f"dimensions: {own} is needed, and stat_time_day may follow it.")
    metrics = _strings(params, "metrics")
    unknown = set(metrics) - METRICS
    if unknown:
        raise envelope.refused(envelope.BAD_PARAMETER, f"metrics: {', '.join(sorted(unknown))} is not supported.")
    since, until = _date(params, "start_date"), _date(params, "end_date")
    most = DAYS_WITH_STAT_TIME_DAY if "stat_time_day" in dimensions else DAYS_WITHOUT
    if since > until:
        raise envelope.refused(envelope.BAD_PARAMETER, "start_date: must not be after end_date.")
    if (until - since).days + 1 > most:
        text = f"The time range of start_date and end_date must not exceed {most} days."
        raise envelope.refused(envelope.BAD_PARAMETER, text)
    return Asked(account, level, dimensions, metrics, since, until, at)


def _strings(params: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = params.get(name, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise envelope.refused(envelope.BAD_PARAMETER, f"{name}: must be a list of strings.")
    return tuple(value)


def _date(params: Mapping[str, Any], name: str) -> date:
    try:
        return date.fromisoformat(str(params[name]))
    except (KeyError, ValueError):
        raise envelope.refused(envelope.BAD_PARAMETER, f"{name}: must be a date of the form YYYY-MM-DD.") from None


def count(series: Series, wanted: Asked) -> int:
    return series.count(wanted.query()) if wanted.daily else len(totals(series.slice(wanted.query(), 0)))


def rows(series: Series, wanted: Asked, start: int = 0, size: int | None = None) -> Iterator[JSON]:
    if wanted.daily:
        found = series.slice(wanted.query(), start, size)
    else:
        found = islice(totals(series.slice(wanted.query(), 0)), start, None if size is None else start + size)
    return (_written(wanted, row) for row in found)


def _written(wanted: Asked, row: Row) -> JSON:
    names: JSON = {"advertiser_id": wanted.account.id, "stat_time_day": f"{row.day} 00:00:00"}
    described: JSON = {"currency": wanted.account.currency}
    if row.campaign is not None:
        names["campaign_id"] = described["campaign_id"] = str(row.campaign.id)
        described["campaign_name"] = row.campaign.timeline.name_at(wanted.at)
    if row.ad_group is not None:
        names["adgroup_id"] = str(row.ad_group.id)
        described["adgroup_name"] = row.ad_group.timeline.name_at(wanted.at)
    metrics = {**_metrics(row.fact), **described}
    return {
        "dimensions": {name: names[name] for name in wanted.dimensions},
        "metrics": {name: metrics.get(name, "-") for name in wanted.metrics},
    }


def _metrics(fact: Fact) -> JSON:
    bought = str(fact.conversions // 1_000_000)
    return {
        "spend": _money(fact.cost),
        "cash_spend": _money(fact.cost),
        "impressions": str(fact.impressions),
        "clicks": str(fact.clicks),
        "conversion": bought,
        "complete_payment": bought,
        "total_complete_payment_rate": _money(fact.value),  # TikTok's name for the value of completed payments
        "total_purchase_value": _money(fact.value),
        "ctr": f"{100 * fact.clicks / fact.impressions:.2f}" if fact.impressions else "0.00",
        "cpc": _money(fact.cost // fact.clicks if fact.clicks else 0),
    }


def _money(micros: int) -> str:
    return str((Decimal(micros) / 1_000_000).quantize(Decimal("0.01")))

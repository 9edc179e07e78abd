"""What a request for a report asks of TikTok, and the daily rows that answer it.

What does not belong here: paths, tokens and pages (`api`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sandbox.exchange import JSON, unanswered
from sandbox.tiktok.envelope import bad_parameter
from sandbox.world.actions import actions
from sandbox.world.entities import Account, Level
from sandbox.world.facts import Fact, cents
from sandbox.world.series import Query, Series
from sandbox.world.world import Row

LONGEST_DAYS = 30
_LEVELS: dict[str, tuple[Level, str]] = {
    "AUCTION_ADVERTISER": ("account", "advertiser_id"),
    "AUCTION_CAMPAIGN": ("campaign", "campaign_id"),
    "AUCTION_ADGROUP": ("ad_group", "adgroup_id"),
    "AUCTION_AD": ("ad", "ad_id"),
}
_ATTRIBUTES: dict[Level, frozenset[str]] = {
    "account": frozenset(),
    "campaign": frozenset({"campaign_name", "campaign_id"}),
    "ad_group": frozenset({"campaign_name", "campaign_id", "adgroup_name", "adgroup_id"}),
    "ad": frozenset({"campaign_name", "campaign_id", "adgroup_name", "adgroup_id", "ad_name", "ad_text"}),
}
_EVENTS = frozenset(
    {"on_web_order", "initiate_checkout", "web_event_add_to_cart", "add_billing", "user_registration", "form"}
    | {"on_web_subscribe", "download_start", "online_consult", "page_event_search", "on_web_add_to_wishlist"}
    | {"product_details_page_browse", "button_click"}
)
METRICS = (
    frozenset({"spend", "impressions", "clicks", "conversion", "currency"})
    | {"complete_payment", "total_complete_payment_rate"}
    | _EVENTS
    | {f"total_{event}_value" for event in _EVENTS}
)
_STATUSES = {
    "campaign_status": frozenset({"STATUS_ALL", "STATUS_NOT_DELETE", "STATUS_DELETE"}),
    "adgroup_status": frozenset({"STATUS_ALL", "STATUS_NOT_DELETE", "STATUS_DELETE"}),
    "ad_status": frozenset({"STATUS_ALL", "STATUS_NOT_DELETE", "STATUS_DELETE"}),
}
# The status that a report may be filtered by, at each level.
_FILTERS: dict[Level, str] = {"campaign": "campaign_status", "ad_group": "adgroup_status", "ad": "ad_status"}
_CAMPAIGNS_A_FILTER = 100


_OWN_IDS = dict(_LEVELS.values())


@dataclass(frozen=True, slots=True)
class Report:
    """A checked request for a report by day. `campaigns` are those that it is about, or none for all of them."""

    query: Query
    dimensions: tuple[str, ...]
    metrics: tuple[str, ...]
    campaigns: frozenset[str] = frozenset()


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
    unknown = set(metrics) - METRICS - _ATTRIBUTES[level]
    if unknown:
        raise bad_parameter(f"metrics: {', '.join(sorted(unknown))} is not supported.")
    since, until = _date(query, "start_date"), _date(query, "end_date")
    if since > until:
        raise bad_parameter("start_date: must not be after end_date.")
    if (until - since).days >= LONGEST_DAYS:
        raise bad_parameter(f"The time range of start_date and end_date must not exceed {LONGEST_DAYS} days.")
    if query.get("query_mode", "REGULAR") not in ("REGULAR", "CHUNK"):
        raise bad_parameter("query_mode: must be REGULAR or CHUNK.")
    everything, campaigns = _filtered(query, level)
    gone = None if everything or level == "account" else False
    return Report(Query(account, level, since, until, at, gone), dimensions, metrics, campaigns)


def _filtered(query: Mapping[str, str], level: Level) -> tuple[bool, frozenset[str]]:
    """Whether the deleted entities are asked for, and the campaigns that are."""
    try:
        filters = json.loads(query.get("filtering", "[]"))
        asked = {one["field_name"]: (one["filter_type"], json.loads(one["filter_value"])) for one in filters}
    except (ValueError, TypeError, KeyError):
        raise bad_parameter("filtering: must be a list of field_name, filter_type and filter_value.") from None
    for name, (kind, values) in asked.items():
        if name not in (_FILTERS.get(level), "campaign_ids") or kind != "IN" or not isinstance(values, list):
            raise bad_parameter(f"filtering: {name} with {kind} is not supported at this data_level.")
        if name in _STATUSES and set(values) - _STATUSES[name]:
            raise bad_parameter(f"filtering: {values} is not a {name}.")
        if name in _STATUSES and values != ["STATUS_ALL"]:
            raise unanswered(f"reports of {values}")
    campaigns = asked.get("campaign_ids", ("IN", []))[1]
    if len(campaigns) > _CAMPAIGNS_A_FILTER:
        raise bad_parameter(f"filtering: at most {_CAMPAIGNS_A_FILTER} campaign_ids.")
    return _FILTERS.get(level) in asked, frozenset(campaigns)


def _date(query: Mapping[str, str], name: str) -> date:
    try:
        return date.fromisoformat(query[name])
    except (KeyError, ValueError):
        raise bad_parameter(f"{name}: must be a date of the form YYYY-MM-DD.") from None


def rows(series: Series, report: Report, entities: int) -> list[JSON]:
    """All rows of the report's first entities, as many as a report has room for."""
    own = _OWN_IDS[report.query.level]
    written = [_written(report, row) for row in series.slice(report.query, 0) if _is_wanted(report, row)]
    first = set(list(dict.fromkeys(row["dimensions"][own] for row in written))[:entities])
    return [row for row in written if row["dimensions"][own] in first]


def _is_wanted(report: Report, row: Row) -> bool:
    return not report.campaigns or (row.campaign is not None and str(row.campaign.id) in report.campaigns)


def _written(report: Report, row: Row) -> JSON:
    account, at = report.query.account, report.query.at
    names: JSON = {"advertiser_id": account.id, "stat_time_day": f"{row.day} 00:00:00"}
    metrics = {**_metrics(row.fact), "currency": account.currency}
    if row.campaign is not None:
        names["campaign_id"] = metrics["campaign_id"] = str(row.campaign.id)
        metrics["campaign_name"] = row.campaign.timeline.name_at(at)
    if row.ad_group is not None:
        names["adgroup_id"] = metrics["adgroup_id"] = str(row.ad_group.id)
        metrics["adgroup_name"] = row.ad_group.timeline.name_at(at)
    if row.ad is not None:
        names["ad_id"] = str(row.ad.id)
        metrics |= {"ad_name": row.ad.timeline.name_at(at), "ad_text": row.ad.body}
    return {
        "dimensions": {name: names[name] for name in report.dimensions},
        "metrics": {name: metrics.get(name, "-") for name in report.metrics},
    }


def _metrics(fact: Fact) -> JSON:
    """The numbers of a row; an event that the advertiser does not measure is `-`."""
    counted = {action.name: action for action in actions("tiktok", fact)}
    payments = counted.get("complete_payment")
    return {
        **dict.fromkeys(_EVENTS, "-"),
        "spend": str(cents(fact.cost)),
        "impressions": str(fact.impressions),
        "clicks": str(fact.clicks),
        **{name: str(int(counted[name].count)) if name in counted else "0" for name in ("conversion", "form")},
        "complete_payment": str(int(payments.count)) if payments else "-",
        # TikTok's name for the value of completed payments
        "total_complete_payment_rate": str(cents(fact.value)) if payments else "-",
    }

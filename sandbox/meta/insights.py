"""What a request for insights asks, and the daily rows that answer it.

What does not belong here: paths, tokens, pages and jobs (`api`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sandbox.exchange import JSON, unanswered
from sandbox.meta import errors
from sandbox.world.entities import Account, Level
from sandbox.world.facts import Fact, cents
from sandbox.world.series import Query, Series
from sandbox.world.world import Row, moment

LEVELS: dict[str, Level] = {"account": "account", "campaign": "campaign", "adset": "ad_group"}
KEPT_DAYS = 37 * 31
_WINDOWS = frozenset({"1d_click", "7d_click", "28d_click", "1d_view", "7d_view", "28d_view", "default"})
_PURCHASES = ("purchase", "omni_purchase", "offsite_conversion.fb_pixel_purchase")
FIELDS = frozenset(
    {"account_id", "account_name", "account_currency", "campaign_id", "campaign_name", "adset_id", "adset_name"}
    | {"spend", "impressions", "clicks", "actions", "action_values", "date_start", "date_stop"}
)


@dataclass(frozen=True, slots=True)
class Insights:
    """A checked request for insights. `windows` are the attribution windows whose values it wants beside the total."""

    query: Query
    fields: tuple[str, ...]
    windows: tuple[str, ...]


def checked(account: Account, params: Mapping[str, str], fields: tuple[str, ...], at: datetime) -> Insights:
    """Raises `RefusedError` for a request that Meta refuses or the sandbox does not answer."""
    level = params.get("level", "account")
    if level not in LEVELS:
        raise errors.refused(100, f"(#100) level must be one of {', '.join(LEVELS)}")
    unknown = [field for field in fields if field not in FIELDS]
    if unknown:
        raise errors.refused(100, f"(#100) {', '.join(unknown)} is not valid for fields param.")
    if params.get("time_increment") != "1" or "time_range" not in params:
        raise unanswered("insights without a time_range and a time_increment of 1")
    since, until = _range(params["time_range"], moment(account, at).today)
    windows = errors.array(params, "action_attribution_windows")
    if set(windows) - _WINDOWS:
        raise errors.refused(100, "(#100) action_attribution_windows has an unknown window")
    return Insights(Query(account, LEVELS[level], since, until, at), fields or ("account_id",), windows)


def _range(text: str, today: date) -> tuple[date, date]:
    try:
        span = json.loads(text)
        since, until = date.fromisoformat(span["since"]), date.fromisoformat(span["until"])
    except (ValueError, TypeError, KeyError):
        raise errors.refused(100, "(#100) param time_range must be an object with since and until.") from None
    if since > until:
        raise errors.refused(100, "(#100) The start date must be before the end date.")
    if since < today - timedelta(days=KEPT_DAYS):
        raise errors.refused(3018, "(#3018) The start date of the time range cannot be beyond 37 months.")
    return since, min(until, today)


def rows(series: Series, insights: Insights, start: int, size: int) -> tuple[list[JSON], bool]:
    """Up to `size` rows from row `start` on, and whether more rows follow."""
    page = list(series.slice(insights.query, start, size + 1))
    return [_written(insights, row) for row in page[:size]], len(page) > size


def _written(insights: Insights, row: Row) -> JSON:
    account, at = insights.query.account, insights.query.at
    values: JSON = {
        "account_id": account.id,
        "account_name": account.name,
        "account_currency": account.currency,
        "spend": _money(row.fact.cost),
        "impressions": str(row.fact.impressions),
        "clicks": str(row.fact.clicks),
    }
    if row.campaign is not None:
        values |= {"campaign_id": str(row.campaign.id), "campaign_name": row.campaign.timeline.name_at(at)}
    if row.ad_group is not None:
        values |= {"adset_id": str(row.ad_group.id), "adset_name": row.ad_group.timeline.name_at(at)}
    values |= _actions(insights, row.fact)
    chosen = {name: values[name] for name in insights.fields if name in values}
    return {**chosen, "date_start": row.day.isoformat(), "date_stop": row.day.isoformat()}


def _actions(insights: Insights, fact: Fact) -> JSON:
    """Meta lists a purchase under three names. A client that adds up all action types counts it three times."""
    lists: JSON = {}
    bought = fact.conversions // 1_000_000
    actions = [_action(insights, "link_click", str(fact.clicks))] if fact.clicks else []
    if bought:
        actions += [_action(insights, name, str(bought)) for name in _PURCHASES]
        lists["action_values"] = [_action(insights, name, _money(fact.value)) for name in _PURCHASES]
    return {**lists, "actions": actions} if actions else lists


def _action(insights: Insights, name: str, value: str) -> JSON:
    """In this world all conversions follow a click within a day. Every click window therefore holds all of them."""
    windows = {window: value for window in insights.windows if window.endswith("click")}
    return {"action_type": name, "value": value, **windows}


def _money(micros: int) -> str:
    """Major units without needless zeros, as Meta writes spend: 1.2, 0, 12.34."""
    return f"{cents(micros).normalize():f}"

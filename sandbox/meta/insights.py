"""What a request for insights asks, and the daily rows that answer it.

What does not belong here: paths, tokens, pages and jobs (`api`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from sandbox.exchange import JSON, unanswered
from sandbox.meta import entities, errors
from sandbox.world.actions import actions
from sandbox.world.entities import Account, Level
from sandbox.world.facts import Fact, cents
from sandbox.world.series import Query, Series
from sandbox.world.world import Row, moment

LEVELS: dict[str, Level] = {"account": "account", "campaign": "campaign", "adset": "ad_group", "ad": "ad"}
_EDGES = {"campaign": "campaigns", "adset": "adsets", "ad": "ads"}
KEPT_DAYS = 37 * 31
_WINDOWS = frozenset({"1d_click", "7d_click", "28d_click", "1d_view", "7d_view", "28d_view", "1d_ev", "default"})
# Meta still takes these words, and gives no numbers for them since 2026-01-12.
_WINDOWS_GONE = frozenset({"7d_view", "28d_view"})
FIELDS = frozenset(
    {
        "account_id",
        "account_name",
        "account_currency",
        "campaign_id",
        "campaign_name",
        "adset_id",
        "adset_name",
        "ad_id",
        "ad_name",
    }
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
    gone = _asks_for_gone(params, level)
    return Insights(Query(account, LEVELS[level], since, until, at, gone), fields or ("account_id",), windows)


def _asks_for_gone(params: Mapping[str, str], level: str) -> bool | None:
    """Whether only the gone entities are asked for. None: all of the account. Without a filter, they are left out."""
    if level == "account":
        return None
    try:
        filters = errors.values(params, "filtering")
        asked = [(one["field"], one["operator"], frozenset(one["value"])) for one in filters]
    except (TypeError, KeyError):
        raise errors.refused(100, "(#100) param filtering must be an array of field, operator and value.") from None
    if not asked:
        return False
    field, operator, statuses = asked[0]
    if field != f"{level}.effective_status" or operator != "IN" or len(asked) > 1:
        raise errors.refused(100, f"(#100) Filtering field {field} with operator {operator} is invalid.")
    if unknown := statuses - entities.STATUSES[_EDGES[level]]:
        raise errors.refused(100, f"(#100) {', '.join(sorted(unknown))} is not a value of {field}")
    if statuses != entities.GONE:
        raise unanswered(f"insights of the statuses {', '.join(sorted(statuses))}")
    return True


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
    if row.ad is not None:
        values |= {"ad_id": str(row.ad.id), "ad_name": row.ad.timeline.name_at(at)}
    values |= _actions(insights, row.fact)
    chosen = {name: values[name] for name in insights.fields if name in values}
    return {**chosen, "date_start": row.day.isoformat(), "date_stop": row.day.isoformat()}


def _actions(insights: Insights, fact: Fact) -> JSON:
    """Count and value of each action: in total, and within each of the windows that were asked for. In this world all
    conversions come within a day, so that every window of clicks, or of views, holds all of its kind."""
    lists: dict[str, dict[str, JSON]] = {"actions": {}, "action_values": {}}
    for action in actions("facebook", fact):
        kind = action.window.partition("_")[2]
        windows = [one for one in insights.windows if one.endswith(kind) and one not in _WINDOWS_GONE]
        for name, amount in (("actions", action.count), ("action_values", action.value)):
            if amount:
                entry = lists[name].setdefault(action.name, {"action_type": action.name, "value": Decimal(0)})
                entry["value"] += amount
                entry |= dict.fromkeys(windows, amount)
    return {
        name: [{key: _plain(value) for key, value in entry.items()} for entry in entries.values()]
        for name, entries in lists.items()
        if entries
    }


def _plain(value: Decimal | str) -> str:
    return value if isinstance(value, str) else f"{value.normalize():f}"


def _money(micros: int) -> str:
    """Major units without needless zeros, as Meta writes spend: 1.2, 0, 12.34."""
    return f"{cents(micros).normalize():f}"

"""What a request for insights asks, and the rows that answer it.

What does not belong here: paths, tokens, pages and jobs (`api`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from sandbox.exchange import JSON
from sandbox.meta import errors
from sandbox.world.entities import Account, Level
from sandbox.world.facts import Fact
from sandbox.world.series import Query, Series, totals
from sandbox.world.world import Row, moment

LEVELS: dict[str, Level] = {"account": "account", "campaign": "campaign", "adset": "ad_group"}
KEPT_DAYS = 37 * 31
_PRESETS = {"today": (0, 0), "yesterday": (1, 1), "last_7d": (7, 1), "last_14d": (14, 1), "last_30d": (30, 1)}
_WINDOWS = frozenset({"1d_click", "7d_click", "28d_click", "1d_view", "7d_view", "28d_view", "default"})
_PURCHASES = ("purchase", "omni_purchase", "offsite_conversion.fb_pixel_purchase")
FIELDS = frozenset(
    {"account_id", "account_name", "account_currency", "campaign_id", "campaign_name", "adset_id", "adset_name"}
    | {"spend", "impressions", "clicks", "inline_link_clicks", "reach", "actions", "action_values", "ctr", "cpc"}
    | {"date_start", "date_stop", "objective", "attribution_setting"}
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A checked request for insights, at a moment. `daily` is time_increment=1; otherwise a row spans the range."""

    account: Account
    level: str
    fields: tuple[str, ...]
    since: date
    until: date
    daily: bool
    windows: tuple[str, ...]
    at: datetime

    def query(self) -> Query:
        return Query(self.account, LEVELS[self.level], self.since, self.until, moment(self.account, self.at))


def asked(account: Account, params: Mapping[str, str], fields: tuple[str, ...], at: datetime) -> Asked:
    """Raises `RefusedError` with code 100 (or 3018) for what Meta does not accept."""
    level = params.get("level", "account")
    if level not in LEVELS:
        raise errors.refused(100, f"(#100) level must be one of {', '.join(LEVELS)}")
    unknown = [field for field in fields if field not in FIELDS]
    if unknown:
        raise errors.refused(100, f"(#100) {', '.join(unknown)} is not valid for fields param.")
    since, until = _range(account, params, at)
    increment = params.get("time_increment", "all_days")
    if increment not in ("1", "all_days"):
        raise errors.refused(100, "(#100) time_increment must be 1 or all_days here")
    windows = tuple(_array(params, "action_attribution_windows"))
    if set(windows) - _WINDOWS:
        raise errors.refused(100, "(#100) action_attribution_windows holds an unknown window")
    return Asked(account, level, fields or ("account_id",), since, until, increment == "1", windows, at)


def _range(account: Account, params: Mapping[str, str], at: datetime) -> tuple[date, date]:
    today = moment(account, at).today
    if "time_range" not in params:
        preset = params.get("date_preset", "last_30d")
        if preset not in _PRESETS:
            raise errors.refused(100, f"(#100) date_preset must be one of {', '.join(_PRESETS)}")
        first, last = _PRESETS[preset]
        return today - timedelta(days=first), today - timedelta(days=last)
    try:
        span = json.loads(params["time_range"])
        since, until = date.fromisoformat(span["since"]), date.fromisoformat(span["until"])
    except (ValueError, TypeError, KeyError):
        raise errors.refused(100, "(#100) param time_range must be an object with since and until.") from None
    if since > until:
        raise errors.refused(100, "(#100) The start date must be before the end date.")
    if since < today - timedelta(days=KEPT_DAYS):
        raise errors.refused(3018, "(#3018) The start date of the time range cannot be beyond 37 months.")
    return since, min(until, today)


def _array(params: Mapping[str, str], name: str) -> list[str]:
    try:
        return [str(item) for item in json.loads(params.get(name) or "[]")]
    except ValueError:
        raise errors.refused(100, f"(#100) param {name} must be an array.") from None


def rows(series: Series, wanted: Asked, start: int, size: int) -> tuple[list[JSON], bool]:
    """`size` rows from number `start` on, and whether more follow."""
    if wanted.daily:
        found = list(series.slice(wanted.query(), start, size + 1))
        spans = [(row, row.day, row.day) for row in found]
    else:
        sums = totals(series.slice(wanted.query(), 0))[start : start + size + 1]
        spans = [(row, wanted.since, wanted.until) for row in sums]
    return [_written(wanted, *span) for span in spans[:size]], len(spans) > size


def _written(wanted: Asked, row: Row, first: date, last: date) -> JSON:
    fact = row.fact
    values: JSON = {
        "account_id": wanted.account.id,
        "account_name": wanted.account.name,
        "account_currency": wanted.account.currency,
        "spend": _money(fact.cost),
        "impressions": str(fact.impressions),
        "clicks": str(fact.clicks),
        "inline_link_clicks": str(fact.clicks),
        "reach": str(fact.impressions * 4 // 5),
        "objective": "OUTCOME_SALES",
        "attribution_setting": "7d_click_1d_view",
    }
    if row.campaign is not None:
        values |= {"campaign_id": str(row.campaign.id), "campaign_name": row.campaign.timeline.name_at(wanted.at)}
    if row.ad_group is not None:
        values |= {"adset_id": str(row.ad_group.id), "adset_name": row.ad_group.timeline.name_at(wanted.at)}
    if fact.clicks:
        values |= {"cpc": _money(fact.cost // fact.clicks), "ctr": str(round(100 * fact.clicks / fact.impressions, 6))}
    values |= _actions(wanted, fact)
    chosen = {name: values[name] for name in wanted.fields if name in values}
    return {**chosen, "date_start": first.isoformat(), "date_stop": last.isoformat()}


def _actions(wanted: Asked, fact: Fact) -> JSON:
    """A purchase is told under three names, as Meta does: who sums over action types counts it three times."""
    lists: JSON = {}
    bought = fact.conversions // 1_000_000
    actions = [_action(wanted, "link_click", str(fact.clicks))] if fact.clicks else []
    if bought:
        actions += [_action(wanted, name, str(bought)) for name in _PURCHASES]
        lists["action_values"] = [_action(wanted, name, _money(fact.value)) for name in _PURCHASES]
    return {**lists, "actions": actions} if actions else lists


def _action(wanted: Asked, name: str, value: str) -> JSON:
    """All conversions of this world follow a click within a day, so that every click window has all of them."""
    windows = {window: value for window in wanted.windows if window.endswith("click")}
    return {"action_type": name, "value": value, **windows}


def _money(micros: int) -> str:
    """Decimal major units without needless zeros, as Meta writes spend: 1.2, 0, 12.34."""
    amount = Decimal(micros) / 1_000_000
    return f"{amount.quantize(Decimal('0.01')).normalize():f}"

"""What a query may ask: the checks that Google makes, and the days that the query is about.

What does not belong here: the grammar (`gaql`) and the rows (`results`).
"""

import re
from dataclasses import dataclass
from datetime import date, timedelta

from sandbox.exchange import unanswered
from sandbox.google.fields import ENUMS, FIELDS, JOINS, NUMBERS, Form, Value
from sandbox.google.gaql import Condition, ParsedQuery, QueryError

CLICK_VIEW_DAYS = 90
KEPT_DAYS = 37 * 31
_NOT_BY_ACTION = frozenset({"metrics.impressions", "metrics.clicks", "metrics.cost_micros"})
_NAMED_RANGES = frozenset(
    {"TODAY", "YESTERDAY", "LAST_7_DAYS", "LAST_14_DAYS", "LAST_30_DAYS", "LAST_BUSINESS_WEEK", "THIS_MONTH"}
    | {"LAST_MONTH", "THIS_WEEK_MON_TODAY", "THIS_WEEK_SUN_TODAY", "LAST_WEEK_MON_SUN", "LAST_WEEK_SUN_SAT"}
)


@dataclass(frozen=True, slots=True)
class Days:
    """Both days belong to the range."""

    since: date
    until: date


def check(query: ParsedQuery) -> None:
    """Raises QueryError with Google's reason, and RefusedError for what the sandbox does not answer."""
    if query.resource not in JOINS:
        text = f"Error in FROM clause: {query.resource} is not a valid resource."
        raise QueryError("BAD_RESOURCE_TYPE_IN_FROM_CLAUSE", text)
    for field in (*query.fields, *(condition.field for condition in query.conditions)):
        if field not in FIELDS:
            raise QueryError("UNRECOGNIZED_FIELD", f"Unrecognized field in the query: '{field}'.")
        resource = field.split(".")[0]
        if resource not in JOINS[query.resource]:
            reason = "PROHIBITED_RESOURCE_TYPE_IN_SELECT_CLAUSE"
            if resource in ("metrics", "segments"):
                reason = "PROHIBITED_METRIC_IN_SELECT_OR_WHERE_CLAUSE"
            raise QueryError(reason, f"Cannot select or filter on {field} with resource {query.resource}.")
    alone = [field for field in query.fields if field in _NOT_BY_ACTION]
    if alone and any(field.startswith("segments.conversion_action") for field in query.fields):
        reason = "PROHIBITED_SEGMENT_WITH_METRIC_IN_SELECT_OR_WHERE_CLAUSE"
        raise QueryError(reason, f"Cannot select {alone[0]} with segments.conversion_action.")
    for condition in query.conditions:
        if condition.field != "segments.date":
            _check_condition(condition)


def _check_condition(condition: Condition) -> None:
    form = FIELDS[condition.field].form
    if condition.operator == "DURING" or (condition.operator == "LIKE" and form is not Form.TEXT):
        raise QueryError("OPERATOR_FIELD_MISMATCH", f"{condition.operator} does not apply to {condition.field}.")
    if form in NUMBERS:
        for value in condition.values:
            if not re.fullmatch(r"-?\d+(\.\d+)?", value):
                raise QueryError("BAD_NUMBER", f"Invalid number {value} for {condition.field}.")
    for value in condition.values:
        if condition.field in ENUMS and value not in ENUMS[condition.field]:
            raise QueryError(
                "BAD_ENUM_CONSTANT", f"Error in WHERE clause: invalid value {value} for {condition.field}."
            )
    if condition.operator not in ("=", "!="):
        raise unanswered(f"queries with {condition.operator} on {condition.field}")


def days(query: ParsedQuery, today: date) -> Days | None:
    """The days that the conditions on segments.date leave. None: the query has no days.

    Raises QueryError for an open range, a malformed date, and a range that click_view does not allow.
    """
    is_clicks = query.resource == "click_view"
    ranges = [_range(condition) for condition in query.conditions if condition.field == "segments.date"]
    if not ranges and "segments.date" not in query.fields and not is_clicks:
        return None
    since = max((first for first, _ in ranges if first is not None), default=None)
    until = min((last for _, last in ranges if last is not None), default=None)
    if is_clicks and (since is None or since != until):
        text = "click_view needs a filter on one single day."
        raise QueryError("EXPECTED_FILTER_ON_A_SINGLE_DAY", text, "clickViewError")
    if since is None or until is None:
        text = "A finite date range is required in the WHERE clause for segments.date."
        raise QueryError("EXPECTED_FILTERS_ON_DATE_RANGE", text)
    if is_clicks and since < today - timedelta(days=CLICK_VIEW_DAYS):
        raise QueryError("DATE_TOO_OLD", "click_view is kept for 90 days.", "clickViewError")
    return Days(max(since, today - timedelta(days=KEPT_DAYS)), min(until, today))


def _range(condition: Condition) -> tuple[date | None, date | None]:
    """The first and the last day of a condition. None: the range is open on that side."""
    if condition.operator == "DURING":
        if condition.values[0] not in _NAMED_RANGES:
            raise QueryError("INVALID_VALUE_WITH_DURING_OPERATOR", f"Invalid date range {condition.values[0]}.")
        raise unanswered("queries with DURING")
    dates = [_date(value) for value in condition.values]
    match condition.operator:
        case "=":
            return dates[0], dates[0]
        case "BETWEEN":
            if dates[0] > dates[1]:
                raise QueryError("INVALID_VALUE_WITH_BETWEEN_OPERATOR", "The start of the range is after its end.")
            return dates[0], dates[1]
        case ">=":
            return dates[0], None
        case "<=":
            return None, dates[0]
        case "!=" | "LIKE":
            raise QueryError("OPERATOR_FIELD_MISMATCH", f"{condition.operator} does not apply to segments.date.")
    raise unanswered(f"queries with {condition.operator} on segments.date")


def _date(text: str) -> date:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d|\d{8}", text):
        raise QueryError("INVALID_DATE_FORMAT", f"Invalid date {text}: YYYY-MM-DD is expected.")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise QueryError("INVALID_DATE_FORMAT", f"Invalid date {text}.") from None


def holds(condition: Condition, value: Value) -> bool:
    """Whether a value meets a condition with = or !=."""
    wanted = condition.values[0]
    if isinstance(value, bool):
        equal = str(value).lower() == wanted.lower()
    elif isinstance(value, int | float):
        equal = value == float(wanted)
    else:
        equal = value == wanted
    return equal == (condition.operator == "=")

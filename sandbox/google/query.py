"""What a parsed query may ask: the checks that Google makes, and the days it is about.

What does not belong here: the grammar (`gaql`) and the rows (`results`).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from sandbox.google.fields import FIELDS, JOINS, Form, Value
from sandbox.google.gaql import Condition, ParsedQuery, QueryError

CLICK_VIEW_DAYS = 90
KEPT_DAYS = 37 * 31
_ORDERED = frozenset({">", ">=", "<", "<="})


@dataclass(frozen=True, slots=True)
class Days:
    since: date
    until: date


def check(query: ParsedQuery) -> None:
    """Raises QueryError where Google would refuse the query, whatever the account holds."""
    if query.resource not in JOINS:
        raise QueryError(
            "BAD_RESOURCE_TYPE_IN_FROM_CLAUSE", f"Error in FROM clause: {query.resource} is not a valid resource."
        )
    mentioned = [*query.fields, *(c.field for c in query.conditions), *(field for field, _ in query.order)]
    for field in mentioned:
        if field not in FIELDS:
            raise QueryError("UNRECOGNIZED_FIELD", f"Unrecognized field in the query: '{field}'.")
        if field.split(".")[0] not in JOINS[query.resource]:
            raise QueryError(
                "PROHIBITED_RESOURCE_TYPE_IN_SELECT_CLAUSE"
                if field.split(".")[0] not in ("metrics", "segments")
                else "PROHIBITED_METRIC_IN_SELECT_OR_WHERE_CLAUSE",
                f"Cannot select or filter on {field} with resource {query.resource}.",
            )
    for condition in query.conditions:
        _check_operator(condition)
    selected = set(query.fields)
    for field, _ in query.order:
        if field not in selected and field.split(".")[0] != query.resource:
            raise QueryError(
                "EXPECTED_REFERENCED_FIELD_IN_SELECT_CLAUSE", f"{field} must be selected to be ordered by."
            )


def _check_operator(condition: Condition) -> None:
    form = FIELDS[condition.field].form
    if condition.operator == "DURING" and condition.field != "segments.date":
        raise QueryError("OPERATOR_FIELD_MISMATCH", f"DURING does not apply to {condition.field}.")
    if condition.operator in ("LIKE", "NOT LIKE") and form is not Form.TEXT:
        raise QueryError("OPERATOR_FIELD_MISMATCH", f"LIKE does not apply to {condition.field}.")
    if form in (Form.INT64, Form.INT32, Form.DOUBLE):
        for value in condition.values:
            if not re.fullmatch(r"-?\d+(\.\d+)?", value):
                raise QueryError("BAD_NUMBER", f"Invalid number {value} for {condition.field}.")


def days(query: ParsedQuery, today: date) -> Days | None:
    """The days that the conditions on segments.date leave, or None where there are none.

    Raises QueryError for an open range, a date that is none, and a range that click_view does not allow.
    """
    conditions = [condition for condition in query.conditions if condition.field == "segments.date"]
    since = until = None
    for condition in conditions:
        first, last = _range(condition, today)
        since = first if since is None or (first is not None and first > since) else since
        until = last if until is None or (last is not None and last < until) else until
    if "segments.date" in query.fields or conditions:
        if since is None or until is None:
            raise QueryError(
                "EXPECTED_FILTERS_ON_DATE_RANGE",
                "A finite date range is required in the WHERE clause for segments.date.",
            )
        if query.resource == "click_view":
            if since != until:
                raise _one_day_wanted()
            if since < today - timedelta(days=CLICK_VIEW_DAYS):
                raise QueryError("DATE_TOO_OLD", "click_view is kept for 90 days.", "clickViewError")
        return Days(max(since, today - timedelta(days=KEPT_DAYS)), min(until, today))
    if query.resource == "click_view":
        raise _one_day_wanted()
    return None


def _one_day_wanted() -> QueryError:
    return QueryError(
        "EXPECTED_FILTER_ON_A_SINGLE_DAY", "click_view needs a filter on one single day.", "clickViewError"
    )


def _range(condition: Condition, today: date) -> tuple[date | None, date | None]:
    if condition.operator == "DURING":
        return _named(condition.values[0], today)
    dates = [_date(value) for value in condition.values]
    if condition.operator == "BETWEEN":
        if dates[0] > dates[1]:
            raise QueryError("INVALID_VALUE_WITH_BETWEEN_OPERATOR", "The start of the range is after its end.")
        return dates[0], dates[1]
    if condition.operator == "=":
        return dates[0], dates[0]
    if condition.operator not in _ORDERED:
        raise QueryError("OPERATOR_FIELD_MISMATCH", f"{condition.operator} does not apply to segments.date.")
    step = timedelta(days=1 if condition.operator in (">", "<") else 0)
    return (dates[0] + step, None) if condition.operator.startswith(">") else (None, dates[0] - step)


def _date(text: str) -> date:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d|\d{8}", text):
        raise QueryError("INVALID_DATE_FORMAT", f"Invalid date {text}: YYYY-MM-DD is expected.")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise QueryError("INVALID_DATE_FORMAT", f"Invalid date {text}.") from None


def _named(name: str, today: date) -> tuple[date, date]:
    yesterday = today - timedelta(days=1)
    month = today.replace(day=1)
    monday = today - timedelta(days=today.weekday())
    sunday = today - timedelta(days=(today.weekday() + 1) % 7)
    ranges = {
        "TODAY": (today, today),
        "YESTERDAY": (yesterday, yesterday),
        "LAST_7_DAYS": (today - timedelta(days=7), yesterday),
        "LAST_14_DAYS": (today - timedelta(days=14), yesterday),
        "LAST_30_DAYS": (today - timedelta(days=30), yesterday),
        "LAST_BUSINESS_WEEK": (monday - timedelta(days=7), monday - timedelta(days=3)),
        "THIS_MONTH": (month, today),
        "LAST_MONTH": ((month - timedelta(days=1)).replace(day=1), month - timedelta(days=1)),
        "THIS_WEEK_MON_TODAY": (monday, today),
        "THIS_WEEK_SUN_TODAY": (sunday, today),
        "LAST_WEEK_MON_SUN": (monday - timedelta(days=7), monday - timedelta(days=1)),
        "LAST_WEEK_SUN_SAT": (sunday - timedelta(days=7), sunday - timedelta(days=1)),
    }
    if name not in ranges:
        raise QueryError("INVALID_VALUE_WITH_DURING_OPERATOR", f"Invalid date range {name}.")
    return ranges[name]


def holds(condition: Condition, value: Value) -> bool:
    """Whether a row's value meets a condition (on anything but segments.date, which chooses the days)."""
    operator = condition.operator
    if operator in ("IS NULL", "IS NOT NULL"):
        return (value is None) == (operator == "IS NULL")
    if operator in ("LIKE", "NOT LIKE"):
        return _like(condition.values[0], str(value)) == (operator == "LIKE")
    if operator in ("IN", "NOT IN"):
        return any(_compare("=", value, wanted) for wanted in condition.values) == (operator == "IN")
    if operator == "BETWEEN":
        return _compare(">=", value, condition.values[0]) and _compare("<=", value, condition.values[1])
    return _compare(operator, value, condition.values[0])


def _like(pattern: str, value: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("%"))), value, re.DOTALL) is not None


def _compare(operator: str, value: Value, wanted: str) -> bool:
    if value is None:
        return operator == "!="
    if isinstance(value, bool):
        return (str(value).lower() == wanted.lower()) == (operator == "=")
    if isinstance(value, str):
        return _COMPARE[operator](value, wanted)
    return _COMPARE[operator](value, float(wanted) if "." in wanted else int(wanted))


_COMPARE: dict[str, Callable[..., bool]] = {
    "=": lambda one, other: one == other,
    "!=": lambda one, other: one != other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
}

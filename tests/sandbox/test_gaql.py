"""The query language: what is understood, and what is refused with which of Google's reasons."""

from datetime import date

import pytest

from sandbox.google.gaql import Condition, QueryError, parse
from sandbox.google.query import Days, check, days

TODAY = date(2026, 11, 21)  # a Saturday


def test_a_whole_query_is_understood() -> None:
    query = parse(
        "select campaign.id, campaign.name FROM campaign WHERE campaign.name LIKE '%it\\'s%' AND campaign.id IN (1, 2)"
        " AND campaign.status NOT IN ('REMOVED') AND segments.date BETWEEN '2026-01-01' AND '2026-01-31'"
        " AND campaign.name IS NOT NULL ORDER BY campaign.id DESC, campaign.name LIMIT 5"
        " PARAMETERS include_drafts = true"
    )
    assert query.fields == ("campaign.id", "campaign.name")
    assert query.resource == "campaign"
    assert query.conditions == (
        Condition("campaign.name", "LIKE", ("%it's%",)),
        Condition("campaign.id", "IN", ("1", "2")),
        Condition("campaign.status", "NOT IN", ("REMOVED",)),
        Condition("segments.date", "BETWEEN", ("2026-01-01", "2026-01-31")),
        Condition("campaign.name", "IS NOT NULL", ()),
    )
    assert query.order == (("campaign.id", True), ("campaign.name", False))
    assert query.limit == 5


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "EXPECTED_SELECT"),
        ("FROM campaign", "EXPECTED_SELECT"),
        ("SELECT campaign.id", "EXPECTED_FROM"),
        ("SELECT campaign.id FROM", "UNEXPECTED_END_OF_QUERY"),
        ("SELECT campaign.id FROM campaign;", "BAD_SYMBOL"),
        ("SELECT campaign.id FROM campaign LIMIT 0", "BAD_LIMIT_VALUE"),
        ("SELECT campaign.id FROM campaign WHERE campaign.id MATCHES 1", "BAD_OPERATOR"),
        ("SELECT campaign.id FROM campaign WHERE campaign.id = (1, 2)", "EXPECTED_SINGLE_VALUE"),
        ("SELECT campaign.id FROM campaign WHERE campaign.id IN 1", "EXPECTED_LIST"),
        ("SELECT campaign.id FROM campaign ORDER campaign.id", "EXPECTED_BY"),
        ("SELECT campaign.id FROM campaign PARAMETERS page_size = 5", "BAD_PARAMETER_NAME"),
        ("SELECT campaign.id FROM campaign campaign", "UNEXPECTED_INPUT"),
        ("SELECT campaign.id FROM campaigns", "BAD_RESOURCE_TYPE_IN_FROM_CLAUSE"),
        ("SELECT campaign.start_date FROM campaign", "UNRECOGNIZED_FIELD"),
        ("SELECT campaign.id FROM campaign WHERE campaign.colour = 'red'", "UNRECOGNIZED_FIELD"),
        ("SELECT ad_group.id FROM campaign", "PROHIBITED_RESOURCE_TYPE_IN_SELECT_CLAUSE"),
        ("SELECT metrics.clicks FROM ad_group_criterion", "PROHIBITED_METRIC_IN_SELECT_OR_WHERE_CLAUSE"),
        ("SELECT campaign.id FROM campaign WHERE campaign.id DURING TODAY", "OPERATOR_FIELD_MISMATCH"),
        ("SELECT campaign.id FROM campaign WHERE campaign.id LIKE '1%'", "OPERATOR_FIELD_MISMATCH"),
        ("SELECT campaign.id FROM campaign WHERE campaign.id = 'seven'", "BAD_NUMBER"),
        ("SELECT campaign.id FROM campaign ORDER BY metrics.clicks", "EXPECTED_REFERENCED_FIELD_IN_SELECT_CLAUSE"),
    ],
)
def test_a_wrong_query_is_refused(text: str, reason: str) -> None:
    with pytest.raises(QueryError) as refusal:
        check(parse(text))
    assert refusal.value.reason == reason


@pytest.mark.parametrize(
    ("condition", "first", "last"),
    [
        ("= '2026-11-01'", "2026-11-01", "2026-11-01"),
        ("BETWEEN '20261101' AND '20261103'", "2026-11-01", "2026-11-03"),
        ("> '2026-11-01' AND segments.date < '2026-11-05'", "2026-11-02", "2026-11-04"),
        ("DURING TODAY", "2026-11-21", "2026-11-21"),
        ("DURING LAST_7_DAYS", "2026-11-14", "2026-11-20"),
        ("DURING LAST_30_DAYS", "2026-10-22", "2026-11-20"),
        ("DURING LAST_MONTH", "2026-10-01", "2026-10-31"),
        ("DURING LAST_WEEK_MON_SUN", "2026-11-09", "2026-11-15"),
        ("DURING LAST_BUSINESS_WEEK", "2026-11-09", "2026-11-13"),
        ("BETWEEN '2026-11-20' AND '2026-12-31'", "2026-11-20", "2026-11-21"),
    ],
)
def test_date_ranges(condition: str, first: str, last: str) -> None:
    query = parse(f"SELECT segments.date FROM campaign WHERE segments.date {condition}")
    assert days(query, TODAY) == Days(date.fromisoformat(first), date.fromisoformat(last))


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        ("", "EXPECTED_FILTERS_ON_DATE_RANGE"),
        ("WHERE segments.date >= '2026-11-01'", "EXPECTED_FILTERS_ON_DATE_RANGE"),
        ("WHERE segments.date BETWEEN '2026-11-02' AND '2026-11-01'", "INVALID_VALUE_WITH_BETWEEN_OPERATOR"),
        ("WHERE segments.date DURING LAST_31_DAYS", "INVALID_VALUE_WITH_DURING_OPERATOR"),
        ("WHERE segments.date = '2026-02-30'", "INVALID_DATE_FORMAT"),
        ("WHERE segments.date = '11/21/2026'", "INVALID_DATE_FORMAT"),
        ("WHERE segments.date != '2026-11-01'", "OPERATOR_FIELD_MISMATCH"),
    ],
)
def test_a_wrong_date_range_is_refused(condition: str, reason: str) -> None:
    with pytest.raises(QueryError) as refusal:
        days(parse(f"SELECT segments.date FROM campaign {condition}"), TODAY)
    assert refusal.value.reason == reason


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        ("", "EXPECTED_FILTER_ON_A_SINGLE_DAY"),
        ("WHERE segments.date DURING LAST_7_DAYS", "EXPECTED_FILTER_ON_A_SINGLE_DAY"),
        ("WHERE segments.date = '2026-08-01'", "DATE_TOO_OLD"),
    ],
)
def test_click_view_shows_one_recent_day(condition: str, reason: str) -> None:
    with pytest.raises(QueryError) as refusal:
        days(parse(f"SELECT click_view.gclid FROM click_view {condition}"), TODAY)
    assert (refusal.value.family, refusal.value.reason) == ("clickViewError", reason)

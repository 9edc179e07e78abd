"""The query language: the queries that the sandbox understands, and the reasons with which it refuses others."""

from datetime import date

import pytest

from resources.ad_platforms import AccountDays, Level
from resources.ad_platforms.google import queries
from sandbox.exchange import RefusedError
from sandbox.google.gaql import Condition, QueryError, parse
from sandbox.google.query import Days, check, days

TODAY = date(2026, 11, 21)


def test_a_query_is_understood() -> None:
    query = parse(
        "select campaign.id, campaign.name FROM campaign WHERE campaign.name != 'it\\'s' AND campaign.id = 1"
        " AND segments.date BETWEEN '2026-01-01' AND '2026-01-31'"
    )
    assert query.fields == ("campaign.id", "campaign.name")
    assert query.resource == "campaign"
    assert query.conditions == (
        Condition("campaign.name", "!=", ("it's",)),
        Condition("campaign.id", "=", ("1",)),
        Condition("segments.date", "BETWEEN", ("2026-01-01", "2026-01-31")),
    )


WEEK = AccountDays(date(2026, 11, 9), date(2026, 11, 15))


@pytest.mark.parametrize(
    "text",
    [
        *queries.LISTS.values(),
        *(queries.facts(level, WEEK) for level in Level),
        *(queries.conversions(level, WEEK) for level in Level),
        queries.CLIENTS,
        f"{queries.CLICKS} WHERE segments.date = '2026-11-09'",
    ],
)
def test_every_query_of_the_connector_is_understood(text: str) -> None:
    query = parse(text)
    check(query)
    assert text.startswith(f"SELECT {', '.join(query.fields)} FROM {query.resource}")


@pytest.mark.parametrize(
    "rest",
    [
        "WHERE campaign.id IN (1, 2)",
        "WHERE campaign.status NOT IN ('REMOVED')",
        "WHERE campaign.name IS NOT NULL",
        "WHERE campaign.name LIKE '%sale%'",
        "WHERE campaign.id > 7",
        "WHERE segments.date DURING LAST_7_DAYS",
        "WHERE segments.date > '2026-11-01'",
        "ORDER BY campaign.id DESC",
        "LIMIT 5",
        "PARAMETERS include_drafts = true",
    ],
)
def test_a_correct_query_that_the_sandbox_does_not_answer_is_refused_and_not_answered_wrongly(rest: str) -> None:
    def answer() -> None:
        query = parse(f"SELECT campaign.id FROM campaign {rest}")
        check(query)
        days(query, TODAY)

    with pytest.raises(RefusedError) as refusal:
        answer()
    assert refusal.value.response.status == 501
    assert b"The sandbox does not answer queries with" in refusal.value.response.body


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
        (">= '2026-11-02' AND segments.date <= '2026-11-04'", "2026-11-02", "2026-11-04"),
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
        ("WHERE segments.date BETWEEN '2026-11-14' AND '2026-11-20'", "EXPECTED_FILTER_ON_A_SINGLE_DAY"),
        ("WHERE segments.date = '2026-08-01'", "DATE_TOO_OLD"),
    ],
)
def test_click_view_shows_one_recent_day(condition: str, reason: str) -> None:
    with pytest.raises(QueryError) as refusal:
        days(parse(f"SELECT click_view.gclid FROM click_view {condition}"), TODAY)
    assert (refusal.value.family, refusal.value.reason) == ("clickViewError", reason)

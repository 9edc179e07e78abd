"""Microsoft Advertising over HTTP: it serves the world in Microsoft's forms, and wrong requests get its faults."""

import csv
import io
import zipfile
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import requests

from sandbox.platforms import Connection
from sandbox.server import Sandbox
from tests.sandbox.accounts import connection_of, true_rows

COLUMNS = ["TimePeriod", "CampaignId", "AdGroupId", "KeywordId", "Keyword", "CampaignName", "QualityScore"]
COLUMNS += ["CurrencyCode", "Impressions", "Clicks", "Spend", "Conversions", "ConversionsQualified", "Revenue"]
ZONES = ["EasternTimeUSCanada", "OsakaSapporoTokyo", "Nukualofa"]


def headers(connection: Connection) -> dict[str, str]:
    app = connection.credentials["app"]
    return {
        "Authorization": f"Bearer {connection.credentials['oauth']['access_token']}",
        "DeveloperToken": app["developer_token"],
        "CustomerId": app["customer_id"],
        "CustomerAccountId": connection.account_id,
    }


def post(sandbox: Sandbox, connection: Connection, service: str, path: str, body: object) -> requests.Response:
    url = f"{sandbox.endpoints('microsoft')[service]}/{path}"
    return requests.post(url, json=body, headers=headers(connection), timeout=10)


def day(date: date) -> dict[str, int]:
    return {"Day": date.day, "Month": date.month, "Year": date.year}


def request(connection: Connection, zone: str | None, since: date, until: date, **changes: Any) -> dict[str, Any]:
    body = {
        "Type": "KeywordPerformanceReportRequest",
        "Format": "Csv",
        "Aggregation": "Daily",
        "Columns": COLUMNS,
        "ExcludeReportHeader": True,
        "ExcludeReportFooter": True,
        "Scope": {"AccountIds": [connection.account_id]},
        "Time": {"CustomDateRangeStart": day(since), "CustomDateRangeEnd": day(until), "ReportTimeZone": zone},
    }
    return {"ReportRequest": {**body, **changes}}


def link(sandbox: Sandbox, connection: Connection, body: object) -> str | None:
    submitted = post(sandbox, connection, "reporting", "GenerateReport/Submit", body)
    assert submitted.status_code == 200, submitted.text
    states = []
    for _ in range(3):
        poll = post(sandbox, connection, "reporting", "GenerateReport/Poll", submitted.json())
        states.append(poll.json()["ReportRequestStatus"])
    assert [state["Status"] for state in states] == ["Pending", "Pending", "Success"]
    url: str | None = states[-1]["ReportDownloadUrl"]
    return url


def text(url: str) -> str:
    packed = requests.get(url, timeout=10).content
    with zipfile.ZipFile(io.BytesIO(packed)) as folder:
        (name,) = folder.namelist()
        content = folder.read(name)
    assert content.startswith(b"\xef\xbb\xbf")
    return content.decode("utf-8-sig")


def report(sandbox: Sandbox, connection: Connection, body: object) -> list[dict[str, str]]:
    url = link(sandbox, connection, body)
    assert url is not None
    return list(csv.DictReader(io.StringIO(text(url), newline="")))


@pytest.mark.parametrize("index", range(3))
def test_keyword_reports_are_the_worlds(ad_sandbox: Sandbox, index: int) -> None:
    connection = connection_of(ad_sandbox, "microsoft", index)
    body = request(connection, ZONES[index], date(2026, 11, 10), date(2026, 11, 21))
    served = {(row["TimePeriod"], row["KeywordId"]): row for row in report(ad_sandbox, connection, body)}
    truth = true_rows(ad_sandbox, connection, "keyword", date(2026, 11, 10), days=12)
    assert len(served) == len(truth) > 100
    assert "--" in {row["QualityScore"] for row in served.values()}
    for row in truth:
        shown = served[str(row.day), str(row.keyword_id)]
        assert (shown["CampaignId"], shown["AdGroupId"]) == (row.campaign_id, row.ad_group_id)
        assert (shown["Impressions"], shown["Clicks"]) == (str(row.impressions), str(row.clicks))
        assert Decimal(shown["Spend"]) == row.spend
        assert Decimal(shown["ConversionsQualified"]) == Decimal(shown["Conversions"]) == row.conversions
        assert Decimal(shown["Revenue"]) == row.conversions_value
        assert shown["CurrencyCode"] == row.currency


@pytest.mark.parametrize("zone", [None, "OsakaSapporoTokyo"])
def test_days_that_are_not_the_accounts_days_are_refused(ad_sandbox: Sandbox, zone: str | None) -> None:
    """Without a zone Microsoft counts days in Pacific time, which no account of the world has."""
    since = date(2026, 11, 10)
    for index in (0, 2):
        connection = connection_of(ad_sandbox, "microsoft", index)
        body = request(connection, zone, since, since)
        assert post(ad_sandbox, connection, "reporting", "GenerateReport/Submit", body).status_code == 501


def test_awkward_names_are_quoted(ad_sandbox: Sandbox) -> None:
    connection = connection_of(ad_sandbox, "microsoft")
    since = date(2026, 11, 10)
    columns = {"Type": "CampaignPerformanceReportRequest", "Columns": ["CampaignName", "Spend"]}
    rows = report(ad_sandbox, connection, request(connection, ZONES[0], since, since, **columns))
    names = [row["CampaignName"] for row in rows]
    world = ad_sandbox.world.campaigns("microsoft", connection.account_id, ad_sandbox.clock())
    assert set(names) <= {entity.name for entity in world}
    assert any("\n" in name for name in names)


def test_a_link_lives_five_minutes_and_no_data_is_no_link(ad_sandbox: Sandbox) -> None:
    connection = connection_of(ad_sandbox, "microsoft")
    body = request(connection, ZONES[0], date(2026, 11, 10), date(2026, 11, 10))
    url = link(ad_sandbox, connection, body)
    assert url is not None
    ad_sandbox.clock.advance(timedelta(seconds=299))
    assert requests.get(url, timeout=10).status_code == 200
    ad_sandbox.clock.advance(timedelta(seconds=1))
    assert requests.get(url, timeout=10).status_code == 403
    assert link(ad_sandbox, connection, request(connection, ZONES[0], date(2020, 1, 1), date(2020, 1, 2))) is None


def test_entities(ad_sandbox: Sandbox) -> None:
    connection = connection_of(ad_sandbox, "microsoft")
    world = ad_sandbox.world
    now = ad_sandbox.clock()
    ask = {"AccountId": connection.account_id, "CampaignType": "Search,Shopping"}
    campaigns = post(ad_sandbox, connection, "campaign", "Campaigns/QueryByAccountId", ask).json()["Campaigns"]
    alive = {entity.id for entity in world.campaigns("microsoft", connection.account_id, now) if not entity.deleted_at}
    assert {row["Id"] for row in campaigns} == alive
    search_only = {"AccountId": connection.account_id}
    fewer = post(ad_sandbox, connection, "campaign", "Campaigns/QueryByAccountId", search_only).json()["Campaigns"]
    assert {row["CampaignType"] for row in fewer} == {"Search"} != {row["CampaignType"] for row in campaigns}
    shared = [row for row in campaigns if row["BudgetId"]]
    assert len(shared) == 2
    assert shared[0]["BudgetId"] == shared[1]["BudgetId"]
    assert post(ad_sandbox, connection, "campaign", "Budgets/QueryByIds", {"BudgetIds": None}).status_code == 404
    parent = {"CampaignId": campaigns[0]["Id"]}
    groups = post(ad_sandbox, connection, "campaign", "AdGroups/QueryByCampaignId", parent).json()["AdGroups"]
    parent = {"AdGroupId": groups[0]["Id"]}
    words = post(ad_sandbox, connection, "campaign", "Keywords/QueryByAdGroupId", parent).json()["Keywords"]
    living = [w for w in world.keywords("microsoft", connection.account_id, now) if not w.deleted_at]
    assert [(w["Id"], w["Text"]) for w in words] == [(w.id, w.name) for w in living if w.parent_id == groups[0]["Id"]]


def test_accounts_come_in_pages(ad_sandbox: Sandbox) -> None:
    connection = connection_of(ad_sandbox, "microsoft")
    accounts = []
    for index in range(3):
        page = {"PageInfo": {"Index": index, "Size": 2}, "Predicates": []}
        accounts += post(ad_sandbox, connection, "customer", "Accounts/Search", page).json()["Accounts"]
    assert [(row["CurrencyCode"], row["TimeZone"]) for row in accounts] == list(
        zip(["USD", "JPY", "NZD"], ZONES, strict=True)
    )
    assert post(ad_sandbox, connection, "customer", "Accounts/Search", {"Predicates": []}).status_code == 400
    assert post(ad_sandbox, connection, "customer", "User/Query", {"UserId": None}).json()["User"]["Id"]


def test_a_refresh_token_rotates_and_the_old_one_ends_when_the_new_one_is_used(ad_sandbox: Sandbox) -> None:
    connection = connection_of(ad_sandbox, "microsoft")
    app = connection.credentials["app"]

    def refresh(token: str, **changes: str) -> dict[str, Any]:
        form = {
            "grant_type": "refresh_token",
            "client_id": app["client_id"],
            "client_secret": app["client_secret"],
            "refresh_token": token,
            "scope": "https://ads.microsoft.com/msads.manage offline_access",
            **changes,
        }
        return dict(requests.post(ad_sandbox.endpoints("microsoft")["token"], data=form, timeout=10).json())

    old = connection.credentials["oauth"]["refresh_token"]
    new = refresh(old)["refresh_token"]
    assert new != old
    assert "access_token" in refresh(old)  # the client died before it stored the new one
    assert "access_token" in refresh(new)
    assert refresh(old)["error"] == "invalid_grant"
    assert refresh(new, scope="openid")["error"] == "invalid_scope"
    assert refresh(new, client_secret="x")["error"] == "invalid_client"


def test_wrong_requests_are_refused(ad_sandbox: Sandbox) -> None:
    connection = connection_of(ad_sandbox, "microsoft")
    since = date(2026, 11, 10)
    for changes, code in (
        ({"Type": None}, 100),
        ({"Columns": ["Colour"]}, 2006),
        ({"Type": "CampaignPerformanceReportRequest"}, 2006),  # keyword columns
        ({"Aggregation": "Hourly"}, 2012),
        ({"Aggregation": "Summary"}, 2012),
        ({"Format": "Xml"}, 2010),
        ({"Scope": {"AccountIds": []}}, 2003),
        ({"Time": {"PredefinedTime": "Someday"}}, 2009),
        ({"Time": {"PredefinedTime": "Yesterday", "ReportTimeZone": "Mars"}}, 2015),
    ):
        body = request(connection, ZONES[0], since, since, **changes)
        refused = post(ad_sandbox, connection, "reporting", "GenerateReport/Submit", body)
        assert (refused.status_code, refused.json()["OperationErrors"][0]["Code"]) == (400, code)
    for option, wanted in (
        ("ExcludeReportHeader", False),
        ("ExcludeReportFooter", False),
        ("ExcludeColumnHeaders", True),
    ):
        body = request(connection, ZONES[0], since, since, **{option: wanted})
        assert post(ad_sandbox, connection, "reporting", "GenerateReport/Submit", body).status_code == 501
    ask = {"AccountId": connection.account_id}
    url = f"{ad_sandbox.endpoints('microsoft')['campaign']}/Campaigns/QueryByAccountId"
    for name, value, code in (
        ("DeveloperToken", "x", 105),
        ("Authorization", "Bearer x", 105),
        ("CustomerId", "1", 106),
        ("CustomerAccountId", "1", 106),
    ):
        refused = requests.post(url, json=ask, headers={**headers(connection), name: value}, timeout=10)
        assert refused.json()["Errors"][0]["Code"] == code
    missing = post(ad_sandbox, connection, "campaign", "AdGroups/QueryByCampaignId", {"CampaignId": "1"})
    assert missing.json()["OperationErrors"][0]["Code"] == 1100
    ad_sandbox.clock.advance(timedelta(hours=1))
    assert requests.post(url, json=ask, headers=headers(connection), timeout=10).json()["Errors"][0]["Code"] == 109

"""Microsoft Advertising over HTTP: it serves the world in Microsoft's forms, and wrong requests get its faults."""

import csv
import io
import zipfile
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import requests

from sandbox.limits import Limits
from sandbox.platforms import Connection
from sandbox.server import Sandbox
from tests.sandbox.accounts import connection_of, true_rows

COLUMNS = ["TimePeriod", "CampaignId", "AdGroupId", "KeywordId", "Keyword", "CampaignName", "QualityScore"]
METRICS = ["Impressions", "Clicks", "Spend", "ConversionsQualified", "Revenue"]
COLUMNS += ["BidMatchType", "CurrencyCode", *METRICS]
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


def summed(rows: list[dict[str, str]], *key: str) -> dict[tuple[str, ...], dict[str, Decimal]]:
    """Impressions, clicks and so on of rows with one key, which may come in parts; thousands may have commas."""
    sums: dict[tuple[str, ...], dict[str, Decimal]] = {}
    for row in rows:
        into = sums.setdefault(tuple(row[name] for name in key), dict.fromkeys(METRICS, Decimal(0)))
        for name in METRICS:
            into[name] += Decimal(row[name].replace(",", ""))
    return sums


def report(sandbox: Sandbox, connection: Connection, body: object) -> list[dict[str, str]]:
    url = link(sandbox, connection, body)
    assert url is not None
    return list(csv.DictReader(io.StringIO(text(url), newline="")))


@pytest.mark.parametrize("index", range(3))
def test_keyword_reports_are_the_worlds(ad_sandbox: Sandbox, index: int) -> None:
    connection = connection_of(ad_sandbox, "microsoft", index)
    body = request(connection, ZONES[index], date(2026, 11, 10), date(2026, 11, 21))
    rows = report(ad_sandbox, connection, body)
    truth = true_rows(ad_sandbox, connection, "keyword", date(2026, 11, 10), days=12)
    served = summed(rows, "TimePeriod", "CampaignId", "AdGroupId", "KeywordId", "CurrencyCode")
    assert served == {
        (str(row.day), row.campaign_id, row.ad_group_id, row.keyword_id, row.currency): dict(
            zip(
                METRICS,
                (row.impressions, row.clicks, row.spend, row.conversions, row.conversions_value),
                strict=True,
            )
        )
        for row in truth
    }
    assert len(rows) > len(truth) > 100, "a row of each match type"
    assert "Unknown" in {row["BidMatchType"] for row in rows}
    assert "--" in {row["QualityScore"] for row in rows}
    assert any("," in row["Impressions"] for row in rows)


def test_conversions_come_by_goal(ad_sandbox: Sandbox) -> None:
    connection = connection_of(ad_sandbox, "microsoft")
    columns = ["TimePeriod", "AdId", "Goal", "ConversionsQualified", "AllConversionsQualified", "Revenue", "AllRevenue"]
    changes = {"Type": "AdPerformanceReportRequest", "Columns": columns}
    since, until = date(2026, 11, 10), date(2026, 11, 12)
    rows = report(ad_sandbox, connection, request(connection, ZONES[0], since, until, **changes))
    truth = [
        one
        for n in range(3)
        for one in ad_sandbox.world.conversions(
            "microsoft", connection.account_id, "ad", since + timedelta(n), ad_sandbox.clock()
        )
    ]
    assert {(row["TimePeriod"], row["AdId"], row["Goal"]): Decimal(row["AllConversionsQualified"]) for row in rows} == {
        (str(one.day), one.ad_id, one.action): one.count for one in truth
    }
    assert {row["Goal"] for row in rows if Decimal(row["ConversionsQualified"])} == {"Purchase"}
    wrong = request(connection, ZONES[0], since, until, **{**changes, "Columns": [*columns, "Spend"]})
    assert post(ad_sandbox, connection, "reporting", "GenerateReport/Submit", wrong).status_code == 501


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


def entities(sandbox: Sandbox, connection: Connection, *kinds: str) -> list[dict[str, str]]:
    ask = {"AccountIds": [connection.account_id], "DownloadEntities": list(kinds), "FormatVersion": "6.0"}
    job = post(sandbox, connection, "bulk", "Campaigns/DownloadByAccountIds", ask).json()["DownloadRequestId"]
    states = [post(sandbox, connection, "bulk", "BulkDownloadStatus/Query", {"RequestId": job}).json() for _ in "123"]
    assert [state["RequestStatus"] for state in states] == ["InProgress", "InProgress", "Completed"]
    return list(csv.DictReader(io.StringIO(text(states[-1]["ResultFileUrl"]), newline="")))


def test_entities_come_in_one_file(ad_sandbox: Sandbox) -> None:
    connection = connection_of(ad_sandbox, "microsoft")
    world, now = ad_sandbox.world, ad_sandbox.clock()
    rows = entities(ad_sandbox, connection, "Campaigns", "AdGroups", "Ads", "Keywords")
    assert [row["Type"] for row in rows[:2]] == ["Format Version", "Account"]
    listed = {kind: [row for row in rows if row["Type"] == kind] for kind in {row["Type"] for row in rows}}
    campaigns = world.campaigns("microsoft", connection.account_id, now)
    alive = {entity.id for entity in campaigns if not entity.deleted_at}
    assert {row["Id"] for row in listed["Campaign"]} == alive < {entity.id for entity in campaigns}
    assert {row["Campaign Type"] for row in listed["Campaign"]} == {"Search", "Shopping"}
    shared = [row for row in listed["Campaign"] if row["Budget Id"]]
    assert len(shared) == 2
    assert shared[0]["Budget Id"] == shared[1]["Budget Id"]
    groups = {row["Id"]: row for row in listed["Ad Group"]}
    assert {row["Parent Id"] for row in listed["Ad Group"]} <= alive
    words = [w for w in world.keywords("microsoft", connection.account_id, now) if not w.deleted_at]
    assert {(row["Id"], row["Keyword"]) for row in listed["Keyword"]} == {
        (word.id, word.name) for word in words if word.parent_id in groups
    }
    ads = [ad for ad in world.ads("microsoft", connection.account_id, now) if not ad.deleted_at]
    shown = {row["Id"] for kind in ("Responsive Search Ad", "Product Ad") for row in listed[kind]}
    assert shown == {ad.id for ad in ads if ad.parent_id in groups}
    only = entities(ad_sandbox, connection, "Campaigns")
    assert {row["Type"] for row in only} == {"Format Version", "Account", "Campaign"}


def test_the_account_says_its_zone(ad_sandbox: Sandbox) -> None:
    for index, currency in enumerate(("USD", "JPY", "NZD")):
        connection = connection_of(ad_sandbox, "microsoft", index)
        ask = {"AccountId": connection.account_id}
        account = post(ad_sandbox, connection, "customer", "Account/Query", ask).json()["Account"]
        assert (account["CurrencyCode"], account["TimeZone"]) == (currency, ZONES[index])


def test_a_report_of_too_many_rows_fails(ad_sandbox: Sandbox) -> None:
    with Sandbox(7, ad_sandbox.clock, limits=Limits(microsoft_rows=10)) as small:
        connection = connection_of(small, "microsoft")
        body = request(connection, ZONES[0], date(2026, 11, 10), date(2026, 11, 21))
        submitted = post(small, connection, "reporting", "GenerateReport/Submit", body).json()
        polls = [post(small, connection, "reporting", "GenerateReport/Poll", submitted).json() for _ in range(3)]
        assert polls[-1] == {"ReportRequestStatus": {"Status": "Error", "ReportDownloadUrl": None}}


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
        ({"Type": "AdGroupPerformanceReportRequest", "Columns": ["AdGroupStatus"]}, 2006),  # there it is Status
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
    for unanswered in ("ExcludeColumnHeaders", "Filter"):
        body = request(connection, ZONES[0], since, since, **{unanswered: True})
        assert post(ad_sandbox, connection, "reporting", "GenerateReport/Submit", body).status_code == 501
    ask = {"AccountIds": [connection.account_id], "DownloadEntities": ["Campaigns"]}
    url = f"{ad_sandbox.endpoints('microsoft')['bulk']}/Campaigns/DownloadByAccountIds"
    for name, value, code in (
        ("DeveloperToken", "x", 105),
        ("Authorization", "Bearer x", 105),
        ("CustomerId", "1", 106),
        ("CustomerAccountId", "1", 106),
    ):
        refused = requests.post(url, json=ask, headers={**headers(connection), name: value}, timeout=10)
        assert refused.json()["Errors"][0]["Code"] == code
    for body, code in (({}, 1002), ({"AccountIds": [connection.account_id]}, 1001)):
        missing = post(ad_sandbox, connection, "bulk", "Campaigns/DownloadByAccountIds", body)
        assert missing.json()["OperationErrors"][0]["Code"] == code
    unknown = post(ad_sandbox, connection, "bulk", "BulkDownloadStatus/Query", {"RequestId": "1"})
    assert unknown.json()["OperationErrors"][0]["Code"] == 3227
    ad_sandbox.clock.advance(timedelta(hours=1))
    assert requests.post(url, json=ask, headers=headers(connection), timeout=10).json()["Errors"][0]["Code"] == 109

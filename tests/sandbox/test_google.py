"""Google Ads over HTTP: what is served is the world, in Google's forms, and wrong requests get Google's errors."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import requests

from sandbox.server import Connection, Sandbox

DAILY = (
    "SELECT ad_group_criterion.criterion_id, ad_group.id, campaign.id, segments.date, metrics.impressions,"
    " metrics.clicks, metrics.cost_micros, metrics.conversions, metrics.conversions_value FROM keyword_view"
    " WHERE segments.date BETWEEN '2026-11-01' AND '2026-11-21'"
)


def account(sandbox: Sandbox, index: int = 0) -> Connection:
    return [each for each in sandbox.connections() if each.platform == "google"][index]


def headers(connection: Connection) -> dict[str, str]:
    return {
        "Authorization": f"Bearer {connection.credentials['oauth']['access_token']}",
        "developer-token": connection.credentials["app"]["developer_token"],
        "login-customer-id": connection.credentials["app"]["login_customer_id"],
    }


def search(sandbox: Sandbox, connection: Connection, method: str = "search", **body: Any) -> requests.Response:
    url = f"{sandbox.endpoints('google')['api']}/customers/{connection.account_id}/googleAds:{method}"
    return requests.post(url, headers=headers(connection), json=body, timeout=10)


def rows(sandbox: Sandbox, connection: Connection, query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    body: dict[str, Any] = {"query": query}
    while True:
        page = search(sandbox, connection, **body)
        assert page.status_code == 200, page.text
        found += page.json().get("results", [])
        token = page.json().get("nextPageToken")
        if token is None:
            return found
        body["pageToken"] = token


def reason(response: requests.Response) -> str:
    content = response.json()
    error = (content[0] if isinstance(content, list) else content)["error"]
    (name,) = error["details"][0]["errors"][0]["errorCode"].values()
    return str(name)


@pytest.mark.parametrize("index", range(4))
def test_daily_keyword_rows_are_the_worlds(ad_sandbox: Sandbox, index: int) -> None:
    connection = account(ad_sandbox, index)
    served = {
        (
            row["segments"]["date"],
            row["campaign"]["id"],
            row["adGroup"]["id"],
            row["adGroupCriterion"]["criterionId"],
        ): row["metrics"]
        for row in rows(ad_sandbox, connection, DAILY)
    }
    truth = [
        row
        for offset in range(21)
        for row in ad_sandbox.world.daily(
            "google", connection.account_id, "keyword", date(2026, 11, 1) + timedelta(days=offset), ad_sandbox.clock()
        )
    ]
    assert len(served) == len(truth) > 40
    for row in truth:
        metrics = served[str(row.day), str(row.campaign_id), str(row.ad_group_id), str(row.keyword_id)]
        assert metrics["impressions"] == str(row.impressions)
        assert metrics["clicks"] == str(row.clicks)  # an int64 is a string, and a zero is there
        assert metrics["costMicros"] == str(int(row.spend * 1_000_000))
        assert Decimal(str(metrics["conversions"])) == row.conversions
        assert Decimal(str(metrics["conversionsValue"])) == row.conversions_value


def test_the_stream_holds_what_the_pages_hold(ad_sandbox: Sandbox) -> None:
    connection = account(ad_sandbox)
    chunks = search(ad_sandbox, connection, "searchStream", query=DAILY).json()
    assert len(chunks) > 1
    assert [row for chunk in chunks for row in chunk["results"]] == rows(ad_sandbox, connection, DAILY)


def test_entities_filters_order_and_limit(ad_sandbox: Sandbox) -> None:
    connection = account(ad_sandbox)
    every = rows(ad_sandbox, connection, "SELECT campaign.id, campaign.name, campaign.status FROM campaign")
    world = ad_sandbox.world.campaigns("google", connection.account_id, ad_sandbox.clock())
    assert {(row["campaign"]["id"], row["campaign"]["name"]) for row in every} == {(e.id, e.name) for e in world}
    kept = rows(ad_sandbox, connection, "SELECT campaign.id FROM campaign WHERE campaign.status != 'REMOVED'")
    assert 0 < len(kept) < len(every)
    ordered = rows(ad_sandbox, connection, "SELECT campaign.id FROM campaign ORDER BY campaign.id DESC LIMIT 3")
    ids = sorted((int(row["campaign"]["id"]) for row in every), reverse=True)
    assert [int(row["campaign"]["id"]) for row in ordered] == ids[:3]
    assert ids[0] > 2**53


def test_a_limit_counts_over_all_pages(ad_sandbox: Sandbox) -> None:
    assert len(rows(ad_sandbox, account(ad_sandbox), f"{DAILY} LIMIT 95")) == 95


def test_criteria_hold_negatives_and_metrics_without_days_hold_the_idle(ad_sandbox: Sandbox) -> None:
    connection = account(ad_sandbox)
    query = "SELECT ad_group_criterion.criterion_id, ad_group_criterion.negative FROM ad_group_criterion"
    every = rows(ad_sandbox, connection, query)
    positive = rows(ad_sandbox, connection, f"{query} WHERE ad_group_criterion.negative = FALSE")
    assert 0 < len(positive) < len(every)
    summed = rows(
        ad_sandbox,
        connection,
        "SELECT ad_group.id, metrics.impressions FROM ad_group WHERE segments.date DURING LAST_7_DAYS",
    )
    assert len(summed) == len(ad_sandbox.world.ad_groups("google", connection.account_id, ad_sandbox.clock()))
    assert "0" in {row["metrics"]["impressions"] for row in summed}


def test_click_view_leads_from_click_to_campaign(ad_sandbox: Sandbox) -> None:
    connection = account(ad_sandbox, 1)
    query = "SELECT click_view.gclid, campaign.id FROM click_view WHERE segments.date = '2026-11-20' LIMIT 50"
    found = rows(ad_sandbox, connection, query)
    assert len(found) == 50
    for row in found:
        campaign = ad_sandbox.world.campaign_of_click(row["clickView"]["gclid"])
        assert campaign == ("google", row["campaign"]["id"])


def test_a_new_field_and_a_new_status_come_with_time(ad_sandbox: Sandbox) -> None:
    query = "SELECT campaign.id, campaign.status FROM campaign"
    assert not any("servingTier" in row["campaign"] for row in rows(ad_sandbox, account(ad_sandbox), query))
    ad_sandbox.clock.advance(timedelta(days=2))
    later = rows(ad_sandbox, account(ad_sandbox), query)
    assert all("servingTier" in row["campaign"] for row in later)
    assert {row["campaign"]["status"] for row in later} - {"ENABLED", "PAUSED", "REMOVED"}


def test_pages_show_the_moment_of_the_first(ad_sandbox: Sandbox) -> None:
    connection = account(ad_sandbox)
    before = rows(ad_sandbox, connection, DAILY)
    first = search(ad_sandbox, connection, query=DAILY).json()
    ad_sandbox.clock.advance(timedelta(minutes=40))  # an hour further, by the account's clock
    second = search(ad_sandbox, connection, query=DAILY, pageToken=first["nextPageToken"]).json()
    assert first["results"] + second["results"] == before[:80]


def test_customers_and_tokens(ad_sandbox: Sandbox) -> None:
    connection = account(ad_sandbox)
    url = ad_sandbox.endpoints("google")["api"]
    listed = requests.get(f"{url}/customers:listAccessibleCustomers", headers=headers(connection), timeout=10).json()
    assert f"customers/{connection.account_id}" in listed["resourceNames"]
    ad_sandbox.clock.advance(timedelta(hours=1))
    assert reason(search(ad_sandbox, connection, query=DAILY)) == "OAUTH_TOKEN_EXPIRED"
    form = {
        "grant_type": "refresh_token",
        "refresh_token": connection.credentials["oauth"]["refresh_token"],
        "client_id": connection.credentials["app"]["client_id"],
        "client_secret": connection.credentials["app"]["client_secret"],
    }
    token = ad_sandbox.endpoints("google")["token"]
    fresh = requests.post(token, data=form, timeout=10).json()
    assert fresh["token_type"] == "Bearer"
    connection.credentials["oauth"]["access_token"] = fresh["access_token"]
    assert search(ad_sandbox, connection, query=DAILY).status_code == 200
    for wrong, error in (
        ({"refresh_token": "1//nonsense"}, "invalid_grant"),
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ):
        assert requests.post(token, data={**form, **wrong}, timeout=10).json()["error"] == error


def test_wrong_requests_are_refused(ad_sandbox: Sandbox) -> None:
    connection = account(ad_sandbox)
    assert reason(search(ad_sandbox, connection, query=DAILY, pageSize=100)) == "PAGE_SIZE_NOT_SUPPORTED"
    assert reason(search(ad_sandbox, connection, query=DAILY, pageToken="no")) == "INVALID_PAGE_TOKEN"
    token = search(ad_sandbox, connection, query=DAILY).json()["nextPageToken"]
    changed = search(ad_sandbox, connection, query=f"{DAILY} LIMIT 90", pageToken=token)
    assert reason(changed) == "INVALID_PAGE_TOKEN"
    assert (
        reason(search(ad_sandbox, connection, query="SELECT campaign.start_date FROM campaign")) == "UNRECOGNIZED_FIELD"
    )
    streamed = search(ad_sandbox, connection, "searchStream", query="SELECT nothing FROM campaign")
    assert isinstance(streamed.json(), list)
    assert reason(streamed) == "UNRECOGNIZED_FIELD"
    assert (
        reason(search(ad_sandbox, connection._replace(account_id="415-555-1000"), query=DAILY)) == "INVALID_CUSTOMER_ID"
    )
    assert reason(search(ad_sandbox, connection._replace(account_id="1"), query=DAILY)) == "USER_PERMISSION_DENIED"
    url = f"{ad_sandbox.endpoints('google')['api']}/customers/{connection.account_id}/googleAds:search"
    for changed_headers, status, expected in (
        ({"developer-token": None}, 400, "DEVELOPER_TOKEN_PARAMETER_MISSING"),
        ({"developer-token": "x"}, 401, "DEVELOPER_TOKEN_INVALID"),
        ({"Authorization": "Bearer x"}, 401, "OAUTH_TOKEN_INVALID"),
        ({"login-customer-id": "1"}, 403, "USER_PERMISSION_DENIED"),
    ):
        sent = {k: v for k, v in {**headers(connection), **changed_headers}.items() if v is not None}
        refused = requests.post(url, headers=sent, json={"query": DAILY}, timeout=10)
        assert (refused.status_code, reason(refused)) == (status, expected)
    assert requests.post(url, json={"query": DAILY}, timeout=10).status_code == 401
    old = url.replace("/v26/", "/v19/")
    assert requests.post(old, headers=headers(connection), json={"query": DAILY}, timeout=10).status_code == 404


def test_the_manager_knows_its_clients_and_nothing_more(ad_sandbox: Sandbox) -> None:
    connection = account(ad_sandbox)
    manager = connection._replace(account_id=connection.credentials["app"]["login_customer_id"])
    query = "SELECT customer_client.id, customer_client.currency_code FROM customer_client"
    found = rows(ad_sandbox, manager, query)
    assert {row["customerClient"]["id"] for row in found} == {a.id for a in ad_sandbox.world.accounts("google")}
    assert reason(search(ad_sandbox, manager, query=DAILY)) == "REQUESTED_METRICS_FOR_MANAGER"

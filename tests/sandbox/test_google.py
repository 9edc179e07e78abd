"""Google Ads over HTTP: it serves the world in Google's forms, and wrong requests get Google's errors."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import requests

from sandbox.platforms import Connection
from sandbox.server import Sandbox
from tests.sandbox.accounts import connection_of, true_rows

DAILY = (
    "SELECT ad_group_criterion.criterion_id, ad_group.id, campaign.id, segments.date, metrics.impressions,"
    " metrics.clicks, metrics.cost_micros, metrics.conversions, metrics.conversions_value FROM keyword_view"
    " WHERE segments.date BETWEEN '2026-11-01' AND '2026-11-21'"
)


def headers(connection: Connection) -> dict[str, str]:
    return {
        "Authorization": f"Bearer {connection.credentials['oauth']['access_token']}",
        "developer-token": connection.credentials["app"]["developer_token"],
        "login-customer-id": connection.credentials["app"]["login_customer_id"],
    }


def search(sandbox: Sandbox, connection: Connection, **body: Any) -> requests.Response:
    url = f"{sandbox.endpoints('google')['api']}/customers/{connection.account_id}/googleAds:search"
    return requests.post(url, headers=headers(connection), json=body, timeout=10)


def rows(sandbox: Sandbox, connection: Connection, query: str) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = []
    body: dict[str, Any] = {"query": query}
    while True:
        page = search(sandbox, connection, **body)
        assert page.status_code == 200, page.text
        results += page.json().get("results", [])
        token = page.json().get("nextPageToken")
        if token is None:
            return results
        body["pageToken"] = token


def reason(response: requests.Response) -> str:
    (name,) = response.json()["error"]["details"][0]["errors"][0]["errorCode"].values()
    return str(name)


@pytest.mark.parametrize("index", range(4))
def test_daily_keyword_rows_are_the_worlds(ad_sandbox: Sandbox, index: int) -> None:
    connection = connection_of(ad_sandbox, "google", index)
    served = {
        (
            row["segments"]["date"],
            row["campaign"]["id"],
            row["adGroup"]["id"],
            row["adGroupCriterion"]["criterionId"],
        ): row["metrics"]
        for row in rows(ad_sandbox, connection, DAILY)
    }
    truth = true_rows(ad_sandbox, connection, "keyword", date(2026, 11, 1), days=21)
    assert len(served) == len(truth) > 40
    for row in truth:
        metrics = served[str(row.day), str(row.campaign_id), str(row.ad_group_id), str(row.keyword_id)]
        assert metrics["impressions"] == str(row.impressions)
        assert metrics["clicks"] == str(row.clicks)  # an int64 is a string, and a zero is there
        assert metrics["costMicros"] == str(int(row.spend * 1_000_000))
        assert Decimal(str(metrics["conversions"])) == row.conversions
        assert Decimal(str(metrics["conversionsValue"])) == row.conversions_value


def test_entities_and_filters(ad_sandbox: Sandbox) -> None:
    connection = connection_of(ad_sandbox, "google")
    campaigns = rows(ad_sandbox, connection, "SELECT campaign.id, campaign.name, campaign.status FROM campaign")
    world = ad_sandbox.world.campaigns("google", connection.account_id, ad_sandbox.clock())
    assert {(row["campaign"]["id"], row["campaign"]["name"]) for row in campaigns} == {(e.id, e.name) for e in world}
    assert max(int(row["campaign"]["id"]) for row in campaigns) > 2**53
    for condition, passes in (("= 'REMOVED'", True), ("!= 'REMOVED'", False)):
        kept = rows(ad_sandbox, connection, f"SELECT campaign.id FROM campaign WHERE campaign.status {condition}")
        expected = [row["campaign"]["id"] for row in campaigns if (row["campaign"]["status"] == "REMOVED") is passes]
        assert [row["campaign"]["id"] for row in kept] == expected
        assert 0 < len(kept) < len(campaigns)


def test_a_filter_does_not_shift_the_pages(ad_sandbox: Sandbox) -> None:
    connection = connection_of(ad_sandbox, "google")
    keyword = f"{DAILY} AND ad_group_criterion.keyword.match_type ="
    parts = [rows(ad_sandbox, connection, f"{keyword} '{kind}'") for kind in ("EXACT", "PHRASE", "BROAD")]
    assert all(len(part) > 40 for part in parts), "each part has several pages"
    unfiltered = rows(ad_sandbox, connection, DAILY)
    assert sorted(map(repr, unfiltered)) == sorted(repr(row) for part in parts for row in part)


def test_criteria_contain_negative_keywords(ad_sandbox: Sandbox) -> None:
    connection = connection_of(ad_sandbox, "google")
    query = "SELECT ad_group_criterion.criterion_id, ad_group_criterion.negative FROM ad_group_criterion"
    criteria = rows(ad_sandbox, connection, query)
    positive = rows(ad_sandbox, connection, f"{query} WHERE ad_group_criterion.negative = FALSE")
    assert 0 < len(positive) < len(criteria)


def test_ad_groups_without_metrics_are_listed(ad_sandbox: Sandbox) -> None:
    connection = connection_of(ad_sandbox, "google")
    listed = rows(ad_sandbox, connection, "SELECT ad_group.id, ad_group.status FROM ad_group")
    world = ad_sandbox.world.ad_groups("google", connection.account_id, ad_sandbox.clock())
    assert {row["adGroup"]["id"] for row in listed} == {group.id for group in world}
    truth = true_rows(ad_sandbox, connection, "ad_group", date(2026, 11, 1), days=21)
    assert {row.ad_group_id for row in truth} < {group.id for group in world}


def test_click_view_leads_from_click_to_campaign(ad_sandbox: Sandbox) -> None:
    connection = connection_of(ad_sandbox, "google", 1)
    query = "SELECT click_view.gclid, campaign.id FROM click_view WHERE segments.date = '2026-11-20'"
    clicks = rows(ad_sandbox, connection, query)
    assert len(clicks) > 40
    for row in clicks:
        campaign = ad_sandbox.world.campaign_of_click(row["clickView"]["gclid"])
        assert campaign == ("google", row["campaign"]["id"])


def test_a_new_field_and_a_new_status_come_with_time(ad_sandbox: Sandbox) -> None:
    query = "SELECT campaign.id, campaign.status FROM campaign"
    assert not any(
        "servingTier" in row["campaign"] for row in rows(ad_sandbox, connection_of(ad_sandbox, "google"), query)
    )
    ad_sandbox.clock.advance(timedelta(days=2))
    later = rows(ad_sandbox, connection_of(ad_sandbox, "google"), query)
    assert all("servingTier" in row["campaign"] for row in later)
    assert {row["campaign"]["status"] for row in later} - {"ENABLED", "PAUSED", "REMOVED"}


def test_pages_show_the_moment_of_the_first(ad_sandbox: Sandbox) -> None:
    connection = connection_of(ad_sandbox, "google")
    before = rows(ad_sandbox, connection, DAILY)
    first = search(ad_sandbox, connection, query=DAILY).json()
    ad_sandbox.clock.advance(timedelta(minutes=40))  # an hour further, by the account's clock
    second = search(ad_sandbox, connection, query=DAILY, pageToken=first["nextPageToken"]).json()
    assert first["results"] + second["results"] == before[:80]


def test_customers_and_tokens(ad_sandbox: Sandbox) -> None:
    connection = connection_of(ad_sandbox, "google")
    own = rows(ad_sandbox, connection, "SELECT customer.id, customer.currency_code, customer.manager FROM customer")
    assert own[0]["customer"].items() >= {"id": connection.account_id, "currencyCode": "USD", "manager": False}.items()
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
    connection = connection_of(ad_sandbox, "google")
    assert reason(search(ad_sandbox, connection, query=DAILY, pageSize=100)) == "PAGE_SIZE_NOT_SUPPORTED"
    assert reason(search(ad_sandbox, connection, query=DAILY, pageToken="no")) == "INVALID_PAGE_TOKEN"
    token = search(ad_sandbox, connection, query=DAILY).json()["nextPageToken"]
    changed = search(ad_sandbox, connection, query=f"{DAILY} AND campaign.id = 1", pageToken=token)
    assert reason(changed) == "INVALID_PAGE_TOKEN"
    assert (
        reason(search(ad_sandbox, connection, query="SELECT campaign.start_date FROM campaign")) == "UNRECOGNIZED_FIELD"
    )
    summed = search(ad_sandbox, connection, query="SELECT campaign.id, metrics.clicks FROM campaign")
    assert summed.status_code == 501
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
    for other in (url.replace("/v26/", "/v19/"), f"{url}Stream"):
        assert requests.post(other, headers=headers(connection), json={"query": DAILY}, timeout=10).status_code == 404


def test_metrics_of_the_manager_are_refused(ad_sandbox: Sandbox) -> None:
    connection = connection_of(ad_sandbox, "google")
    manager = connection._replace(account_id=connection.credentials["app"]["login_customer_id"])
    assert reason(search(ad_sandbox, manager, query=DAILY)) == "REQUESTED_METRICS_FOR_MANAGER"
    assert "results" not in search(ad_sandbox, manager, query="SELECT campaign.id FROM campaign").json()
    account = search(ad_sandbox, manager, query="SELECT customer.id, customer.manager FROM customer").json()["results"]
    assert [row["customer"]["manager"] for row in account] == [True]
    clients = search(ad_sandbox, manager, query="SELECT customer_client.id FROM customer_client").json()["results"]
    assert {row["customerClient"]["id"] for row in clients} == {a.id for a in ad_sandbox.world.accounts("google")}


def test_a_client_of_a_manager_is_reached_through_it_alone(ad_sandbox: Sandbox) -> None:
    connection = connection_of(ad_sandbox, "google")
    without = {name: value for name, value in headers(connection).items() if name != "login-customer-id"}
    url = f"{ad_sandbox.endpoints('google')['api']}/customers/{connection.account_id}/googleAds:search"
    refused = requests.post(url, json={"query": "SELECT customer.id FROM customer"}, headers=without, timeout=10)
    assert reason(refused) == "USER_PERMISSION_DENIED"
    assert "login-customer-id" in refused.text


def test_an_unknown_word_of_an_enum_is_an_error_and_no_empty_answer(ad_sandbox: Sandbox) -> None:
    connection = connection_of(ad_sandbox, "google")
    query = "SELECT campaign.id FROM campaign WHERE campaign.status = 'DELETED'"
    assert reason(search(ad_sandbox, connection, query=query)) == "BAD_ENUM_CONSTANT"


def test_cost_is_refused_beside_a_conversion_action(ad_sandbox: Sandbox) -> None:
    connection = connection_of(ad_sandbox, "google")
    query = DAILY.replace("SELECT ", "SELECT segments.conversion_action, metrics.cost_micros, ")
    refused = search(ad_sandbox, connection, query=query)
    assert reason(refused) == "PROHIBITED_SEGMENT_WITH_METRIC_IN_SELECT_OR_WHERE_CLAUSE"


def test_a_day_has_a_limit_of_operations_and_pages_are_none(
    ad_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.google.api.OPERATIONS_A_DAY", 2)
    connection = connection_of(ad_sandbox, "google")
    assert len(rows(ad_sandbox, connection, DAILY)) > 80
    assert search(ad_sandbox, connection, query=DAILY).status_code == 200
    assert reason(search(ad_sandbox, connection, query=DAILY)) == "RESOURCE_EXHAUSTED"
    ad_sandbox.clock.advance(timedelta(days=1))
    assert reason(search(ad_sandbox, connection, query=DAILY)) == "OAUTH_TOKEN_EXPIRED"
    again = connection_of(ad_sandbox, "google")
    assert search(ad_sandbox, again, query=DAILY).status_code == 200

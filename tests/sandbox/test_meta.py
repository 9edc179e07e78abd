"""Meta over HTTP: it serves the world in Meta's forms, and wrong requests get Meta's errors."""

import hashlib
import hmac
import json
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import requests

from sandbox.limits import Limits
from sandbox.platforms import Connection
from sandbox.server import Sandbox
from tests.sandbox.accounts import connection_of, true_rows

SPAN = '{"since":"2026-11-01","until":"2026-11-21"}'
DAILY = {
    "fields": "campaign_id,adset_id,account_currency,spend,impressions,clicks,actions,action_values",
    "level": "adset",
    "time_increment": "1",
    "time_range": SPAN,
    "limit": "50",
}


def signed(connection: Connection) -> dict[str, str]:
    token = connection.credentials["oauth"]["access_token"]
    secret = connection.credentials["app"]["app_secret"].encode()
    return {"access_token": token, "appsecret_proof": hmac.new(secret, token.encode(), hashlib.sha256).hexdigest()}


def get(sandbox: Sandbox, connection: Connection, path: str, **params: str) -> requests.Response:
    url = f"{sandbox.endpoints('facebook')['api']}/{path}"
    return requests.get(url, params={**signed(connection), **params}, timeout=10)


def following(response: requests.Response) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    while True:
        assert response.status_code == 200, response.text
        rows += response.json()["data"]
        url = response.json().get("paging", {}).get("next")
        if url is None:
            return rows
        response = requests.get(url, timeout=10)


def code(response: requests.Response) -> tuple[int, int | None]:
    error = response.json()["error"]
    return error["code"], error.get("error_subcode")


def test_a_large_report_is_refused_at_once_and_fails_as_a_job(ad_sandbox: Sandbox) -> None:
    with Sandbox(7, ad_sandbox.clock, limits=Limits(meta_rows=10, meta_job_rows=20)) as small:
        connection = connection_of(small, "facebook")
        path = f"act_{connection.account_id}/insights"
        refused = get(small, connection, path, **DAILY)
        assert code(refused) == (100, 1487534)
        assert "fewer days" in refused.json()["error"]["error_user_msg"]
        url = f"{small.endpoints('facebook')['api']}/{path}"
        form = {**signed(connection), **DAILY, "fields": json.dumps(DAILY["fields"].split(","))}
        run = requests.post(url, data=form, timeout=10).json()["report_run_id"]
        progress = [get(small, connection, f"{run}/").json() for _ in range(3)][-1]
        assert (progress["async_status"], progress["error_subcode"]) == ("Job Failed", 1504038)
        assert "fewer days" in progress["error_user_msg"]


def test_windows_that_are_gone_have_no_numbers(ad_sandbox: Sandbox) -> None:
    connection = connection_of(ad_sandbox, "facebook")
    windows = '["7d_click", "1d_view", "28d_view", "7d_view"]'
    query = {**DAILY, "action_attribution_windows": windows}
    rows = following(get(ad_sandbox, connection, f"act_{connection.account_id}/insights", **query))
    seen = {name for row in rows for action in row.get("actions", []) for name in action}
    assert seen == {"action_type", "value", "7d_click", "1d_view"}


def bought(row: dict[str, Any], name: str = "actions") -> Decimal:
    return sum((Decimal(a["value"]) for a in row.get(name, []) if a["action_type"] == "purchase"), Decimal(0))


GONE = '[{"field":"adset.effective_status","operator":"IN","value":["DELETED","ARCHIVED"]}]'


def check_rows(
    sandbox: Sandbox, connection: Connection, served: list[dict[str, Any]], gone: list[dict[str, Any]]
) -> None:
    """What is deleted is in an answer of its own, because Meta leaves it out unless it is asked for."""
    assert gone
    assert {row["adset_id"] for row in gone}.isdisjoint({row["adset_id"] for row in served})
    served = served + gone
    by_key = {(row["date_start"], row["campaign_id"], row["adset_id"]): row for row in served}
    truth = true_rows(sandbox, connection, "ad_group", date(2026, 11, 1), days=21)
    assert len(served) == len(by_key) == len(truth) > 50
    for row in truth:
        shown = by_key[str(row.day), str(row.campaign_id), str(row.ad_group_id)]
        assert Decimal(shown["spend"]) == row.spend
        assert (shown["impressions"], shown["clicks"]) == (str(row.impressions), str(row.clicks))
        assert bought(shown) == row.conversions
        assert bought(shown, "action_values") == row.conversions_value
        assert shown["account_currency"] == row.currency


@pytest.mark.parametrize("index", range(4))
def test_sync_insights_are_the_worlds(ad_sandbox: Sandbox, index: int) -> None:
    connection = connection_of(ad_sandbox, "facebook", index)
    first = get(ad_sandbox, connection, f"act_{connection.account_id}/insights", **DAILY)
    path = f"act_{connection.account_id}/insights"
    gone = following(get(ad_sandbox, connection, path, **DAILY, filtering=GONE))
    check_rows(ad_sandbox, connection, following(first), gone)
    assert "estimated_time_to_regain_access" in first.headers["x-business-use-case-usage"]
    assert {"x-app-usage", "x-ad-account-usage", "x-fb-ads-insights-throttle"} <= {n.lower() for n in first.headers}


def test_a_job_is_read_when_it_says_completed_and_not_before(ad_sandbox: Sandbox) -> None:
    connection = connection_of(ad_sandbox, "facebook")
    url = f"{ad_sandbox.endpoints('facebook')['api']}/act_{connection.account_id}/insights"
    form = {**signed(connection), **DAILY, "fields": json.dumps(DAILY["fields"].split(","))}
    run = requests.post(url, data=form, timeout=10).json()["report_run_id"]
    states = []
    for _ in range(3):
        early = get(ad_sandbox, connection, f"{run}/insights")
        assert (early.status_code, code(early)) == (400, (2601, 1815107))
        assert early.json()["error"]["is_transient"] is True
        progress = get(ad_sandbox, connection, f"{run}/").json()
        states.append((progress["async_status"], progress["async_percent_completion"]))
    assert states == [("Job Not Started", 0), ("Job Running", 100), ("Job Completed", 100)]
    gone = following(get(ad_sandbox, connection, f"act_{connection.account_id}/insights", **DAILY, filtering=GONE))
    check_rows(ad_sandbox, connection, following(get(ad_sandbox, connection, f"{run}/insights", limit="60")), gone)
    csv = requests.post(url, data={**signed(connection), **DAILY}, timeout=10)
    assert code(csv) == (100, None)  # fields of a job are a JSON array
    assert code(get(ad_sandbox, connection, "999/")) == (100, 33)


def test_deleted_entities_come_only_when_asked_for(ad_sandbox: Sandbox) -> None:
    connection = connection_of(ad_sandbox, "facebook")
    path = f"act_{connection.account_id}/campaigns"
    fields = {"fields": "name,effective_status", "limit": "3"}
    shown = following(get(ad_sandbox, connection, path, **fields))
    assert "DELETED" not in {row["effective_status"] for row in shown}
    listed = shown + following(get(ad_sandbox, connection, path, **fields, effective_status='["DELETED", "ARCHIVED"]'))
    world = ad_sandbox.world.campaigns("facebook", connection.account_id, ad_sandbox.clock())
    assert {(row["id"], row["name"]) for row in listed} == {(entity.id, entity.name) for entity in world}
    deleted = following(get(ad_sandbox, connection, path, **fields, effective_status='["DELETED"]'))
    assert {row["id"] for row in deleted} == {entity.id for entity in world if entity.deleted_at}
    sets = following(get(ad_sandbox, connection, f"act_{connection.account_id}/adsets", fields="campaign_id"))
    assert {row["campaign_id"] for row in sets} <= {row["id"] for row in listed}


def test_budgets_are_in_minor_units_of_metas_own_table(ad_sandbox: Sandbox) -> None:
    for index, units in ((0, 100), (1, 1)):
        connection = connection_of(ad_sandbox, "facebook", index)
        row = get(
            ad_sandbox, connection, f"act_{connection.account_id}/campaigns", fields="daily_budget", limit="1"
        ).json()["data"][0]
        tree = ad_sandbox.world.tree(ad_sandbox.world.account("facebook", connection.account_id))
        assert Decimal(row["daily_budget"]) / units * 1_000_000 == tree.campaigns[0].budget.amount


def test_accounts_and_tokens(ad_sandbox: Sandbox) -> None:
    connection = connection_of(ad_sandbox, "facebook")
    for index, currency in enumerate(["USD", "JPY", "NZD", "EUR"]):
        other = connection_of(ad_sandbox, "facebook", index)
        row = get(ad_sandbox, other, f"act_{other.account_id}", fields="currency,timezone_name").json()
        assert (row["currency"], row["timezone_name"]) == (currency, other.time_zone)
    own = get(ad_sandbox, connection, f"act_{connection.account_id}", fields="name,currency").json()
    assert own == {"id": f"act_{connection.account_id}", "name": connection.account_name, "currency": "USD"}
    params = {
        "grant_type": "fb_exchange_token",
        "client_id": connection.credentials["app"]["app_id"],
        "client_secret": connection.credentials["app"]["app_secret"],
        "fb_exchange_token": connection.credentials["oauth"]["access_token"],
    }
    url = f"{ad_sandbox.endpoints('facebook')['api']}/oauth/access_token"
    fresh = requests.get(url, params=params, timeout=10).json()
    assert fresh["expires_in"] == 5_184_000
    assert code(requests.get(url, params={**params, "client_secret": "x"}, timeout=10)) == (1, None)
    ad_sandbox.clock.advance(timedelta(days=60))
    assert code(get(ad_sandbox, connection, f"act_{connection.account_id}")) == (190, 463)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"fields": "spend,colour"}, (100, None)),
        ({"level": "keyword"}, (100, None)),
        ({"time_range": "yesterday"}, (100, None)),
        ({"time_range": '{"since":"2026-11-02","until":"2026-11-01"}'}, (100, None)),
        ({"time_range": '{"since":"2020-01-01","until":"2026-11-01"}'}, (3018, None)),
        ({"limit": "5001"}, (100, 1504018)),
        ({"after": "!"}, (100, None)),
        ({"filtering": "{}"}, (100, None)),
        ({"filtering": GONE.replace("adset.", "ad.")}, (100, None)),
        ({"filtering": GONE.replace("ARCHIVED", "FORGOTTEN")}, (100, None)),
        ({"access_token": "EAABnonsense"}, (190, None)),
        ({"appsecret_proof": "0" * 64}, (100, None)),
    ],
)
def test_wrong_requests_are_refused(
    ad_sandbox: Sandbox, params: dict[str, str], expected: tuple[int, int | None]
) -> None:
    connection = connection_of(ad_sandbox, "facebook")
    refused = get(ad_sandbox, connection, f"act_{connection.account_id}/insights", **{**DAILY, **params})
    assert (refused.status_code, code(refused)) == (400, expected)


def test_requests_without_a_token_or_for_an_unknown_object_are_refused(ad_sandbox: Sandbox) -> None:
    connection = connection_of(ad_sandbox, "facebook")
    api = ad_sandbox.endpoints("facebook")["api"]
    campaigns = f"{api}/act_{connection.account_id}/campaigns"
    token = {"access_token": signed(connection)["access_token"]}
    without_proof = requests.get(campaigns, params=token, timeout=10).json()["error"]
    assert "appsecret_proof" in without_proof["message"]
    assert code(requests.get(campaigns, timeout=10)) == (2500, None)
    assert code(get(ad_sandbox, connection, "act_1/campaigns")) == (100, 33)
    assert code(get(ad_sandbox, connection, f"act_{connection.account_id}/adcreatives")) == (100, 33)
    assert code(requests.get(api.replace("v26.0", "v3.0") + "/me", timeout=10)) == (2635, None)
    assert code(get(ad_sandbox, connection, f"act_{connection.account_id}/campaigns", fields="colour")) == (100, None)


@pytest.mark.parametrize(
    "changes",
    [
        {"time_increment": "7"},
        {"time_increment": None},
        {"time_range": None},
        {"date_preset": "last_7d"},
        {"breakdowns": "age"},
        {"filtering": GONE.replace("ARCHIVED", "ACTIVE")},
    ],
)
def test_correct_requests_that_the_sandbox_does_not_answer_are_refused_and_not_answered_wrongly(
    ad_sandbox: Sandbox, changes: dict[str, str | None]
) -> None:
    connection = connection_of(ad_sandbox, "facebook")
    params = {name: value for name, value in {**DAILY, **changes}.items() if value is not None}
    assert get(ad_sandbox, connection, f"act_{connection.account_id}/insights", **params).status_code == 501

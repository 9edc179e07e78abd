"""TikTok over HTTP: it serves the world in TikTok's forms, and wrong requests get TikTok's codes."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import requests

from sandbox.limits import Limits
from sandbox.platforms import Connection
from sandbox.server import Sandbox
from tests.sandbox.accounts import connection_of, true_rows

REPORT = {
    "report_type": "BASIC",
    "data_level": "AUCTION_ADGROUP",
    "dimensions": '["adgroup_id", "stat_time_day"]',
    "metrics": '["campaign_id", "spend", "impressions", "clicks", "complete_payment", "button_click",'
    ' "total_complete_payment_rate"]',
    "start_date": "2026-10-23",
    "end_date": "2026-11-21",
    "page_size": "100",
}


EVERYTHING = '{"primary_status": "STATUS_ALL"}'


def status_filter(*pairs: str) -> str:
    """Filters of a report: names and values in turn."""
    found = zip(pairs[::2], pairs[1::2], strict=True)
    return json.dumps([{"field_name": n, "filter_type": "IN", "filter_value": json.dumps([v])} for n, v in found])


WITH_DELETED = {"filtering": status_filter("adgroup_status", "STATUS_ALL")}


def get(sandbox: Sandbox, connection: Connection, path: str, **params: str) -> dict[str, Any]:
    url = f"{sandbox.endpoints('tiktok')['api']}/{path}"
    token = {"Access-Token": connection.credentials["oauth"]["access_token"]}
    query = {"advertiser_id": connection.account_id, **params}
    response = requests.get(url, params=query, headers=token, timeout=10)
    assert response.status_code == 200
    return dict(response.json())


def pages(sandbox: Sandbox, connection: Connection, path: str, **params: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    page = last = 1
    while page <= last:
        answer = get(sandbox, connection, path, **params, page=str(page))
        assert answer["code"] == 0, answer
        rows += answer["data"]["list"]
        last = answer["data"]["page_info"]["total_page"]
        assert answer["data"]["page_info"]["page"] == page
        page += 1
    return rows


@pytest.mark.parametrize("index", range(3))
def test_reports_are_the_worlds(ad_sandbox: Sandbox, index: int) -> None:
    connection = connection_of(ad_sandbox, "tiktok", index)
    served = {
        (row["dimensions"]["stat_time_day"], row["dimensions"]["adgroup_id"]): row["metrics"]
        for row in pages(ad_sandbox, connection, "report/integrated/get/", **REPORT, **WITH_DELETED)
    }
    truth = true_rows(ad_sandbox, connection, "ad_group", date(2026, 10, 23), days=30)
    assert len(served) == len(truth) > 100
    for row in truth:
        metrics = served[f"{row.day} 00:00:00", str(row.ad_group_id)]
        assert metrics["campaign_id"] == row.campaign_id
        assert Decimal(metrics["spend"]) == row.spend
        assert (metrics["impressions"], metrics["clicks"]) == (str(row.impressions), str(row.clicks))
        assert number(metrics["complete_payment"]) == row.conversions
        assert number(metrics["total_complete_payment_rate"]) == row.conversions_value
        assert metrics["button_click"] == "-"


def number(metric: str) -> Decimal:
    return Decimal(0) if metric == "-" else Decimal(metric)


def test_what_is_deleted_is_in_a_report_only_when_it_is_asked_for(ad_sandbox: Sandbox) -> None:
    connection = connection_of(ad_sandbox, "tiktok")
    of_campaigns = {"data_level": "AUCTION_CAMPAIGN", "dimensions": '["campaign_id", "stat_time_day"]'}
    query = {**REPORT, **of_campaigns, "metrics": '["spend"]'}
    shown = pages(ad_sandbox, connection, "report/integrated/get/", **query)
    everything = status_filter("campaign_status", "STATUS_ALL")
    listed = pages(ad_sandbox, connection, "report/integrated/get/", **query, filtering=everything)
    world = ad_sandbox.world.campaigns("tiktok", connection.account_id, ad_sandbox.clock())
    gone = {row["dimensions"]["campaign_id"] for row in listed} - {row["dimensions"]["campaign_id"] for row in shown}
    assert gone == {entity.id for entity in world if entity.deleted_at} != set()


def test_a_report_ends_after_its_entities_without_a_word(ad_sandbox: Sandbox) -> None:
    with Sandbox(7, ad_sandbox.clock, limits=Limits(tiktok_entities=5)) as small:
        connection = connection_of(small, "tiktok")
        rows = pages(small, connection, "report/integrated/get/", **REPORT)
        assert len({row["dimensions"]["adgroup_id"] for row in rows}) == 5
        one = rows[0]["metrics"]["campaign_id"]
        rows = pages(
            small, connection, "report/integrated/get/", **REPORT, filtering=status_filter("campaign_ids", one)
        )
        assert {row["metrics"]["campaign_id"] for row in rows} == {one}


def test_entities_and_the_deleted_ones(ad_sandbox: Sandbox) -> None:
    connection = connection_of(ad_sandbox, "tiktok")
    world = ad_sandbox.world.campaigns("tiktok", connection.account_id, ad_sandbox.clock())
    shown = pages(ad_sandbox, connection, "campaign/get/", page_size="3")
    assert {row["campaign_id"] for row in shown} == {entity.id for entity in world if not entity.deleted_at}
    listed = pages(ad_sandbox, connection, "campaign/get/", filtering=EVERYTHING)
    assert {(row["campaign_id"], row["campaign_name"]) for row in listed} == {(e.id, e.name) for e in world}
    groups = ad_sandbox.world.ad_groups("tiktok", connection.account_id, ad_sandbox.clock())
    query = {"filtering": EVERYTHING, "fields": '["adgroup_name"]'}
    listed = pages(ad_sandbox, connection, "adgroup/get/", **query)
    assert {(row["adgroup_id"], row["adgroup_name"]) for row in listed} == {(group.id, group.name) for group in groups}
    assert all(row.keys() == {"adgroup_id", "adgroup_name"} for row in listed)


def test_advertisers_and_tokens(ad_sandbox: Sandbox) -> None:
    connection = connection_of(ad_sandbox, "tiktok", 2)
    info = get(ad_sandbox, connection, "advertiser/info/", advertiser_ids=f'["{connection.account_id}"]')
    row = info["data"]["list"][0]
    zones = row["timezone"], row["display_timezone"]
    assert (row["currency"], *zones) == ("NZD", "Etc/GMT-13", "Pacific/Tongatapu")
    api = ad_sandbox.endpoints("tiktok")["api"]
    app = connection.credentials["app"]
    refresh_token = connection.credentials["oauth"]["refresh_token"]
    body = {"app_id": app["app_id"], "secret": app["secret"], "refresh_token": refresh_token}
    fresh = requests.post(f"{api}/oauth2/refresh_token/", json=body, timeout=10).json()["data"]
    connection.credentials["oauth"]["access_token"] = fresh["access_token"]
    assert get(ad_sandbox, connection, "campaign/get/")["code"] == 0
    ad_sandbox.tokens.expire("tiktok", connection.account_id)
    assert get(ad_sandbox, connection, "campaign/get/")["code"] == 40102
    for changes, code in (({"secret": "x"}, 40002), ({"refresh_token": "x"}, 40105)):
        wrong = requests.post(f"{api}/oauth2/refresh_token/", json={**body, **changes}, timeout=10)
        assert wrong.json()["code"] == code


@pytest.mark.parametrize(
    ("path", "params", "code"),
    [
        ("report/integrated/get/", {"start_date": "2026-10-22"}, 40002),  # 31 days
        ("report/integrated/get/", {"page_size": "1001"}, 40002),
        ("report/integrated/get/", {"metrics": '["colour"]'}, 40002),
        ("report/integrated/get/", {"metrics": "spend"}, 40002),
        ("report/integrated/get/", {"dimensions": '["stat_time_day"]'}, 40002),
        ("report/integrated/get/", {"data_level": "AUCTION_AD"}, 40002),
        ("report/integrated/get/", {"filtering": '[{"field_name": "colour"}]'}, 40002),
        ("report/integrated/get/", {"filtering": status_filter("ad_status", "STATUS_ALL")}, 40002),
        ("report/integrated/get/", {"filtering": status_filter("adgroup_status", "STATUS_LOUD")}, 40002),
        ("report/integrated/get/", {"query_mode": "LOUD"}, 40002),
        ("campaign/get/", {"filtering": '{"primary_status": "STATUS_LOUD"}'}, 40002),
        ("report/integrated/get/", {"end_date": "soon"}, 40002),
        ("report/integrated/get/", {"advertiser_id": "1"}, 40001),
        ("campaign/get/", {"page_size": "1001"}, 40002),
        ("campaign/get/", {"page": "0"}, 40002),
        ("campaign/get/", {"fields": '["colour"]'}, 40002),
        ("campaign/get/", {"filtering": "[]"}, 40002),
        ("campaign/get", {}, 40006),
        ("report/task/check/", {}, 40006),
        ("advertiser/info/", {"advertiser_ids": "7"}, 40002),
    ],
)
def test_wrong_requests_are_refused(ad_sandbox: Sandbox, path: str, params: dict[str, str], code: int) -> None:
    base = REPORT if path.startswith("report") else {}
    answer = get(ad_sandbox, connection_of(ad_sandbox, "tiktok"), path, **{**base, **params})
    assert answer["code"] == code
    assert answer["request_id"]


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("report/integrated/get/", {"report_type": "AUDIENCE"}),
        ("report/integrated/get/", {"dimensions": '["adgroup_id"]'}),
        ("campaign/get/", {"filtering": '{"campaign_ids": ["1"]}'}),
        ("campaign/get/", {"filtering": '{"primary_status": "STATUS_DISABLE"}'}),
        ("report/integrated/get/", {"order_field": "spend"}),
        ("report/integrated/get/", {"filtering": status_filter("adgroup_status", "STATUS_DELETE")}),
    ],
)
def test_correct_requests_that_the_sandbox_does_not_answer_are_refused_and_not_answered_wrongly(
    ad_sandbox: Sandbox, path: str, params: dict[str, str]
) -> None:
    connection = connection_of(ad_sandbox, "tiktok")
    query = {"advertiser_id": connection.account_id, **(REPORT if path.startswith("report") else {}), **params}
    token = {"Access-Token": connection.credentials["oauth"]["access_token"]}
    url = f"{ad_sandbox.endpoints('tiktok')['api']}/{path}"
    assert requests.get(url, params=query, headers=token, timeout=10).status_code == 501


def test_thirty_days_are_allowed_and_a_token_is_needed(ad_sandbox: Sandbox) -> None:
    connection = connection_of(ad_sandbox, "tiktok")
    assert get(ad_sandbox, connection, "report/integrated/get/", **REPORT)["code"] == 0
    url = f"{ad_sandbox.endpoints('tiktok')['api']}/campaign/get/"
    assert requests.get(url, timeout=10).json()["code"] == 40104
    connection.credentials["oauth"]["access_token"] = "nonsense"
    assert get(ad_sandbox, connection, "campaign/get/")["code"] == 40105

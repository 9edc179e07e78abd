"""TikTok over HTTP: what is served is the world, in TikTok's forms, and wrong requests get TikTok's codes."""

import csv
import io
import json
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import requests

from sandbox.server import Connection, Sandbox

REPORT = {
    "report_type": "BASIC",
    "data_level": "AUCTION_ADGROUP",
    "dimensions": '["adgroup_id", "stat_time_day"]',
    "metrics": '["campaign_id", "spend", "impressions", "clicks", "conversion", "total_complete_payment_rate"]',
    "start_date": "2026-10-23",
    "end_date": "2026-11-21",
    "page_size": "100",
}


def account(sandbox: Sandbox, index: int = 0) -> Connection:
    return [each for each in sandbox.connections() if each.platform == "tiktok"][index]


def get(sandbox: Sandbox, connection: Connection, path: str, **params: str) -> dict[str, Any]:
    url = f"{sandbox.endpoints('tiktok')['api']}/{path}"
    token = {"Access-Token": connection.credentials["oauth"]["access_token"]}
    query = {"advertiser_id": connection.account_id, **params}
    response = requests.get(url, params=query, headers=token, timeout=10)
    assert response.status_code == 200
    return dict(response.json())


def pages(sandbox: Sandbox, connection: Connection, path: str, **params: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    page = last = 1
    while page <= last:
        answer = get(sandbox, connection, path, **params, page=str(page))
        assert answer["code"] == 0, answer
        found += answer["data"]["list"]
        last = answer["data"]["page_info"]["total_page"]
        assert answer["data"]["page_info"]["page"] == page
        page += 1
    return found


@pytest.mark.parametrize("index", range(3))
def test_reports_are_the_worlds(ad_sandbox: Sandbox, index: int) -> None:
    connection = account(ad_sandbox, index)
    served = {
        (row["dimensions"]["stat_time_day"], row["dimensions"]["adgroup_id"]): row["metrics"]
        for row in pages(ad_sandbox, connection, "report/integrated/get/", **REPORT)
    }
    truth = [
        row
        for offset in range(30)
        for row in ad_sandbox.world.daily(
            "tiktok", connection.account_id, "ad_group", date(2026, 10, 23) + timedelta(days=offset), ad_sandbox.clock()
        )
    ]
    assert len(served) == len(truth) > 100
    for row in truth:
        metrics = served[f"{row.day} 00:00:00", str(row.ad_group_id)]
        assert metrics["campaign_id"] == row.campaign_id
        assert Decimal(metrics["spend"]) == row.spend
        assert (metrics["impressions"], metrics["clicks"]) == (str(row.impressions), str(row.clicks))
        assert Decimal(metrics["conversion"]) == row.conversions
        assert Decimal(metrics["total_complete_payment_rate"]) == row.conversions_value


@pytest.mark.parametrize("output", ["CSV_STRING", "CSV_DOWNLOAD"])
def test_a_task_gives_the_same_report(ad_sandbox: Sandbox, output: str) -> None:
    connection = account(ad_sandbox)
    api = ad_sandbox.endpoints("tiktok")["api"]
    token = {"Access-Token": connection.credentials["oauth"]["access_token"]}
    body = {
        **REPORT,
        "advertiser_id": connection.account_id,
        "output_format": output,
        "dimensions": json.loads(REPORT["dimensions"]),
        "metrics": json.loads(REPORT["metrics"]),
    }
    task = requests.post(f"{api}/report/task/create/", json=body, headers=token, timeout=10).json()["data"]["task_id"]
    states = [get(ad_sandbox, connection, "report/task/check/", task_id=task)["data"]["status"] for _ in range(2)]
    assert states == ["QUEUING", "PROCESSING"]
    assert get(ad_sandbox, connection, "report/task/download/", task_id=task)["code"] == 40002
    assert get(ad_sandbox, connection, "report/task/check/", task_id=task)["data"]["status"] == "SUCCESS"
    query = {"advertiser_id": connection.account_id, "task_id": task}
    answer = requests.get(f"{api}/report/task/download/", params=query, headers=token, timeout=10)
    if output == "CSV_DOWNLOAD":
        link = answer.json()["data"]["download_url"]
        answer = requests.get(link, timeout=10)
        ad_sandbox.clock.advance(timedelta(hours=1))
        assert requests.get(link, timeout=10).status_code == 403
        ad_sandbox.clock.advance(timedelta(hours=-1))
    lines = list(csv.DictReader(io.StringIO(answer.text)))
    served = pages(ad_sandbox, connection, "report/integrated/get/", **REPORT)
    assert lines == [{**row["dimensions"], **row["metrics"]} for row in served]


def test_entities_and_the_deleted_ones(ad_sandbox: Sandbox) -> None:
    connection = account(ad_sandbox)
    world = ad_sandbox.world.campaigns("tiktok", connection.account_id, ad_sandbox.clock())
    shown = pages(ad_sandbox, connection, "campaign/get/", page_size="3")
    assert {row["campaign_id"] for row in shown} == {entity.id for entity in world if not entity.deleted_at}
    every = pages(ad_sandbox, connection, "campaign/get/", filtering='{"secondary_status": "CAMPAIGN_STATUS_ALL"}')
    assert {(row["campaign_id"], row["campaign_name"]) for row in every} == {(e.id, e.name) for e in world}
    groups = ad_sandbox.world.ad_groups("tiktok", connection.account_id, ad_sandbox.clock())
    asked = json.dumps({"secondary_status": "ADGROUP_STATUS_ALL", "campaign_ids": [world[0].id]})
    found = pages(ad_sandbox, connection, "adgroup/get/", filtering=asked, fields='["adgroup_name"]')
    assert {row["adgroup_id"] for row in found} == {each.id for each in groups if each.campaign_id == world[0].id}
    assert all(row.keys() == {"adgroup_id", "adgroup_name"} for row in found)


def test_advertisers_and_tokens(ad_sandbox: Sandbox) -> None:
    connection = account(ad_sandbox, 2)
    info = get(ad_sandbox, connection, "advertiser/info/", advertiser_ids=f'["{connection.account_id}"]')
    row = info["data"]["list"][0]
    assert (row["currency"], row["timezone"]) == ("NZD", "Pacific/Tongatapu")
    api = ad_sandbox.endpoints("tiktok")["api"]
    app = connection.credentials["app"]
    body = {"app_id": app["app_id"], "secret": app["secret"], "auth_code": connection.account_id}
    granted = requests.post(f"{api}/oauth2/access_token/", json=body, timeout=10).json()["data"]
    again = {**body, "refresh_token": granted["refresh_token"]}
    fresh = requests.post(f"{api}/oauth2/refresh_token/", json=again, timeout=10).json()["data"]
    connection.credentials["oauth"]["access_token"] = fresh["access_token"]
    assert get(ad_sandbox, connection, "campaign/get/")["code"] == 0
    ad_sandbox.tokens.expire("tiktok", connection.account_id)
    assert get(ad_sandbox, connection, "campaign/get/")["code"] == 40102
    wrong = requests.post(f"{api}/oauth2/access_token/", json={**body, "secret": "x"}, timeout=10)
    assert wrong.json()["code"] == 40002


@pytest.mark.parametrize(
    ("path", "params", "code"),
    [
        ("report/integrated/get/", {"start_date": "2026-10-22"}, 40002),  # 31 days
        ("report/integrated/get/", {"page_size": "1001"}, 40002),
        ("report/integrated/get/", {"metrics": '["colour"]'}, 40002),
        ("report/integrated/get/", {"metrics": "spend"}, 40002),
        ("report/integrated/get/", {"dimensions": '["stat_time_day"]'}, 40002),
        ("report/integrated/get/", {"data_level": "AUCTION_AD"}, 40002),
        ("report/integrated/get/", {"end_date": "soon"}, 40002),
        ("report/integrated/get/", {"advertiser_id": "1"}, 40001),
        ("campaign/get/", {"page_size": "1001"}, 40002),
        ("campaign/get/", {"page": "0"}, 40002),
        ("campaign/get/", {"fields": '["colour"]'}, 40002),
        ("campaign/get/", {"filtering": "[]"}, 40002),
        ("campaign/get", {}, 40006),
        ("advertiser/info/", {"advertiser_ids": "7"}, 40002),
    ],
)
def test_wrong_requests_are_refused(ad_sandbox: Sandbox, path: str, params: dict[str, str], code: int) -> None:
    base = REPORT if path.startswith("report") else {}
    answer = get(ad_sandbox, account(ad_sandbox), path, **{**base, **params})
    assert answer["code"] == code
    assert answer["request_id"]


def test_thirty_days_are_allowed_and_a_token_is_needed(ad_sandbox: Sandbox) -> None:
    connection = account(ad_sandbox)
    assert get(ad_sandbox, connection, "report/integrated/get/", **REPORT)["code"] == 0
    url = f"{ad_sandbox.endpoints('tiktok')['api']}/campaign/get/"
    assert requests.get(url, timeout=10).json()["code"] == 40104
    connection.credentials["oauth"]["access_token"] = "nonsense"
    assert get(ad_sandbox, connection, "campaign/get/")["code"] == 40105

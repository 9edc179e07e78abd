"""TikTok's SDK against the sandbox: lists, reports, paging, errors."""

from datetime import date
from decimal import Decimal
from typing import Any

import business_api_client as sdk
import pytest
from business_api_client.models.filtering_ad_get import FilteringAdGet

from sandbox.platforms import Connection
from sandbox.server import Sandbox
from tests.sandbox.accounts import connection_of, true_rows


@pytest.fixture
def api(ad_sandbox: Sandbox) -> sdk.ApiClient:
    """The SDK's client, at the sandbox."""
    configuration = sdk.Configuration()
    configuration.host = f"{ad_sandbox.origin}/business-api.tiktok.com"
    return sdk.ApiClient(configuration)


@pytest.fixture
def connection(ad_sandbox: Sandbox) -> Connection:
    """A connection of the sandbox."""
    return connection_of(ad_sandbox, "tiktok")


def token(connection: Connection) -> str:
    return str(connection.credentials["oauth"]["access_token"])


def pages(ask: Any, connection: Connection, *positional: Any, **named: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    page = 1
    while True:
        answer = ask(*positional, token(connection), advertiser_id=connection.account_id, page=page, **named)["data"]
        rows += answer["list"]
        if page >= answer["page_info"]["total_page"]:
            return rows
        page += 1


def test_lists_come_page_by_page(ad_sandbox: Sandbox, api: sdk.ApiClient, connection: Connection) -> None:
    def ads(access_token: str, advertiser_id: str, **named: Any) -> Any:
        return sdk.AdApi(api).ad_get(advertiser_id, access_token, **named)

    rows = pages(ads, connection, page_size=5, filtering=FilteringAdGet(primary_status="STATUS_ALL"))
    world = ad_sandbox.world.ads("tiktok", connection.account_id, ad_sandbox.clock())
    assert {(row["ad_id"], row["ad_name"]) for row in rows} == {(ad.id, ad.name) for ad in world}
    info = sdk.AccountManagementApi(api).advertiser_info([connection.account_id], token(connection))
    assert info["data"]["list"][0]["display_timezone"] == connection.time_zone


def test_reports_are_the_worlds(ad_sandbox: Sandbox, api: sdk.ApiClient, connection: Connection) -> None:
    status = {"field_name": "campaign_status", "filter_type": "IN", "filter_value": '["STATUS_ALL"]'}
    rows = pages(
        sdk.ReportingApi(api).report_integrated_get,
        connection,
        "BASIC",
        data_level="AUCTION_CAMPAIGN",
        dimensions=["campaign_id", "stat_time_day"],
        metrics=["spend", "complete_payment"],
        filtering=[status],
        start_date="2026-11-10",
        end_date="2026-11-16",
        page_size=10,
    )
    truth = true_rows(ad_sandbox, connection, "campaign", date(2026, 11, 10), days=7)
    assert {
        (row["dimensions"]["stat_time_day"][:10], row["dimensions"]["campaign_id"]): Decimal(row["metrics"]["spend"])
        for row in rows
    } == {(str(row.day), row.campaign_id): row.spend for row in truth}


def test_errors_are_raised_with_their_codes(ad_sandbox: Sandbox, api: sdk.ApiClient, connection: Connection) -> None:
    campaigns = sdk.CampaignCreationApi(api)
    for account, access_token, code in (("1", token(connection), 40001), (connection.account_id, "x", 40105)):
        with pytest.raises(Exception, match=str(code)):
            campaigns.campaign_get(account, access_token)

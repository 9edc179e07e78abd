"""facebook-business against the sandbox: lists, insights at once and as a job, paging, errors."""

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest
from facebook_business.adobjects.ad import Ad
from facebook_business.adobjects.adaccount import AdAccount
from facebook_business.adobjects.adreportrun import AdReportRun
from facebook_business.adobjects.campaign import Campaign
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError
from facebook_business.session import FacebookSession

from sandbox.platforms import Connection
from sandbox.server import Sandbox
from tests.sandbox.accounts import connection_of, true_rows

FIELDS = ["campaign_id", "spend", "impressions", "actions"]
DAILY = {
    "level": "campaign",
    "time_increment": "1",
    "time_range": {"since": "2026-11-10", "until": "2026-11-16"},
    "limit": 7,
}


@pytest.fixture
def connection(ad_sandbox: Sandbox) -> Connection:
    """A connection of the sandbox."""
    return connection_of(ad_sandbox, "facebook")


@pytest.fixture
def account(ad_sandbox: Sandbox, connection: Connection, monkeypatch: pytest.MonkeyPatch) -> Iterator[AdAccount]:
    """An account as the SDK has it, at the sandbox."""
    monkeypatch.setattr(FacebookSession, "GRAPH", f"{ad_sandbox.origin}/graph.facebook.com")
    app, token = connection.credentials["app"], connection.credentials["oauth"]["access_token"]
    api = FacebookAdsApi.init(app["app_id"], app["app_secret"], token, api_version="v26.0", crash_log=False)
    yield AdAccount(f"act_{connection.account_id}", api=api)
    FacebookAdsApi.set_default_api(None)


def test_lists_come_page_by_page(ad_sandbox: Sandbox, connection: Connection, account: AdAccount) -> None:
    world = ad_sandbox.world.campaigns("facebook", connection.account_id, ad_sandbox.clock())
    shown = list(account.get_campaigns(fields=["name", "effective_status", "objective"], params={"limit": 3}))
    gone = list(account.get_campaigns(fields=["name"], params={"effective_status": ["DELETED", "ARCHIVED"]}))
    assert {one["id"]: one["name"] for one in [*shown, *gone]} == {one.id: one.name for one in world}
    assert {one["id"] for one in gone} == {one.id for one in world if one.deleted_at}
    assert {one["objective"] for one in shown} <= set(vars(Campaign.Objective).values())
    ads = list(account.get_ads(fields=["adset_id", "creative"], params={"limit": 4}))
    assert ads
    assert all(isinstance(one, Ad) and one["creative"]["id"] for one in ads)


def test_insights_are_the_worlds(ad_sandbox: Sandbox, connection: Connection, account: AdAccount) -> None:
    filtering = [{"field": "campaign.effective_status", "operator": "IN", "value": ["DELETED", "ARCHIVED"]}]
    rows = [*account.get_insights(fields=FIELDS, params=DAILY)]
    rows += account.get_insights(fields=FIELDS, params={**DAILY, "filtering": filtering})
    truth = true_rows(ad_sandbox, connection, "campaign", date(2026, 11, 10), days=7)
    assert {(row["date_start"], row["campaign_id"]): Decimal(row["spend"]) for row in rows} == {
        (str(row.day), row.campaign_id): row.spend for row in truth
    }


def test_a_job_is_awaited_and_read(account: AdAccount) -> None:
    at_once = list(account.get_insights(fields=FIELDS, params=DAILY))
    run = account.get_insights_async(fields=FIELDS, params=DAILY)
    assert isinstance(run, AdReportRun)
    states = []
    for _ in range(3):
        run = run.api_get()
        states.append(run[AdReportRun.Field.async_status])
    assert states == ["Job Not Started", "Job Running", "Job Completed"]
    assert [dict(row) for row in run.get_result(params={"limit": 9})] == [dict(row) for row in at_once]


def test_errors_have_their_codes(ad_sandbox: Sandbox, connection: Connection, account: AdAccount) -> None:
    with pytest.raises(FacebookRequestError) as caught:
        list(account.get_insights(fields=["spend"], params={**DAILY, "time_range": {"since": "2026-11-02"}}))
    assert caught.value.api_error_code() == 100
    ad_sandbox.tokens.expire("facebook", connection.account_id)
    with pytest.raises(FacebookRequestError) as caught:
        account.api_get(fields=["currency"])
    assert (caught.value.api_error_code(), caught.value.api_error_subcode()) == (190, 463)
    assert json.loads(json.dumps(caught.value.body()))["error"]["type"] == "OAuthException"

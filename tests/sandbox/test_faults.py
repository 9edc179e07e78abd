"""Every fault over HTTP, on every platform where it can happen."""

import csv
import hashlib
import hmac
import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from sandbox.exchange import Response
from sandbox.faults import Fault, FaultKind, FaultOrders, Purpose, Subject, malform
from sandbox.limits import Limits
from sandbox.platforms import Connection
from sandbox.server import Sandbox
from sandbox.world.entities import PLATFORMS, Platform
from tests.sandbox.accounts import connection_of

ENTITIES: dict[Platform, str] = {
    "google": "googleAds:search",
    "facebook": "/campaigns",
    "tiktok": "campaign/get/",
    "microsoft": "Account/Query",
}
ROWS: dict[Platform, tuple[str, ...]] = {
    "google": ("results",),
    "facebook": ("data",),
    "tiktok": ("data", "list"),
    "microsoft": ("Account",),
}
QUERY = "SELECT campaign.id, campaign.name, campaign.status FROM campaign"


def ask(sandbox: Sandbox, connection: Connection, cursor: str | None = None) -> requests.Response:
    """One page of the campaigns of an account, three rows where the client may choose; Microsoft's account itself."""
    platform, token, app = (
        connection.platform,
        connection.credentials["oauth"]["access_token"],
        connection.credentials["app"],
    )
    ends, own, timeout = sandbox.endpoints(platform), connection.account_id, 5.0
    if platform == "google":
        url = f"{ends['api']}/customers/{own}/googleAds:search"
        sent = {"Authorization": f"Bearer {token}", "developer-token": app["developer_token"]}
        sent["login-customer-id"] = app["login_customer_id"]
        return requests.post(url, headers=sent, json={"query": QUERY, "pageToken": cursor}, timeout=timeout)
    if platform == "facebook":
        proof = hmac.new(app["app_secret"].encode(), token.encode(), hashlib.sha256).hexdigest()
        query = {"access_token": token, "appsecret_proof": proof, "fields": "name,status", "limit": "3"}
        url = f"{ends['api']}/act_{own}/campaigns"
        return requests.get(url, params={**query, "after": cursor or ""}, timeout=timeout)
    if platform == "tiktok":
        query = {"advertiser_id": own, "page_size": "3", "page": cursor or "1"}
        return requests.get(
            f"{ends['api']}/campaign/get/", params=query, headers={"Access-Token": token}, timeout=timeout
        )
    sent = {"Authorization": f"Bearer {token}", "DeveloperToken": app["developer_token"]}
    sent |= {"CustomerId": app["customer_id"], "CustomerAccountId": own}
    return requests.post(f"{ends['customer']}/Account/Query", headers=sent, json={"AccountId": own}, timeout=timeout)


def following(platform: Platform, answer: dict[str, Any]) -> str | None:
    if platform == "google":
        return answer.get("nextPageToken")
    if platform == "facebook":
        paging = answer["paging"]
        return str(paging["cursors"]["after"]) if "next" in paging else None
    info = answer["data"]["page_info"]
    return str(info["page"] + 1) if info["page"] < info["total_page"] else None


def rows(platform: Platform, answer: dict[str, Any]) -> list[dict[str, Any]]:
    content: Any = answer
    for name in ROWS[platform]:
        content = content[name]
    return [content] if isinstance(content, dict) else list(content)


@pytest.fixture
def paged_sandbox(ad_sandbox: Sandbox) -> Iterator[Sandbox]:
    with Sandbox(7, ad_sandbox.clock, limits=Limits(google_page_rows=3)) as sandbox:
        yield sandbox


@pytest.mark.parametrize("platform", PLATFORMS)
def test_faults_of_the_connection(paged_sandbox: Sandbox, platform: Platform) -> None:
    connection = connection_of(paged_sandbox, platform)
    good = ask(paged_sandbox, connection).content
    for fault, error in (
        (Fault(FaultKind.TIMEOUT, seconds=30), requests.exceptions.ReadTimeout),
        (Fault(FaultKind.RESET), requests.exceptions.ConnectionError),
        (Fault(FaultKind.CUT_BODY), requests.exceptions.ChunkedEncodingError),
    ):
        paged_sandbox.faults.order(fault)
        with pytest.raises(error):
            ask(paged_sandbox, connection)
    for fault, status, after in (
        (Fault(FaultKind.HTTP_429, retry_after=7), 429, "7"),
        (Fault(FaultKind.HTTP_429), 429, None),
        (Fault(FaultKind.SERVER_ERROR, status=502), 502, None),
    ):
        paged_sandbox.faults.order(fault)
        answer = ask(paged_sandbox, connection)
        assert (answer.status_code, answer.headers.get("Retry-After")) == (status, after)
    assert ask(paged_sandbox, connection).content == good


def test_a_reset_is_a_reset(paged_sandbox: Sandbox) -> None:
    paged_sandbox.faults.order(Fault(FaultKind.RESET))
    with pytest.raises(requests.exceptions.ConnectionError, match="reset"):
        ask(paged_sandbox, connection_of(paged_sandbox, "google"))


REFUSALS: dict[Platform, dict[FaultKind, tuple[int, str]]] = {
    "google": {
        FaultKind.RATE_LIMITED: (429, '"retryDelay":"30s"'),
        FaultKind.ERROR_IN_200: (200, '"internalError":"TRANSIENT_ERROR"'),
        FaultKind.TOKEN_EXPIRED: (401, "OAUTH_TOKEN_EXPIRED"),
        FaultKind.TOKEN_REVOKED: (401, "OAUTH_TOKEN_REVOKED"),
        FaultKind.ACCOUNT_INACTIVE: (403, "CUSTOMER_NOT_ENABLED"),
    },
    "facebook": {
        FaultKind.RATE_LIMITED: (400, '"code":80004'),
        FaultKind.ERROR_IN_200: (200, '"is_transient":true'),
        FaultKind.TOKEN_EXPIRED: (400, '"error_subcode":463'),
        FaultKind.TOKEN_REVOKED: (400, '"error_subcode":460'),
        FaultKind.ACCOUNT_INACTIVE: (400, '"code":200'),
        FaultKind.TOO_MUCH_DATA: (400, '"error_subcode":1504018'),
    },
    "tiktok": {
        FaultKind.RATE_LIMITED: (200, '"code":40100'),
        FaultKind.ERROR_IN_200: (200, '"code":50000'),
        FaultKind.TOKEN_EXPIRED: (200, '"code":40102'),
        FaultKind.TOKEN_REVOKED: (200, '"code":40105'),
        FaultKind.ACCOUNT_INACTIVE: (200, '"code":40110'),
    },
    "microsoft": {
        FaultKind.RATE_LIMITED: (429, '"Code":117'),
        FaultKind.ERROR_IN_200: (200, '"Code":0'),
        FaultKind.TOKEN_EXPIRED: (401, '"Code":109'),
        FaultKind.TOKEN_REVOKED: (401, '"Code":105'),
        FaultKind.ACCOUNT_INACTIVE: (403, '"Code":106'),
    },
}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_refusals_are_in_the_platforms_words(paged_sandbox: Sandbox, platform: Platform) -> None:
    for kind, (status, words) in REFUSALS[platform].items():
        connection = connection_of(paged_sandbox, platform)
        paged_sandbox.faults.order(Fault(kind, retry_after=30))
        answer = ask(paged_sandbox, connection)
        assert answer.status_code == status
        assert words in answer.text
        again = ask(paged_sandbox, connection)
        if kind in (FaultKind.TOKEN_EXPIRED, FaultKind.TOKEN_REVOKED):
            assert words in again.text  # the old token stays bad
            paged_sandbox.tokens.reinstate(platform, connection.account_id)
            again = ask(paged_sandbox, connection_of(paged_sandbox, platform))
        assert rows(platform, again.json())


def test_meta_gives_the_wait_in_minutes(paged_sandbox: Sandbox) -> None:
    paged_sandbox.faults.order(Fault(FaultKind.RATE_LIMITED, retry_after=90))
    usage = json.loads(
        ask(paged_sandbox, connection_of(paged_sandbox, "facebook")).headers["x-business-use-case-usage"]
    )
    assert [entry["estimated_time_to_regain_access"] for (entry,) in usage.values()] == [2]


def test_other_accounts_keep_their_tokens(paged_sandbox: Sandbox) -> None:
    one, other = (connection_of(paged_sandbox, "google", index) for index in (0, 1))
    paged_sandbox.faults.order(Fault(FaultKind.TOKEN_REVOKED, account_id=one.account_id))
    assert ask(paged_sandbox, other).status_code == 200
    assert ask(paged_sandbox, one).status_code == 401
    form = {**one.credentials["app"], "grant_type": "refresh_token"}
    form["refresh_token"] = one.credentials["oauth"]["refresh_token"]
    refused = requests.post(paged_sandbox.endpoints("google")["token"], data=form, timeout=5)
    assert refused.json()["error"] == "invalid_grant"
    assert ask(paged_sandbox, other).status_code == 200


@pytest.mark.parametrize("platform", ["google", "facebook", "tiktok"])
def test_a_fault_of_the_second_page_meets_the_second_page(paged_sandbox: Sandbox, platform: Platform) -> None:
    connection = connection_of(paged_sandbox, platform)
    paged_sandbox.faults.order(Fault(FaultKind.SERVER_ERROR, platform, ENTITIES[platform], page=2))
    page = ask(paged_sandbox, connection)
    cursor = following(platform, page.json())
    assert ask(paged_sandbox, connection, cursor).status_code == 503
    assert rows(platform, ask(paged_sandbox, connection, cursor).json())
    logged = [(entry.page, entry.status, entry.fault) for entry in paged_sandbox.log]
    assert logged == [(1, 200, None), (2, 503, FaultKind.SERVER_ERROR), (2, 200, None)]


@pytest.mark.parametrize("platform", ["google", "facebook", "tiktok"])
@pytest.mark.parametrize("page", [1, 2])
def test_a_doubled_page_is_all_rows_and_some_twice(paged_sandbox: Sandbox, platform: Platform, page: int) -> None:
    connection = connection_of(paged_sandbox, platform)

    def walk() -> list[str]:
        texts: list[str] = []
        cursor: str | None = None
        for _ in range(20):
            answer = ask(paged_sandbox, connection, cursor).json()
            texts += [json.dumps(row) for row in rows(platform, answer)]
            cursor = following(platform, answer)
            if cursor is None:
                return texts
        raise AssertionError("the pages never end")

    clean = walk()
    paged_sandbox.faults.order(Fault(FaultKind.DOUBLED_PAGE, page=page))
    doubled = walk()
    assert set(doubled) == set(clean)
    assert len(doubled) > len(clean) == len(set(clean))


@pytest.mark.parametrize("platform", ["google", "facebook", "tiktok"])
def test_a_repeated_cursor_leads_nowhere(paged_sandbox: Sandbox, platform: Platform) -> None:
    connection = connection_of(paged_sandbox, platform)
    second = following(platform, ask(paged_sandbox, connection).json())
    paged_sandbox.faults.order(Fault(FaultKind.REPEATED_CURSOR, page=2, times=None))
    for _ in range(2):
        assert following(platform, ask(paged_sandbox, connection, second).json()) == second


@pytest.mark.parametrize("platform", PLATFORMS)
def test_malformed_pages(paged_sandbox: Sandbox, platform: Platform) -> None:
    connection = connection_of(paged_sandbox, platform)
    clean = json.dumps(rows(platform, ask(paged_sandbox, connection).json())[0])
    for kind, expected in (
        (FaultKind.WRONG_TYPE, '{"unexpected": "object"}'),
        (FaultKind.UNKNOWN_ENUM, "SANDBOX_UNHEARD_OF"),
    ):
        paged_sandbox.faults.order(Fault(kind))
        assert expected not in clean
        assert expected in json.dumps(rows(platform, ask(paged_sandbox, connection).json())[0])
    paged_sandbox.faults.order(Fault(FaultKind.MISSING_ID))
    malformed = rows(platform, ask(paged_sandbox, connection).json())
    number = paged_sandbox.world.campaigns(platform, connection.account_id, paged_sandbox.clock())[0].id
    number = connection.account_id if platform == "microsoft" else number
    assert f'"{number}"' in clean
    assert f'"{number}"' not in json.dumps(malformed[0])
    paged_sandbox.faults.order(Fault(FaultKind.HUGE_STRING))
    assert len(ask(paged_sandbox, connection).content) > 10_000_000


def test_only_the_first_row_is_malformed_and_a_missing_field_is_added() -> None:
    page = [{"spend": "1"}, {"spend": "2"}]
    assert malform(page, Fault(FaultKind.UNKNOWN_ENUM))[1] == {"spend": "2"}
    assert malform(page, Fault(FaultKind.UNKNOWN_ENUM))[0] == {"spend": "1", "status": "SANDBOX_UNHEARD_OF"}
    assert malform(page, Fault(FaultKind.RESET)) == page == malform(page, None)


def test_jobs_that_are_stuck_and_fail_at_meta(paged_sandbox: Sandbox) -> None:
    connection = connection_of(paged_sandbox, "facebook")
    token = connection.credentials["oauth"]["access_token"]
    secret = connection.credentials["app"]["app_secret"].encode()
    auth = {"access_token": token, "appsecret_proof": hmac.new(secret, token.encode(), hashlib.sha256).hexdigest()}
    api = paged_sandbox.endpoints("facebook")["api"]

    def start() -> str:
        span = '{"since":"2026-11-01","until":"2026-11-20"}'
        form = {**auth, "fields": '["spend"]', "time_increment": "1", "time_range": span}
        run = requests.post(f"{api}/act_{connection.account_id}/insights", data=form, timeout=5).json()
        return str(run["report_run_id"])

    paged_sandbox.faults.order(Fault(FaultKind.JOB_STUCK, times=5))
    run = start()
    for _ in range(5):
        progress = requests.get(f"{api}/{run}/", params=auth, timeout=5).json()
        assert (progress["async_status"], progress["async_percent_completion"]) == ("Job Running", 100)
    assert requests.get(f"{api}/{run}/insights", params=auth, timeout=5).json()["error"]["code"] == 2601
    states = [requests.get(f"{api}/{run}/", params=auth, timeout=5).json()["async_status"] for _ in range(3)]
    assert states[-1] == "Job Completed"
    paged_sandbox.faults.order(Fault(FaultKind.JOB_FAILED, nth=2))
    other = start()
    states = [requests.get(f"{api}/{other}/", params=auth, timeout=5).json()["async_status"] for _ in range(3)]
    assert states == ["Job Not Started", "Job Failed", "Job Failed"]


def test_jobs_that_fail_and_links_that_expire_at_microsoft(paged_sandbox: Sandbox) -> None:
    connection = connection_of(paged_sandbox, "microsoft")
    app, ends = connection.credentials["app"], paged_sandbox.endpoints("microsoft")
    sent = {
        "Authorization": f"Bearer {connection.credentials['oauth']['access_token']}",
        "DeveloperToken": app["developer_token"],
        "CustomerId": app["customer_id"],
        "CustomerAccountId": connection.account_id,
    }

    def submit() -> dict[str, Any]:
        day = {"Year": 2026, "Month": 11, "Day": 20}
        request = {
            "Type": "CampaignPerformanceReportRequest",
            "Aggregation": "Daily",
            "Columns": ["TimePeriod", "CampaignId", "Impressions"],
            "ExcludeReportHeader": True,
            "ExcludeReportFooter": True,
            "Scope": {"AccountIds": [connection.account_id]},
            "Time": {"CustomDateRangeStart": day, "CustomDateRangeEnd": day, "ReportTimeZone": "EasternTimeUSCanada"},
        }
        url = f"{ends['reporting']}/GenerateReport/Submit"
        return dict(requests.post(url, json={"ReportRequest": request}, headers=sent, timeout=5).json())

    def poll(report: dict[str, Any]) -> dict[str, Any]:
        answer = requests.post(f"{ends['reporting']}/GenerateReport/Poll", json=report, headers=sent, timeout=5)
        return dict(answer.json()["ReportRequestStatus"])

    def lines(url: str) -> list[dict[str, str]]:
        with zipfile.ZipFile(io.BytesIO(requests.get(url, timeout=5).content)) as folder:
            text = folder.read(folder.namelist()[0]).decode("utf-8-sig")
        return list(csv.DictReader(io.StringIO(text)))

    paged_sandbox.faults.order(Fault(FaultKind.JOB_FAILED))
    failed = submit()
    assert [poll(failed)["Status"] for _ in range(2)] == ["Error", "Error"]
    report = submit()
    link = [poll(report) for _ in range(3)][-1]["ReportDownloadUrl"]
    paged_sandbox.faults.order(Fault(FaultKind.DOWNLOAD_EXPIRED))
    assert requests.get(link, timeout=5).status_code == 403
    clean = lines(poll(report)["ReportDownloadUrl"])
    paged_sandbox.faults.order(Fault(FaultKind.DOUBLED_PAGE))
    assert lines(link) == clean * 2
    paged_sandbox.faults.order(Fault(FaultKind.MISSING_ID))
    assert [row["CampaignId"] for row in lines(link)[:2]] == ["", clean[1]["CampaignId"]]


def test_orders_count_every_request_that_matches() -> None:
    orders = FaultOrders()
    orders.order(
        Fault(FaultKind.RESET, "google", nth=2, times=2), Fault(FaultKind.HTTP_429, "google", page=1, times=None)
    )
    met = [orders.take("google", "/x", Subject("1", page)) for page in (1, 1, 2, 2, 1)]
    kinds = [fault.kind if fault else None for fault in met]
    assert kinds == [FaultKind.HTTP_429, FaultKind.RESET, FaultKind.RESET, None, FaultKind.HTTP_429]
    assert orders.take("tiktok", "/x", Subject("1")) is None
    orders.order(Fault(FaultKind.TIMEOUT))
    for_a_token = Subject(purpose=Purpose.TOKEN)
    assert orders.take("tiktok", "/token", for_a_token) is None  # the order must name the path of a token
    orders.order(Fault(FaultKind.TIMEOUT, path="/token"))
    assert orders.take("tiktok", "/token", for_a_token) is not None


@pytest.mark.parametrize(
    ("order", "problem"),
    [
        ({"kind": "earthquake"}, "no fault 'earthquake'"),
        ({"kind": "reset", "platform": "myspace"}, "no platform 'myspace'"),
        ({"kind": "repeated_cursor", "platform": "microsoft"}, "does not happen at microsoft"),
        ({"kind": "job_stuck", "platform": "tiktok"}, "does not happen at tiktok"),
        ({"kind": "reset", "times": 0}, "count from 1"),
        ({"kind": "reset", "colour": "red"}, "has no colour; it has kind, platform, path, "),
    ],
)
def test_a_wrong_order_is_refused(order: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Fault.of_json(order)


def test_a_response_is_json_of_the_platforms_kind() -> None:
    assert Response.of({"name": "é"}).body == '{"name":"é"}'.encode()

"""msads against the sandbox: the account, the file of entities and a report by its clients and its file readers."""

import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.platforms import Connection
from sandbox.server import Sandbox
from tests import kept_pydantic
from tests.sandbox.accounts import connection_of, true_rows
from tests.sandbox.test_microsoft import headers
from tests.sdks import GROUP, microsofts, module

COLUMNS = ["TimePeriod", "CampaignId", "AdGroupId", "Status", "Impressions", "Spend"]
pytestmark = [pytest.mark.filterwarnings("ignore"), GROUP]


@pytest.fixture(autouse=True)
def aliases() -> Iterator[None]:
    """The attribute access that the SDK's own readers need."""
    with kept_pydantic.kept():
        module("openapi_client.model_utils").enable_alias_support()
        yield


@pytest.fixture
def connection(ad_sandbox: Sandbox) -> Connection:
    """A connection of the sandbox."""
    return connection_of(ad_sandbox, "microsoft")


def service(sandbox: Sandbox, connection: Connection, host: str, name: str) -> Any:
    """The SDK's client of a service, at the sandbox."""
    configuration = module("openapi_client.configuration").Configuration
    client = module("openapi_client.api_client").ApiClient(
        configuration(host=f"{sandbox.origin}/{host}.api.bingads.microsoft.com")
    )
    client.default_headers.update(headers(connection))
    api = module(f"openapi_client.api.{name}_service_api")
    return getattr(api, f"{name.title().replace('_', '')}ServiceApi")(client)


def refused() -> Any:
    """The block in which the SDK must raise its error."""
    return pytest.raises(module("openapi_client.exceptions").ApiException)


def saved(url: str, path: Path) -> str:
    """The unpacked file behind a link."""
    packed = path.with_suffix(".zip")
    packed.write_bytes(requests.get(url, timeout=10).content)
    with zipfile.ZipFile(packed) as folder:
        path.write_bytes(folder.read(folder.namelist()[0]))
    return str(path)


def test_the_account(ad_sandbox: Sandbox, connection: Connection) -> None:
    customer, api = microsofts("customer"), service(ad_sandbox, connection, "clientcenter", "customer_management")
    answer = api.get_account(customer.GetAccountRequest(account_id=connection.account_id))
    assert (answer.account.currency_code, answer.account.time_zone.value) == ("USD", "EasternTimeUSCanada")
    with refused() as caught:
        api.get_account(customer.GetAccountRequest(account_id="1"))
    assert "UserIsNotAuthorized" in caught.value.body


def test_the_file_of_entities(ad_sandbox: Sandbox, connection: Connection, tmp_path: Path) -> None:
    bulk, api = microsofts("bulk"), service(ad_sandbox, connection, "bulk", "bulk")
    request = bulk.DownloadCampaignsByAccountIdsRequest(
        account_ids=[connection.account_id],
        download_entities=["Campaigns", "AdGroups", "Ads", "Keywords"],
        download_file_type="Csv",
        compression_type="Zip",
        data_scope="EntityData",
        format_version="6.0",
    )
    job = api.download_campaigns_by_account_ids(request).download_request_id
    states = [api.get_bulk_download_status(bulk.GetBulkDownloadStatusRequest(request_id=job)) for _ in range(3)]
    assert [state.request_status for state in states] == ["InProgress", "InProgress", "Completed"]
    path = saved(states[-1].result_file_url, tmp_path / "entities.csv")
    files = module("bingads.v13.bulk")
    with files.BulkFileReader(path) as reader:
        found: list[Any] = list(reader)
    world, now = ad_sandbox.world, ad_sandbox.clock()
    alive = {one.id: one.name for one in world.campaigns("microsoft", connection.account_id, now) if not one.deleted_at}
    campaigns = [one for one in found if isinstance(one, files.BulkCampaign)]
    assert {str(one.campaign.Id): one.campaign.Name for one in campaigns} == alive
    for kind in (files.BulkAdGroup, files.BulkKeyword, files.BulkResponsiveSearchAd):
        assert any(isinstance(one, kind) for one in found), kind
    assert {str(one.campaign_id) for one in found if isinstance(one, files.BulkAdGroup)} <= alive.keys()


@pytest.fixture
def report_path(ad_sandbox: Sandbox, connection: Connection, tmp_path: Path) -> str:
    """A report with its header and footer, as a file."""
    reporting, api = microsofts("reporting"), service(ad_sandbox, connection, "reporting", "reporting")
    day = reporting.Date(day=10, month=11, year=2026), reporting.Date(day=16, month=11, year=2026)
    request = reporting.AdGroupPerformanceReportRequest(
        report_name="Groups",
        format="Csv",
        aggregation="Daily",
        columns=COLUMNS,
        scope=reporting.AccountThroughAdGroupReportScope(account_ids=[connection.account_id]),
        time=reporting.ReportTime(
            custom_date_range_start=day[0], custom_date_range_end=day[1], report_time_zone="EasternTimeUSCanada"
        ),
    )
    job = api.submit_generate_report(reporting.SubmitGenerateReportRequest(report_request=request)).report_request_id
    states = [api.poll_generate_report(reporting.PollGenerateReportRequest(report_request_id=job)) for _ in range(3)]
    statuses = [state.report_request_status.status.value for state in states]
    assert statuses == ["Pending", "Pending", "Success"]
    return saved(states[-1].report_request_status.report_download_url, tmp_path / "report.csv")


def test_a_report_and_its_header(ad_sandbox: Sandbox, connection: Connection, report_path: str) -> None:
    reader = module("bingads.v13.reporting").ReportFileReader(report_path, "Csv")
    report = reader.get_report()
    try:
        assert report.report_name == "Groups"
        assert (f"{report.report_time_start:%F}", f"{report.report_time_end:%F}") == ("2026-11-10", "2026-11-16")
        assert list(report.report_columns) == COLUMNS
        # The SDK reads no commas between thousands.
        served = {
            (row.value("TimePeriod"), row.value("AdGroupId")): int(row.value("Impressions").replace(",", ""))
            for row in report.report_records
        }
    finally:
        reader.close()
    truth = true_rows(ad_sandbox, connection, "ad_group", date(2026, 11, 10), days=7)
    assert report.record_count is None or report.record_count == len(truth)
    assert served == {(str(row.day), row.ad_group_id): row.impressions for row in truth}


def test_errors_have_their_codes(ad_sandbox: Sandbox, connection: Connection) -> None:
    reporting, api = microsofts("reporting"), service(ad_sandbox, connection, "reporting", "reporting")
    with refused() as caught:
        api.poll_generate_report(reporting.PollGenerateReportRequest(report_request_id="1"))
    assert "InvalidReportId" in caught.value.body

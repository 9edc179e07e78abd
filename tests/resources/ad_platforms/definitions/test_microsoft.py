"""Microsoft's client and its words against the definitions of msads 13.0.30 (REST v13)."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from resources.ad_platforms import Level, Status, Stream
from resources.ad_platforms.microsoft import words, zones
from sandbox.exchange import Request
from sandbox.microsoft import bulk
from sandbox.microsoft import report as served
from tests.sdks import GROUP, microsofts, module

KINDS = {level: report.kind for level, report in words.REPORTS.items()}
pytestmark = GROUP


def bulk_columns() -> set[str]:
    table = module("bingads.v13.internal.bulk.string_table")._StringTable
    return {value for name, value in vars(table).items() if not name.startswith("_")}


def columns_of(level: Level) -> set[str]:
    return {word.value for word in getattr(microsofts("reporting"), f"{KINDS[level]}ReportColumn")}


def names_of(model: Any) -> dict[str, Any]:
    """The names that a model is sent with, and their types."""
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def check(body: Mapping[str, Any], model: Any) -> None:
    assert body.keys() <= names_of(model).keys(), model.__name__
    assert model.from_dict(dict(body)) is not None


def test_every_body_is_one_that_the_sdk_sends(sent: Mapping[str, list[Request]]) -> None:
    customer_models, bulk_models, reporting_models = map(microsofts, ("customer", "bulk", "reporting"))
    sendable = {
        "Account/Query": customer_models.GetAccountRequest,
        "Campaigns/DownloadByAccountIds": bulk_models.DownloadCampaignsByAccountIdsRequest,
        "BulkDownloadStatus/Query": bulk_models.GetBulkDownloadStatusRequest,
        "GenerateReport/Submit": reporting_models.SubmitGenerateReportRequest,
        "GenerateReport/Poll": reporting_models.PollGenerateReportRequest,
    }
    seen = set()
    for request in sent["microsoft"]:
        name = "/".join(request.path.split("/")[-2:])
        if name not in sendable:
            assert request.method == "GET", "a file"
            continue
        seen.add(name)
        body = request.json()
        check(body, sendable[name])
        if name == "GenerateReport/Submit":
            report = body["ReportRequest"]
            check(report, getattr(reporting_models, report["Type"]))
            check(report["Time"], reporting_models.ReportTime)
            check(report["Time"]["CustomDateRangeStart"], reporting_models.Date)
            columns = {word.value for word in getattr(reporting_models, report["Type"].replace("Request", "Column"))}
            assert set(report["Columns"]) <= columns
            assert report["Time"]["ReportTimeZone"] in {word.value for word in reporting_models.ReportTimeZone}
            assert report["Aggregation"] in {word.value for word in reporting_models.ReportAggregation}
            assert report["Format"] in {word.value for word in reporting_models.ReportFormat}
        if name == "Campaigns/DownloadByAccountIds":
            assert set(body["DownloadEntities"]) <= {word.value for word in bulk_models.DownloadEntity}
            assert body["DataScope"] == "EntityData"
            assert body["CompressionType"] in {word.value for word in bulk_models.CompressionType}
            assert body["DownloadFileType"] in {word.value for word in bulk_models.DownloadFileType}
    assert seen == set(sendable)


@pytest.mark.parametrize("level", Level)
def test_every_column_of_client_and_sandbox_is_one_of_the_reports(level: Level) -> None:
    report = words.REPORTS[level]
    asked = {"TimePeriod", *report.ids, *report.attributes, *words.METRICS}
    asked |= set(words.GOALS) if level is not Level.ACCOUNT else set()
    assert asked <= columns_of(level)
    assert report.status in {*report.attributes, ""}
    assert served._COLUMNS[level.value].keys() <= columns_of(level)


def test_the_zones_are_all_of_microsofts_in_both_spellings() -> None:
    accounts = {word.value for word in microsofts("customer").TimeZoneType}
    reports = {word.value for word in microsofts("reporting").ReportTimeZone}
    assert zones.IANA.keys() == accounts
    assert {zones.in_reports(zone) for zone in accounts} == reports
    assert {zone: zones.in_reports(zone) for zone in accounts if zones.in_reports(zone) != zone} == {
        "AthensBuckarestIstanbul": "AthensIslandanbulMinsk",
        "IslamabadKarachiTashkent": "IslandamabadKarachiTashkent",
        "MidwayIslandAndSamoa": "MidwayIslandandSamoa",
        "SolomonIslandNewCaledonia": "MagadanSolomonIslandNewCaledonia",
    }


def test_every_column_of_the_file_of_entities_is_one_of_microsofts() -> None:
    # The format's own lines and the sandbox's new field are no columns of entities.
    columns = bulk_columns()
    known = columns | {"Campaign Type", "Budget", "Bid Strategy Type"}
    assert {name for stream in words.COLUMNS for name in words.COLUMNS[stream]} <= known
    assert set(bulk._COLUMNS) - {"Trust Tier"} <= known
    kinds = {name for names in words.RECORDS.values() for name in names}
    # The SDK reads no hotel ads from the file, and has their type.
    assert kinds - {"Hotel Ad"} <= columns
    assert words.COLUMNS.keys() == {Stream.CAMPAIGNS, Stream.AD_GROUPS, Stream.ADS, Stream.KEYWORDS}


@pytest.mark.parametrize(
    ("ours", "service", "enums"),
    [
        (words.STATUSES, "campaign", ["CampaignStatus", "AdGroupStatus", "KeywordStatus", "AdStatus"]),
        (words.ACCOUNT_STATUSES, "customer", ["AccountLifeCycleStatus"]),
        (words.BUDGET_TYPES, "campaign", ["BudgetLimitType"]),
    ],
)
def test_our_words_are_all_of_microsofts(ours: Iterable[str], service: str, enums: list[str]) -> None:
    assert set(ours) == {word.value for enum in enums for word in getattr(microsofts(service), enum)}


def test_every_type_of_campaign_and_ad_is_known() -> None:
    campaign_type = module("openapi_client.models.campaign.campaign_type").CampaignType
    assert {str(kind) for kind in campaign_type if kind.value} - {"None"} == words.CAMPAIGN_TYPES
    assert campaign_type.OBJECTIVEBASED.value == 128
    spaced = (re.sub(r"([a-z])([A-Z])", r"\1 \2", word.value) for word in microsofts("campaign").AdType)
    ads = {f"{name.removesuffix(' Ad')} Ad" for name in spaced}
    assert ads - {"Image Ad"} == words.AD_RECORDS
    assert set(words.STATUSES.values()) == set(Status)

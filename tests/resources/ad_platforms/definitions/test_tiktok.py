"""TikTok's client and its words against the parameters of its SDK 1.1.3, and the words of its documentation (v1.3)."""

import inspect
import json
import re
from collections.abc import Mapping
from typing import Any

import business_api_client
from business_api_client.models.filtering_ad_get import FilteringAdGet
from business_api_client.models.filtering_adgroup_get import FilteringAdgroupGet
from business_api_client.models.filtering_campaign_get import FilteringCampaignGet
from business_api_client.models.filtering_report_integrated_get import FilteringReportIntegratedGet

from resources.ad_platforms.tiktok import words
from sandbox.exchange import Request
from sandbox.tiktok import report
from tests.resources.ad_platforms.definitions import tiktok_v13 as documented

# Of each path, the method of the SDK, the type of its filter, and the documented fields.
PATHS: Mapping[str, tuple[Any, Any, frozenset[str]]] = {
    "advertiser/info/": (
        business_api_client.AccountManagementApi.advertiser_info_with_http_info,
        None,
        documented.ADVERTISER,
    ),
    "campaign/get/": (
        business_api_client.CampaignCreationApi.campaign_get_with_http_info,
        FilteringCampaignGet,
        documented.CAMPAIGN,
    ),
    "adgroup/get/": (
        business_api_client.AdgroupApi.adgroup_get_with_http_info,
        FilteringAdgroupGet,
        documented.AD_GROUP,
    ),
    "ad/get/": (business_api_client.AdApi.ad_get_with_http_info, FilteringAdGet, documented.AD),
    "report/integrated/get/": (
        business_api_client.ReportingApi.report_integrated_get_with_http_info,
        FilteringReportIntegratedGet,
        frozenset(),
    ),
}


def parameters(method: Any) -> set[str]:
    """The parameters of a method of the SDK, which lists those that have no place in its signature."""
    (listed,) = re.findall(r"all_params = \[(.*?)\]", inspect.getsource(method))
    return {name.strip(" '") for name in listed.split(",")}


def test_every_parameter_field_and_metric_is_one_of_tiktoks(sent: Mapping[str, list[Request]]) -> None:
    seen = set()
    for request in sent["tiktok"]:
        path = request.path.removeprefix("/open_api/v1.3/")
        method, filters, fields = PATHS[path]
        query = request.query
        assert query.keys() <= parameters(method), path
        assert set(json.loads(query.get("fields", "[]"))) <= fields
        filtering = json.loads(query.get("filtering", "[]"))
        for one in [filtering] if isinstance(filtering, dict) else filtering:
            assert one.keys() <= filters.swagger_types.keys()
            assert one.get("field_name", "campaign_ids") in documented.FILTERS
        if path.startswith("report"):
            assert query["data_level"] in documented.DATA_LEVELS
            assert set(json.loads(query["dimensions"])) <= documented.DIMENSIONS
            assert set(json.loads(query["metrics"])) <= documented.METRICS
        seen.add((path, query.get("data_level")))
    lists = {(path, None) for path in PATHS if not path.startswith("report")}
    assert seen == lists | {("report/integrated/get/", level) for level in documented.DATA_LEVELS}


def test_what_is_deleted_is_asked_for_in_every_list_and_report(sent: Mapping[str, list[Request]]) -> None:
    for request in sent["tiktok"]:
        level = request.query.get("data_level")
        filtering = request.query.get("filtering", "")
        if level in (None, "AUCTION_ADVERTISER"):
            assert "advertiser" in request.path or level or json.loads(filtering) == {"primary_status": "STATUS_ALL"}
        else:
            asked = {one["field_name"]: json.loads(one["filter_value"]) for one in json.loads(filtering)}
            assert asked == {f"{level.removeprefix('AUCTION_').lower()}_status": ["STATUS_ALL"]}


def test_every_documented_status_is_known_and_what_the_sandbox_knows_is_documented() -> None:
    assert words.STATUSES.keys() >= documented.STATUSES
    assert documented.METRICS >= report.METRICS
    assert words.DELETED <= documented.STATUSES

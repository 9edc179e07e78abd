"""Meta's client and its words against the definitions of facebook-business 26 (Graph API v26.0)."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from facebook_business import apiconfig
from facebook_business.adobjects.ad import Ad
from facebook_business.adobjects.adaccount import AdAccount
from facebook_business.adobjects.adcreative import AdCreative
from facebook_business.adobjects.adreportrun import AdReportRun
from facebook_business.adobjects.adset import AdSet
from facebook_business.adobjects.adsinsights import AdsInsights
from facebook_business.adobjects.campaign import Campaign

from resources.ad_platforms.meta import words
from resources.ad_platforms.meta.client import API
from sandbox.exchange import Request
from sandbox.meta.entities import STATUSES
from sandbox.meta.insights import FIELDS

OURS = {"appsecret_proof", "access_token", "after", "limit"}
EDGES: Mapping[str, tuple[str, Any]] = {
    "campaigns": ("get_campaigns", Campaign),
    "adsets": ("get_ad_sets", AdSet),
    "ads": ("get_ads", Ad),
    "insights": ("get_insights", AdsInsights),
}


def words_of(enum: Any) -> set[str]:
    return {value for name, value in vars(enum).items() if not name.startswith("_")}


def fields(params: Mapping[str, str]) -> list[str]:
    text = params.get("fields", "")
    return json.loads(text) if text.startswith("[") else [name for name in re.split(r",(?![^{]*})", text) if name]


def check_fields(asked: Iterable[str], kind: Any) -> None:
    names = {name.partition("{")[0] for name in asked}
    assert names <= words_of(kind.Field)
    for name in asked:
        if "{" in name:
            assert set(name.partition("{")[2].removesuffix("}").split(",")) <= words_of(AdCreative.Field)


def test_the_version_is_the_sdks() -> None:
    assert API.endswith(f"/{apiconfig.ads_api_config['API_VERSION']}")


def test_every_field_and_parameter_is_one_of_metas(sent: Mapping[str, list[Request]]) -> None:
    seen = set()
    for request in sent["facebook"]:
        node, _, edge = request.path.removeprefix("/v26.0/").rstrip("/").partition("/")
        params = {**request.query, **(request.form() if request.body else {})}
        if edge in EDGES and node.startswith("act_"):
            method, kind = EDGES[edge]
            check_fields(fields(params), kind)
            checker = getattr(AdAccount("act_1"), method)(pending=True)._param_checker
            for name in params.keys() - OURS - {"fields"}:
                value = json.loads(params[name]) if params[name][:1] in "[{" else params[name]
                assert checker.is_valid_pair(name, value), (name, value)
                assert checker.get_type(name) is not None, name
        elif not edge:
            check_fields(fields(params), AdAccount if node.startswith("act_") else AdReportRun)
        seen.add((request.method, "act" if node.startswith("act_") else "run", edge))
    assert seen == {
        ("GET", "act", ""),
        ("GET", "act", "campaigns"),
        ("GET", "act", "adsets"),
        ("GET", "act", "ads"),
        ("GET", "act", "insights"),
        ("POST", "act", "insights"),
        ("GET", "run", ""),
        ("GET", "run", "insights"),
    }


def test_every_level_and_filter_of_insights_is_one_of_metas(sent: Mapping[str, list[Request]]) -> None:
    asked = [{**one.query, **(one.form() if one.body else {})} for one in sent["facebook"] if "insights" in one.path]
    levels = {one["level"] for one in asked if "level" in one}
    assert levels == words_of(AdsInsights.Level)
    windows = {window for one in asked for window in json.loads(one.get("action_attribution_windows", "[]"))}
    assert windows == {"7d_click", "1d_view", "1d_ev"}
    filters = [found for one in asked for found in json.loads(one.get("filtering", "[]"))]
    assert {found["field"] for found in filters} == {f"{level}.effective_status" for level in levels - {"account"}}
    known = words_of(Campaign.EffectiveStatus) & words_of(AdSet.EffectiveStatus) & words_of(Ad.EffectiveStatus)
    assert {status for found in filters for status in found["value"]} == set(words.GONE) <= known


@pytest.mark.parametrize(
    ("ours", "metas"),
    [
        (words.STATUSES, [Campaign.EffectiveStatus, AdSet.EffectiveStatus, Ad.EffectiveStatus]),
        (words.OBJECTIVES, [Campaign.Objective]),
        (STATUSES["campaigns"], [Campaign.EffectiveStatus]),
        (STATUSES["adsets"], [AdSet.EffectiveStatus]),
        (STATUSES["ads"], [Ad.EffectiveStatus]),
    ],
)
def test_our_words_are_all_of_metas(ours: Iterable[str], metas: list[Any]) -> None:
    assert set(ours) == {word for enum in metas for word in words_of(enum)}


def test_every_window_and_every_field_of_the_sandbox_is_one_of_metas() -> None:
    windows = {word for by_days in words.WINDOWS.values() for word in by_days.values() if word}
    assert windows <= words_of(AdsInsights.ActionAttributionWindows)
    assert words_of(AdsInsights.Field) >= FIELDS

"""Google's client and its words against the definitions of google-ads 34 (API v26)."""

import re
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from resources.ad_platforms.google import words
from sandbox.exchange import Request
from sandbox.google.fields import ENUMS, FIELDS

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from google.ads.googleads.v26 import enums, errors
    from google.ads.googleads.v26.services.types.google_ads_service import (
        GoogleAdsRow,
        SearchGoogleAdsRequest,
        SearchGoogleAdsResponse,
    )


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


def problem(path: str) -> str | None:
    """Why there is no such field; None if there is one."""
    message: Any = GoogleAdsRow
    for part in path.split("."):
        if message is None:
            return f"{path}: nothing is below {part}"
        fields = message.meta.fields
        field = fields.get(part) or fields.get(f"{part}_")
        if field is None:
            return f"{path}: {message.__name__} has no {part}"
        message = field.message
    return None


def words_of(enum: Any) -> set[str]:
    return {word.name for word in enum} - {"UNSPECIFIED", "UNKNOWN"}


def test_every_field_of_every_query_is_one_of_googles(sent: Mapping[str, list[Request]]) -> None:
    bodies = [request.json() for request in sent["google"] if request.path.endswith("googleAds:search")]
    queries = {body["query"] for body in bodies}
    assert len(queries) > 15
    asked = {name for query in queries for name in re.findall(r"[a-z_]+(?:\.[a-z_]+)+", re.sub(r"'[^']*'", "", query))}
    assert len(asked) > 40
    assert [found for found in map(problem, sorted(asked)) if found] == []
    resources = {re.search(r" FROM ([a-z_]+)", query)[1] for query in queries}  # type: ignore[index]
    assert resources <= GoogleAdsRow.meta.fields.keys()
    sendable = {camel(name) for name in SearchGoogleAdsRequest.meta.fields}
    assert {name for body in bodies for name in body} <= sendable


def test_every_field_of_the_sandbox_is_one_of_googles() -> None:
    assert [found for found in map(problem, sorted(FIELDS)) if found] == []
    answered = {camel(name) for name in SearchGoogleAdsResponse.meta.fields}
    assert {"results", "nextPageToken", "fieldMask", "queryResourceConsumption"} <= answered


@pytest.mark.parametrize(
    ("ours", "enum"),
    [
        (words.STATUSES, enums.CampaignStatusEnum.CampaignStatus),
        (words.STATUSES, enums.AdGroupStatusEnum.AdGroupStatus),
        (words.STATUSES, enums.AdGroupAdStatusEnum.AdGroupAdStatus),
        (words.STATUSES, enums.AdGroupCriterionStatusEnum.AdGroupCriterionStatus),
        (words.ACCOUNT_STATUSES, enums.CustomerStatusEnum.CustomerStatus),
        (words.CHANNELS, enums.AdvertisingChannelTypeEnum.AdvertisingChannelType),
        (words.GROUP_TYPES, enums.AdGroupTypeEnum.AdGroupType),
        (words.AD_TYPES, enums.AdTypeEnum.AdType),
        (ENUMS["campaign.status"], enums.CampaignStatusEnum.CampaignStatus),
        (ENUMS["customer_client.status"], enums.CustomerStatusEnum.CustomerStatus),
    ],
)
def test_our_words_are_all_of_googles(ours: Iterable[str], enum: Any) -> None:
    assert set(ours) == words_of(enum)


def test_the_errors_of_an_account_are_those_of_authentication_and_authorization() -> None:
    families = (
        errors.AuthenticationErrorEnum.AuthenticationError,
        errors.AuthorizationErrorEnum.AuthorizationError,
    )
    known = {word for family in families for word in words_of(family)}
    assert known - {"METRIC_ACCESS_DENIED"} == words.ACCOUNT_CODES
    quota, internal = errors.QuotaErrorEnum.QuotaError, errors.InternalErrorEnum.InternalError
    assert words.CODES.throttled <= words_of(quota)
    assert words.CODES.passing <= words_of(internal)
    assert ENUMS["ad_group_criterion.type"] <= words_of(enums.CriterionTypeEnum.CriterionType)

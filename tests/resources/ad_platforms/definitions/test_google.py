"""Google's client and its words against the definitions of google-ads 34 (API v26)."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from resources.ad_platforms.google import words
from sandbox.exchange import Request
from sandbox.google.fields import ENUMS, FIELDS
from tests.sdks import GROUP, googles

pytestmark = GROUP


def message(name: str) -> Any:
    """A message of Google's search."""
    return getattr(googles("services.types.google_ads_service"), name)


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


def problem(path: str) -> str | None:
    """Why there is no such field; None if there is one."""
    within = message("GoogleAdsRow")
    for part in path.split("."):
        if within is None:
            return f"{path}: nothing is below {part}"
        fields = within.meta.fields
        field = fields.get(part) or fields.get(f"{part}_")
        if field is None:
            return f"{path}: {within.__name__} has no {part}"
        within = field.message
    return None


def words_of(part: str, enum: str) -> set[str]:
    found = getattr(getattr(googles(part), f"{enum}Enum"), enum)
    return {word.name for word in found} - {"UNSPECIFIED", "UNKNOWN"}


def test_every_field_of_every_query_is_one_of_googles(sent: Mapping[str, list[Request]]) -> None:
    bodies = [request.json() for request in sent["google"] if request.path.endswith("googleAds:search")]
    queries = {body["query"] for body in bodies}
    assert len(queries) > 15
    asked = {name for query in queries for name in re.findall(r"[a-z_]+(?:\.[a-z_]+)+", re.sub(r"'[^']*'", "", query))}
    assert len(asked) > 40
    assert [found for found in map(problem, sorted(asked)) if found] == []
    resources = {re.search(r" FROM ([a-z_]+)", query)[1] for query in queries}  # type: ignore[index]
    assert resources <= message("GoogleAdsRow").meta.fields.keys()
    sendable = {camel(name) for name in message("SearchGoogleAdsRequest").meta.fields}
    assert {name for body in bodies for name in body} <= sendable


def test_every_field_of_the_sandbox_is_one_of_googles() -> None:
    assert [found for found in map(problem, sorted(FIELDS)) if found] == []
    answered = {camel(name) for name in message("SearchGoogleAdsResponse").meta.fields}
    assert {"results", "nextPageToken", "fieldMask", "queryResourceConsumption"} <= answered


@pytest.mark.parametrize(
    ("ours", "enum"),
    [
        (words.STATUSES, "CampaignStatus"),
        (words.STATUSES, "AdGroupStatus"),
        (words.STATUSES, "AdGroupAdStatus"),
        (words.STATUSES, "AdGroupCriterionStatus"),
        (words.ACCOUNT_STATUSES, "CustomerStatus"),
        (words.CHANNELS, "AdvertisingChannelType"),
        (words.GROUP_TYPES, "AdGroupType"),
        (words.AD_TYPES, "AdType"),
        (ENUMS["campaign.status"], "CampaignStatus"),
        (ENUMS["customer_client.status"], "CustomerStatus"),
    ],
)
def test_our_words_are_all_of_googles(ours: Iterable[str], enum: str) -> None:
    assert set(ours) == words_of("enums", enum)


def test_the_errors_of_an_account_are_those_of_authentication_and_authorization() -> None:
    known = words_of("errors", "AuthenticationError") | words_of("errors", "AuthorizationError")
    assert known - {"METRIC_ACCESS_DENIED"} == words.ACCOUNT_CODES
    assert words.CODES.throttled <= words_of("errors", "QuotaError")
    assert words.CODES.passing <= words_of("errors", "InternalError")
    assert ENUMS["ad_group_criterion.type"] <= words_of("enums", "CriterionType")

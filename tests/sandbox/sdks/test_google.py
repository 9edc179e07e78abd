"""google-ads against the sandbox. The SDK speaks gRPC alone, so its own types write the requests and read the answers,
strictly: a field or a word that Google does not have is an error."""

import json
from datetime import date
from typing import Any

import pytest
import requests

from sandbox.limits import Limits
from sandbox.platforms import Connection
from sandbox.server import Sandbox
from tests.sandbox.accounts import connection_of, true_rows
from tests.sandbox.test_google import headers
from tests.sdks import GROUP, googles, module

pytestmark = GROUP


def service() -> Any:
    """The messages of Google's search."""
    return googles("services.types.google_ads_service")


def failure(text: str) -> Any:
    """An error as the SDK reads it."""
    return googles("errors.types.errors").GoogleAdsFailure.from_json(text)


def search(sandbox: Sandbox, connection: Connection, query: str, token: str = "") -> requests.Response:
    kind = service().SearchGoogleAdsRequest
    request = kind(customer_id=connection.account_id, query=query, page_token=token)
    body = json.loads(kind.to_json(request, always_print_fields_with_no_presence=False))
    customer = body.pop("customerId")  # a part of the path
    url = f"{sandbox.endpoints('google')['api']}/customers/{customer}/googleAds:search"
    return requests.post(url, headers=headers(connection), json=body, timeout=10)


def rows(sandbox: Sandbox, connection: Connection, query: str) -> list[Any]:
    found: list[Any] = []
    token = ""
    while True:
        answer = service().SearchGoogleAdsResponse.from_json(search(sandbox, connection, query, token).text)
        found += answer.results
        token = answer.next_page_token
        if not token:
            return found


def test_lists_are_read_page_by_page(ad_sandbox: Sandbox) -> None:
    connection = connection_of(ad_sandbox, "google")
    query = (
        "SELECT ad_group_ad.ad.id, ad_group_ad.ad.type, ad_group_ad.ad.final_urls, ad_group.id, campaign.id,"
        " ad_group_ad.ad.responsive_search_ad.headlines FROM ad_group_ad"
    )
    found = rows(ad_sandbox, connection, query)
    world = ad_sandbox.world.ads("google", connection.account_id, ad_sandbox.clock())
    assert {(str(row.ad_group_ad.ad.id), str(row.ad_group.id)) for row in found} == {
        (ad.id, ad.parent_id) for ad in world
    }
    assert all(row.ad_group_ad.ad.final_urls for row in found)
    with Sandbox(7, ad_sandbox.clock, limits=Limits(google_page_rows=10)) as paged:
        assert rows(paged, connection_of(paged, "google"), query) == found
    assert len(found) > 20


def test_reports_are_the_worlds(ad_sandbox: Sandbox) -> None:
    connection = connection_of(ad_sandbox, "google")
    query = (
        "SELECT campaign.id, segments.date, metrics.cost_micros, metrics.conversions FROM campaign"
        " WHERE segments.date BETWEEN '2026-11-10' AND '2026-11-16'"
    )
    truth = true_rows(ad_sandbox, connection, "campaign", date(2026, 11, 10), days=7)
    assert {
        (row.segments.date, str(row.campaign.id)): row.metrics.cost_micros
        for row in rows(ad_sandbox, connection, query)
    } == {(str(row.day), row.campaign_id): int(row.spend * 1_000_000) for row in truth}
    query = query.replace("metrics.cost_micros", "segments.conversion_action_name, metrics.all_conversions")
    names = {row.segments.conversion_action_name for row in rows(ad_sandbox, connection, query)}
    assert names == {"Purchase (web)", "Newsletter «lead»"}


def test_errors_are_google_ads_failures(ad_sandbox: Sandbox) -> None:
    connection = connection_of(ad_sandbox, "google")
    refused = search(ad_sandbox, connection, "SELECT campaign.colour FROM campaign").json()
    (detail,) = refused["error"]["details"]
    assert detail.pop("@type").endswith("v26.errors.GoogleAdsFailure")
    assert failure(json.dumps(detail)).errors[0].error_code.query_error.name == "UNRECOGNIZED_FIELD"
    ad_sandbox.tokens.expire("google", connection.account_id)
    expired = search(ad_sandbox, connection, "SELECT campaign.id FROM campaign").json()["error"]["details"][0]
    found = failure(json.dumps({k: v for k, v in expired.items() if k != "@type"}))
    assert found.errors[0].error_code.authentication_error.name == "OAUTH_TOKEN_EXPIRED"


def test_a_field_that_google_does_not_have_would_be_found() -> None:
    with pytest.raises(module("google.protobuf.json_format").ParseError, match="colour"):
        service().SearchGoogleAdsResponse.from_json(
            '{"results": [{"campaign": {"colour": "red"}}]}', ignore_unknown_fields=False
        )

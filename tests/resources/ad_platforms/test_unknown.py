"""What a platform sends that no client knows yet: every new field is counted, and every known one is not."""

import io
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from resources.ad_platforms import DAILY, PLATFORMS, Notes, Record, Stream
from sandbox.world.entities import PLATFORMS as NAMES
from sandbox.world.entities import Platform
from tests.resources.ad_platforms.conftest import RecordingClient

NEW = {"newThing": 1}
GOOGLE_GROUP = {"adGroup": {"id": "3", "name": "G"}, "campaign": {"id": "1"}}
TIKTOK_TIMES = {"create_time": "2026-11-01 10:00:00", "modify_time": "2026-11-02 10:00:00"}
# A page with one row of each entity, with a new field in each object that the client checks, and the notes' prefixes.
PAGES: Mapping[tuple[Platform, Stream], tuple[Any, tuple[str, ...]]] = {
    ("google", Stream.ACCOUNT): (
        {"results": [{"customer": {"id": "1", "currencyCode": "USD", "timeZone": "UTC", **NEW}}]},
        ("customer.",),
    ),
    ("google", Stream.CAMPAIGNS): (
        {"results": [{"campaign": {"id": "1", "name": "C", **NEW}, "campaignBudget": {"id": "2", **NEW}}]},
        ("campaign.", "campaignBudget."),
    ),
    ("google", Stream.AD_GROUPS): (
        {"results": [{**GOOGLE_GROUP, "adGroup": {"id": "3", "name": "G", **NEW}}]},
        ("adGroup.",),
    ),
    ("google", Stream.KEYWORDS): (
        {"results": [{**GOOGLE_GROUP, "adGroupCriterion": {"criterionId": "4", "keyword": {"text": "k"}, **NEW}}]},
        ("adGroupCriterion.",),
    ),
    ("facebook", Stream.ACCOUNT): (
        {"account_id": "1", "currency": "USD", "timezone_name": "UTC", **NEW},
        ("account.",),
    ),
    ("facebook", Stream.CAMPAIGNS): ({"data": [{"id": "1", "name": "C", **NEW}]}, ("campaign.",)),
    ("facebook", Stream.AD_GROUPS): ({"data": [{"id": "3", "campaign_id": "1", "name": "G", **NEW}]}, ("adset.",)),
    ("tiktok", Stream.ACCOUNT): (
        {"data": {"list": [{"advertiser_id": "1", "currency": "USD", "timezone": "UTC", **NEW}]}},
        ("advertiser.",),
    ),
    ("tiktok", Stream.CAMPAIGNS): (
        {"data": {"list": [{"campaign_id": "1", "campaign_name": "C", **TIKTOK_TIMES, **NEW}]}},
        ("campaign.",),
    ),
    ("tiktok", Stream.AD_GROUPS): (
        {"data": {"list": [{"adgroup_id": "3", "campaign_id": "1", "adgroup_name": "G", **TIKTOK_TIMES, **NEW}]}},
        ("adgroup.",),
    ),
    ("microsoft", Stream.CAMPAIGNS): ({"Campaigns": [{"Id": 1, "Name": "C", **NEW}]}, ("Campaign.",)),
    ("microsoft", Stream.AD_GROUPS): ({"AdGroups": [{"Id": 3, "Name": "G", **NEW}]}, ("AdGroup.",)),
    ("microsoft", Stream.KEYWORDS): ({"Keywords": [{"Id": 4, "Text": "k", **NEW}]}, ("Keyword.",)),
}
# Microsoft lists accounts with all their fields, of which we use seven. So a new field there is not counted.
ENTITIES = {
    (name, stream)
    for name, platform in PLATFORMS.items()
    for stream in set(platform.streams) - DAILY
    if (name, stream) != ("microsoft", Stream.ACCOUNT)
}


def read(name: str, stream: Stream, page: Any, notes: Notes) -> list[Record]:
    context = {"account_id": "1", "campaign_id": "1", "ad_group_id": "3", "currency": "USD"}
    return list(PLATFORMS[name].read(stream, io.BytesIO(json.dumps(page).encode()), context, notes))


def test_every_entity_of_every_platform_has_a_page_here() -> None:
    assert set(PAGES) == ENTITIES


@pytest.mark.parametrize(("name", "stream"), PAGES)
def test_a_new_field_is_counted_and_kept(name: Platform, stream: Stream) -> None:
    page, prefixes = PAGES[name, stream]
    notes = Notes()
    for _ in range(2):
        (record,) = read(name, stream, page, notes)
    assert notes == {f"field {prefix}newThing": 2 for prefix in prefixes}
    assert '"newThing":1' in record.raw  # type: ignore[union-attr]


@pytest.mark.parametrize("name", NAMES)
def test_what_a_platform_sends_today_is_known(client_of: Callable[..., RecordingClient], name: Platform) -> None:
    client = client_of(name)
    for stream in sorted(set(PLATFORMS[name].streams) - DAILY):
        assert client.records(stream)
    assert not client.notes


def test_a_long_name_is_cut() -> None:
    notes = Notes()
    read("facebook", Stream.CAMPAIGNS, {"data": [{"id": "1", "name": "C", "x" * 100: 1}]}, notes)
    assert notes == {f"field campaign.{'x' * 64}": 1}


def test_an_unknown_time_zone_of_microsoft_is_counted_and_read_as_utc() -> None:
    row = {"Id": 1, "CurrencyCode": "USD", "TimeZone": "Atlantis" + "x" * 100}
    notes = Notes()
    (account,) = read("microsoft", Stream.ACCOUNT, {"Accounts": [row, {**row, "TimeZone": "Tehran", "Id": 2}]}, notes)
    assert notes == {f"time zone Atlantis{'x' * 56}": 1}
    assert (account.time_zone, account.native_time_zone) == ("UTC", row["TimeZone"])  # type: ignore[union-attr]


def test_a_budget_mode_of_tiktok_that_is_unknown_is_no_budget() -> None:
    row = {"campaign_id": "1", "campaign_name": "C", "budget": 5, "budget_mode": "BUDGET_MODE_NEW"}
    (campaign,) = read("tiktok", Stream.CAMPAIGNS, {"data": {"list": [row]}}, Notes())
    assert (campaign.budget, campaign.budget_type) == (None, None)  # type: ignore[union-attr]

"""What a platform sends that no client knows yet: every new field is counted, and every known one is not."""

import io
import json
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import pytest

from resources.ad_platforms import DAILY, PLATFORMS, AccountDays, Fact, MalformedPageError, Notes, Record, Stream
from sandbox.microsoft.files import packed
from sandbox.world.entities import PLATFORMS as NAMES
from sandbox.world.entities import Platform
from tests.resources.ad_platforms.conftest import RecordingClient

NEW = {"newThing": 1}
WEEK = AccountDays(date(2026, 11, 9), date(2026, 11, 15))
GOOGLE_GROUP = {"adGroup": {"id": "3", "name": "G"}, "campaign": {"id": "1"}}
TIKTOK_TIMES = {"create_time": "2026-11-01 10:00:00", "modify_time": "2026-11-02 10:00:00"}


def bulk(*rows: dict[str, str]) -> bytes:
    """A file of Microsoft's entities."""
    header = ["Type", *dict.fromkeys(name for row in rows for name in row if name != "Type")]
    return packed("entities", [header, *([row.get(name, "") for name in header] for row in rows)])


BULK_GROUP = {"Type": "Ad Group", "Id": "3", "Parent Id": "1", "Ad Group": "G"}
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
    ("google", Stream.ADS): (
        {"results": [{**GOOGLE_GROUP, "adGroupAd": {"ad": {"id": "4", **NEW}, **NEW}}]},
        ("adGroupAd.", "ad."),
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
    ("facebook", Stream.ADS): (
        {
            "data": [
                {"id": "4", "adset_id": "3", "campaign_id": "1", "name": "A", "creative": {"id": "5", **NEW}, **NEW}
            ]
        },
        ("ad.", "creative."),
    ),
    ("tiktok", Stream.ACCOUNT): (
        {"data": {"list": [{"advertiser_id": "1", "currency": "USD", "display_timezone": "UTC", **NEW}]}},
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
    ("tiktok", Stream.ADS): (
        {"data": {"list": [{"ad_id": "4", "adgroup_id": "3", "campaign_id": "1", "ad_name": "A", **NEW}]}},
        ("ad.",),
    ),
    ("microsoft", Stream.CAMPAIGNS): (
        bulk({"Type": "Campaign", "Id": "1", "Campaign": "C", "newThing": "1"}),
        ("Campaign.",),
    ),
    ("microsoft", Stream.AD_GROUPS): (bulk({**BULK_GROUP, "newThing": "1"}), ("Ad Group.",)),
    ("microsoft", Stream.ADS): (
        bulk(BULK_GROUP, {"Type": "Text Ad", "Id": "4", "Parent Id": "3", "Title": "A", "newThing": "1"}),
        ("Text Ad.",),
    ),
    ("microsoft", Stream.KEYWORDS): (
        bulk(BULK_GROUP, {"Type": "Keyword", "Id": "4", "Parent Id": "3", "Keyword": "k", "newThing": "1"}),
        ("Keyword.",),
    ),
}
# Microsoft lists accounts with all their fields, of which we use seven. So a new field there is not counted.
ENTITIES = {
    (name, stream)
    for name, platform in PLATFORMS.items()
    for stream in set(platform.streams) - DAILY - {Stream.CLICKS}
    if (name, stream) != ("microsoft", Stream.ACCOUNT)
}


def read(name: str, stream: Stream, page: Any, notes: Notes, **context: str) -> list[Record]:
    body = page if isinstance(page, bytes) else json.dumps(page).encode()
    return list(PLATFORMS[name].read(stream, io.BytesIO(body), {"currency": "USD", **context}, notes))


def test_every_entity_of_every_platform_has_a_page_here() -> None:
    assert set(PAGES) == ENTITIES


@pytest.mark.parametrize(("name", "stream"), PAGES)
def test_a_new_field_is_counted_and_kept(name: Platform, stream: Stream) -> None:
    page, prefixes = PAGES[name, stream]
    notes = Notes()
    for _ in range(2):
        (record,) = read(name, stream, page, notes)
    assert notes == {f"field {prefix}newThing": 2 for prefix in prefixes}
    assert '"newThing":' in record.raw  # type: ignore[union-attr]


@pytest.mark.parametrize("name", NAMES)
def test_what_a_platform_sends_today_is_known(client_of: Callable[..., RecordingClient], name: Platform) -> None:
    client = client_of(name)
    for stream in sorted(set(PLATFORMS[name].streams) - {Stream.CLICKS}):
        assert client.records(stream, WEEK if stream.is_daily else None)
    assert not client.notes


def test_a_long_name_is_cut() -> None:
    notes = Notes()
    read("facebook", Stream.CAMPAIGNS, {"data": [{"id": "1", "name": "C", "x" * 100: 1}]}, notes)
    assert notes == {f"field campaign.{'x' * 64}": 1}


DAYS: Mapping[Platform, tuple[Any, str]] = {
    "google": (
        {"results": [{"campaign": {"id": "1"}, "segments": {"date": "2026-11-01"}, "metrics": {"newThing": 1}}]},
        "field metrics.newThing",
    ),
    "facebook": (
        {"data": [{"campaign_id": "1", "date_start": "2026-11-01", **NEW}]},
        "field insights.newThing",
    ),
    "tiktok": (
        {
            "data": {
                "list": [
                    {"dimensions": {"campaign_id": "1", "stat_time_day": "2026-11-01"}, "metrics": {"newThing": "1"}}
                ]
            }
        },
        "field report.newThing",
    ),
    "microsoft": (
        packed("report", [["TimePeriod", "CampaignId", "newThing"], ["2026-11-01", "1", "1"]]),
        "field report.newThing",
    ),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_new_field_of_a_report_is_counted(name: Platform) -> None:
    page, note = DAYS[name]
    notes = Notes()
    (fact,) = read(name, Stream.CAMPAIGN_DAYS, page, notes)
    assert isinstance(fact, Fact)
    assert notes == {note: 1}


WORDS: list[tuple[Platform, Stream, Any, str]] = [
    (
        "google",
        Stream.CAMPAIGNS,
        {"results": [{"campaign": {"id": "1", "name": "C", "advertisingChannelType": "HOLOGRAM"}}]},
        "enum advertisingChannelType HOLOGRAM",
    ),
    (
        "google",
        Stream.ADS,
        {"results": [{**GOOGLE_GROUP, "adGroupAd": {"ad": {"id": "4", "type": "HOLOGRAM_AD"}}}]},
        "enum type HOLOGRAM_AD",
    ),
    (
        "facebook",
        Stream.CAMPAIGNS,
        {"data": [{"id": "1", "name": "C", "objective": "OUTCOME_FAME"}]},
        "enum objective OUTCOME_FAME",
    ),
    (
        "facebook",
        Stream.CAMPAIGN_DAYS,
        {
            "data": [
                {"campaign_id": "1", "date_start": "2026-11-01", "actions": [{"action_type": "wink", "value": "2"}]}
            ]
        },
        "action wink",
    ),
    (
        "tiktok",
        Stream.CAMPAIGNS,
        {"data": {"list": [{"campaign_id": "1", "campaign_name": "C", "objective_type": "FAME"}]}},
        "enum objective_type FAME",
    ),
    (
        "tiktok",
        Stream.ADS,
        {"data": {"list": [{"ad_id": "4", "adgroup_id": "3", "campaign_id": "1", "ad_name": "A", "ad_format": "3D"}]}},
        "enum ad_format 3D",
    ),
    (
        "microsoft",
        Stream.CAMPAIGNS,
        bulk({"Type": "Campaign", "Id": "1", "Campaign": "C", "Campaign Type": "Hologram"}),
        "enum Campaign Type Hologram",
    ),
    (
        "microsoft",
        Stream.ADS,
        bulk(BULK_GROUP, {"Type": "Hologram Ad", "Id": "4", "Parent Id": "3", "Title": "A"}),
        "enum Type Hologram Ad",
    ),
]


@pytest.mark.parametrize(("name", "stream", "page", "note"), WORDS)
def test_a_new_word_is_counted_and_the_record_is_there(name: str, stream: Stream, page: Any, note: str) -> None:
    notes = Notes()
    assert read(name, stream, page, notes)
    assert notes == {note: 1}


def test_a_campaign_of_type_128_is_known() -> None:
    notes = Notes()
    row = {"Type": "Campaign", "Id": "1", "Campaign": "C", "Campaign Type": "ObjectiveBased"}
    assert read("microsoft", Stream.CAMPAIGNS, bulk(row), notes)
    assert not notes


def test_an_unknown_time_zone_of_microsoft_is_an_error_and_not_utc() -> None:
    row = {"Id": 1, "CurrencyCode": "USD", "TimeZone": "Atlantis"}
    with pytest.raises(MalformedPageError, match="TimeZone: 'Atlantis' is not known"):
        read("microsoft", Stream.ACCOUNT, {"Account": row}, Notes())
    (account,) = read("microsoft", Stream.ACCOUNT, {"Account": {**row, "TimeZone": "Tehran"}}, Notes())
    assert account.time_zone == "Asia/Tehran"  # type: ignore[union-attr]


def test_tiktoks_zone_is_the_one_with_daylight_saving() -> None:
    row = {
        "advertiser_id": "1",
        "currency": "USD",
        "timezone": "Etc/GMT+5",
        "display_timezone": "America/New_York",
    }
    (account,) = read("tiktok", Stream.ACCOUNT, {"data": {"list": [row]}}, Notes())
    assert (account.time_zone, account.native_time_zone) == ("America/New_York", "Etc/GMT+5")  # type: ignore[union-attr]


def test_a_budget_mode_of_tiktok_that_is_unknown_is_no_budget() -> None:
    row = {"campaign_id": "1", "campaign_name": "C", "budget": 5, "budget_mode": "BUDGET_MODE_NEW"}
    (campaign,) = read("tiktok", Stream.CAMPAIGNS, {"data": {"list": [row]}}, Notes())
    assert (campaign.budget, campaign.budget_type) == (None, None)  # type: ignore[union-attr]

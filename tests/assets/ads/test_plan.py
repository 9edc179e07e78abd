"""Which streams, days and slices a connection gets."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.ads import plan
from assets.ads.config import SyncConfig
from assets.ads.plan import DayRange, SyncMode, SyncRequest
from resources.ad_platforms import PLATFORMS, Stream

TODAY = date(2026, 11, 20)
CONFIG = SyncConfig(lookback_days=30)


def wanted(mode: SyncMode, since: date = TODAY - timedelta(days=1), until: date = TODAY) -> SyncRequest:
    return SyncRequest(mode, since, until, TODAY)


def test_streams_come_parents_first_and_as_configured() -> None:
    everything = frozenset(Stream)
    assert plan.streams(SyncConfig(), everything) == [
        Stream.CAMPAIGNS, Stream.AD_GROUPS, Stream.ADS, Stream.KEYWORDS,
        Stream.CAMPAIGN_DAYS, Stream.AD_GROUP_DAYS, Stream.AD_DAYS, Stream.KEYWORD_DAYS,
    ]  # fmt: skip
    without_keywords = plan.streams(SyncConfig(include_keywords=False), everything)
    assert without_keywords == [
        Stream.CAMPAIGNS, Stream.AD_GROUPS, Stream.ADS, Stream.CAMPAIGN_DAYS, Stream.AD_GROUP_DAYS, Stream.AD_DAYS,
    ]  # fmt: skip
    without_ads = plan.streams(SyncConfig(include_ads=False), everything)
    assert not {Stream.ADS, Stream.AD_DAYS} & set(without_ads)
    assert {Stream.KEYWORDS, Stream.KEYWORD_DAYS} <= set(without_ads)
    assert plan.streams(SyncConfig(), PLATFORMS["facebook"].streams) == without_keywords
    campaigns_alone = plan.streams(SyncConfig(include_ad_groups=False), everything)
    assert campaigns_alone == [Stream.CAMPAIGNS, Stream.CAMPAIGN_DAYS]


def test_the_first_sync_takes_the_look_back_and_a_later_one_what_is_missing() -> None:
    assert plan.window(wanted(SyncMode.RECENT), TODAY, CONFIG, None) == DayRange(TODAY - timedelta(days=30), TODAY)
    assert plan.window(wanted(SyncMode.RECENT), TODAY, CONFIG, TODAY) == DayRange(TODAY - timedelta(days=1), TODAY)
    behind = TODAY - timedelta(days=9)
    assert plan.window(wanted(SyncMode.RECENT), TODAY, CONFIG, behind) == DayRange(behind, TODAY)
    assert plan.window(wanted(SyncMode.LOOKBACK), TODAY, CONFIG, TODAY) == DayRange(TODAY - timedelta(days=30), TODAY)


def test_a_window_is_what_was_asked_for() -> None:
    first, last = date(2026, 1, 5), date(2026, 2, 6)
    assert plan.window(wanted(SyncMode.WINDOW, first, last), TODAY, CONFIG, None) == DayRange(first, last)
    assert plan.window(wanted(SyncMode.WINDOW, first, last), TODAY, CONFIG, TODAY) == DayRange(first, last)
    old = date(2020, 1, 1)
    assert plan.window(wanted(SyncMode.WINDOW, old, old), TODAY, CONFIG, None) is None


@pytest.mark.parametrize("ahead", [-1, 0, 1])
def test_todays_partition_is_each_accounts_own_day_in_progress(ahead: int) -> None:
    local = TODAY + timedelta(days=ahead)
    found = plan.window(wanted(SyncMode.WINDOW, TODAY, TODAY), local, CONFIG, TODAY)
    assert found is not None
    assert found.until == local
    assert found.since == min(TODAY, local)


@pytest.mark.parametrize("ahead", [-1, 0, 1])
@pytest.mark.parametrize("behind", [0, 1])
def test_a_recent_pull_takes_the_accounts_own_yesterday_and_today(ahead: int, behind: int) -> None:
    local = TODAY + timedelta(days=ahead)
    found = plan.window(wanted(SyncMode.RECENT), local, CONFIG, local - timedelta(days=behind))
    assert found is not None
    assert found.until == local
    assert found.since == min(local, TODAY) - timedelta(days=1)


def test_an_accounts_day_is_its_own_zones() -> None:
    at = datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert plan.local_day(at, "Pacific/Tongatapu") == date(2026, 11, 21)
    assert plan.local_day(datetime(2026, 11, 20, 4, tzinfo=UTC), "America/Los_Angeles") == date(2026, 11, 19)


def test_entities_are_listed_in_each_look_back_and_else_once_a_day() -> None:
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    for mode in (SyncMode.RECENT, SyncMode.WINDOW):
        assert plan.is_listed_anew(mode, None, now)
        assert plan.is_listed_anew(mode, now - timedelta(days=1), now)
        assert not plan.is_listed_anew(mode, now - timedelta(hours=23), now)
    assert plan.is_listed_anew(SyncMode.LOOKBACK, now, now)


@given(
    mode=st.sampled_from(SyncMode),
    first=st.integers(-400, 0),
    length=st.integers(0, 200),
    ahead=st.integers(-1, 1),
    cursor=st.none() | st.integers(-400, 1),
    longest=st.sampled_from([1, 7, 30, 92]),
)
def test_slices_cover_the_window_once_in_order_and_end_no_later_than_today(
    mode: SyncMode, first: int, length: int, ahead: int, cursor: int | None, longest: int
) -> None:
    local = TODAY + timedelta(days=ahead)
    since = TODAY + timedelta(days=first)
    until = min(since + timedelta(days=length), TODAY)
    synced = None if cursor is None else local + timedelta(days=min(cursor, 0))
    days = plan.window(wanted(mode, since, until), local, CONFIG, synced)
    if days is None:
        return
    assert days.until <= local
    if mode is SyncMode.RECENT:
        assert days.since <= local - timedelta(days=1), "yesterday is not final before all of it has been seen"
    if mode is not SyncMode.WINDOW and synced is not None:
        assert days.since <= synced, "a day between the cursor and the window would never be loaded"
    covered = [
        part.since + timedelta(days=n)
        for part in plan.slices(days, longest)
        for n in range((part.until - part.since).days + 1)
    ]
    assert covered == [days.since + timedelta(days=n) for n in range((days.until - days.since).days + 1)]
    assert all((part.until - part.since).days < longest for part in plan.slices(days, longest))

"""What a connection's `sync_config` asks for is what is synced of it."""

import json
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from assets.ads.audit import audit
from assets.ads.connections import COLUMN
from assets.ads.plan import DAILY, LISTS, SyncMode
from resources.ad_platforms import PLATFORMS as ALL
from sandbox.world.actions import actions
from sandbox.world.entities import PLATFORMS, Platform
from tests.assets.ads.ad_stores import LEVELS, TABLE, AdStores

TODAY = date(2026, 11, 20)


def count(ad_stores: AdStores, table: str) -> int:
    return int(ad_stores.postgres.fetch(f"select count(*) as n from {table}")[0]["n"])


def asked_days(ad_stores: AdStores) -> tuple[date, date]:
    """The days of campaigns that the sync of this moment asked for."""
    (row,) = ad_stores.postgres.fetch(
        "select min(since) as first, max(until) as last from ads.sync_slices"
        " where stream = 'campaign_days' and observed_at = %s",
        (ad_stores.sandbox.clock(),),
    )
    return row["first"], row["last"]


def streams(ad_stores: AdStores) -> set[str]:
    return {row["stream"] for row in ad_stores.postgres.fetch("select stream from ads.sync_slices")}


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("days", [1, 9])
def test_the_first_sync_reaches_as_far_back_as_lookback_days(tiny: AdStores, platform: Platform, days: int) -> None:
    tiny.connect(only=[platform], lookback_days=days)
    tiny.sync(platform)
    assert asked_days(tiny) == (TODAY - timedelta(days=days), TODAY)
    assert tiny.differences(platform, since=TODAY - timedelta(days=days), until=TODAY) == []


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_daily_look_back_is_the_connections_own(tiny: AdStores, platform: Platform) -> None:
    tiny.connect(only=[platform], lookback_days=12)
    tiny.sync(platform, mode=SyncMode.WINDOW, since=TODAY, until=TODAY)
    tiny.sandbox.clock.advance(timedelta(minutes=1))
    tiny.sync(platform, mode=SyncMode.LOOKBACK)
    assert asked_days(tiny) == (TODAY - timedelta(days=12), TODAY)


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("left_out", ["include_keywords", "include_ads", "include_ad_groups"])
def test_levels_that_are_left_out_are_neither_asked_for_nor_stored(
    tiny: AdStores, platform: Platform, left_out: str
) -> None:
    config: dict[str, Any] = {"lookback_days": 3, left_out: False}
    tiny.connect(only=[platform], **config)
    assert [o.error for o in tiny.sync(platform)] == [None]
    levels = {"campaigns", "campaign_days"}
    if left_out != "include_ad_groups":
        levels |= {"ad_groups", "ad_group_days"}
    if left_out == "include_keywords":
        levels |= {"ads", "ad_days"}
    if left_out == "include_ads" and platform in ("google", "microsoft"):
        levels |= {"keywords", "keyword_days"}
    assert streams(tiny) & {*LISTS, *DAILY} == levels
    assert count(tiny, LEVELS["campaign"][0]) > 0
    assert (count(tiny, "ads.ad_groups") > 0) == (count(tiny, LEVELS["ad_group"][0]) > 0) == ("ad_groups" in levels)
    assert (count(tiny, "ads.keywords") > 0) == (count(tiny, LEVELS["keyword"][0]) > 0) == ("keywords" in levels)
    assert (count(tiny, "ads.ads") > 0) == (count(tiny, LEVELS["ad"][0]) > 0) == ("ads" in levels)
    asked = " ".join(entry.path for entry in tiny.sandbox.log)
    if left_out == "include_ad_groups":
        assert not any(word in asked for word in ("adsets", "adgroup/get", "AdGroups/"))


def configure(ad_stores: AdStores, **config: Any) -> None:
    """Change the first Meta connection's `sync_config`, as its organisation would."""
    row = ad_stores.connection("facebook")
    text = ad_stores.keyring.open_text(row[COLUMN], table=TABLE, column=COLUMN, row=row["id"])
    document = json.loads(text)
    document["sync_config"] |= config
    sealed = ad_stores.keyring.seal_text(json.dumps(document), table=TABLE, column=COLUMN, row=row["id"])
    ad_stores.d1.execute(f"update {TABLE} set {COLUMN} = ? where id = ?", [sealed, row["id"]])


def test_attribution_windows_stand_beside_the_numbers_and_changing_them_is_no_restatement(
    tiny: AdStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny.connect(only=["facebook"], lookback_days=9, click_window=1, view_window=0)
    windows = "select distinct attribution_window as w from ads.{}_metrics_daily"
    tiny.sync("facebook")
    for level in ("campaign", "ad_group", "ad"):
        assert tiny.postgres.fetch(windows.format(level)) == [{"w": "1d_click"}]
    # Within 28 days after a click there are more of them.
    monkeypatch.setattr(
        "sandbox.meta.insights.actions",
        lambda platform, fact: [action._replace(count=Decimal(77)) for action in actions(platform, fact)],
    )
    configure(tiny, click_window=28, view_window=1)
    tiny.sandbox.clock.advance(timedelta(minutes=1))
    assert [o.error for o in tiny.sync("facebook", mode=SyncMode.LOOKBACK)] == [None]
    assert tiny.postgres.fetch(windows.format("campaign")) == [{"w": "28d_click+1d_view"}]
    changed = "select count(*) as n from ads.campaign_metrics_daily where conversions = 77"
    assert tiny.postgres.fetch(changed)[0]["n"] > 0
    assert tiny.postgres.fetch("select count(*) as n from ads.restatements") == [{"n": 0}]


@pytest.mark.parametrize("platform", sorted(set(PLATFORMS) - {"facebook"}))
def test_platforms_that_offer_no_choice_of_windows_refuse_one(tiny: AdStores, platform: Platform) -> None:
    tiny.connect(only=[platform], lookback_days=1)
    tiny.sync(platform)
    found = tiny.postgres.fetch("select distinct attribution_window as w from ads.campaign_metrics_daily")
    assert found == [{"w": "platform_default"}]
    tiny.empty()
    tiny.connect(only=[platform], lookback_days=1, click_window=28)
    (outcome,) = tiny.sync(platform)
    assert (outcome.code, outcome.requests) == ("no_window", 0)
    assert f"{ALL[platform].title} has no click_window" in str(outcome.error)
    assert tiny.connection(platform)["sync_error"] == outcome.error


@pytest.mark.parametrize("days", [7, 28])
def test_a_window_that_is_gone_is_refused_by_name(tiny: AdStores, days: int) -> None:
    tiny.connect(only=["facebook"], lookback_days=1, view_window=days)
    (outcome,) = tiny.sync("facebook")
    assert (outcome.code, outcome.requests) == ("no_window", 0)
    assert f"view_window of {days} days" in str(outcome.error)
    assert "engaged_view_window" in str(outcome.error)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_an_hourly_pull_takes_yesterday_and_today_of_the_accounts_own_zone(tiny: AdStores, platform: Platform) -> None:
    """At 02:00 UTC it is still the day before in New York, whose own yesterday is two days before the UTC day."""
    tiny.connect(only=[platform], lookback_days=5)
    tiny.sandbox.clock.advance(timedelta(hours=11))
    tiny.sync(platform)
    for _ in range(2):
        tiny.sandbox.clock.advance(timedelta(hours=1))
        tiny.sync(platform)
        assert asked_days(tiny) == (TODAY - timedelta(days=1), TODAY)
    assert tiny.differences(platform, since=TODAY - timedelta(days=1), until=TODAY) == []


ACTIONS = {
    "google": ("Newsletter «lead»", "70010002"),
    "facebook": ("lead", "lead"),
    "tiktok": ("form", "form"),
    "microsoft": ("Newsletter", "Newsletter"),
}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_connection_names_its_conversions(tiny: AdStores, platform: Platform) -> None:
    """By the action's name for people too; all actions are stored in any case."""
    named, action = ACTIONS[platform]
    since = TODAY - timedelta(days=9)
    tiny.connect(only=[platform], lookback_days=9, conversion_actions=[named, "nobody's"])
    (outcome,) = tiny.sync(platform)
    assert outcome.error is None
    assert outcome.notes["conversion action nobody's: none has come"] == 1
    account = tiny.connection(platform)["account_id"]
    for level in ("campaign", "ad_group", "ad"):
        truth = tiny.true_actions(platform, account, level, since, TODAY)
        assert tiny.stored_actions(account, level) == truth
        leads: dict[tuple[str, date], Decimal] = {}
        for (entity, day, name, _), (_, number, _) in truth.items():
            if name == action:
                leads[entity, day] = leads.get((entity, day), Decimal(0)) + number
        stored = {key: values[3] for key, values in tiny.stored(platform, account, level).items() if values[3]}
        assert stored == leads
        assert leads
    assert audit(tiny.engine(platform)).passed


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_changed_setting_counts_the_stored_days_again_and_is_no_restatement(
    tiny: AdStores, platform: Platform
) -> None:
    tiny.connect(only=[platform], lookback_days=9)
    tiny.sync(platform)
    account = tiny.connection(platform)["account_id"]
    by_default = tiny.stored(platform, account, "campaign")
    for settings in (ACTIONS[platform][:1], ()):
        tiny.connect(only=[platform], lookback_days=9, conversion_actions=list(settings))
        tiny.sandbox.clock.advance(timedelta(minutes=1))
        # One day is asked for: the others are counted by what is stored.
        (outcome,) = tiny.sync(platform, mode=SyncMode.WINDOW, since=TODAY, until=TODAY)
        assert outcome.error is None
        assert (tiny.stored(platform, account, "campaign") == by_default) is (settings == ())
    assert tiny.postgres.fetch("select count(*) as n from ads.restatements") == [{"n": 0}]

"""What a sync asks of a platform, and how often: refused reports, lists once a day, ranges that are small enough."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from threading import Barrier, Lock

import pytest

from assets.ads.history import RecordedJob
from assets.ads.merge import Merge
from assets.ads.plan import SyncMode
from assets.ads.slices import MergeResult
from assets.ads.staging import SliceManifest
from assets.ads.sync import MERGES, PARALLEL, AdSync
from resources.ad_platforms import Client, Level, Stream
from resources.ad_platforms.google import queries
from resources.ad_platforms.meta import rows as meta_rows
from resources.ad_platforms.microsoft import words as microsoft_words
from resources.ad_platforms.tiktok import client as tiktok_client
from resources.postgres import Postgres
from sandbox.limits import Limits
from sandbox.world.entities import PLATFORMS, Platform
from tests.assets.ads.ad_stores import TINY, AdStores, close, make

TODAY = date(2026, 11, 20)
EVERY_PLATFORM = pytest.mark.parametrize("platform", PLATFORMS)
LISTS = ("campaigns", "ad_groups", "ads", "keywords")


def with_an_unknown_column(platform: Platform, patch: pytest.MonkeyPatch) -> None:
    """Let the client ask for a column of ad groups that the platform does not have."""
    if platform == "google":
        resource, ids, names = queries._DAYS[Level.AD_GROUP]
        patch.setitem(queries._DAYS, Level.AD_GROUP, (resource, ids, f"{names}ad_group.no_such_field, "))
    elif platform == "facebook":
        patch.setitem(meta_rows.INSIGHTS, Level.AD_GROUP, (*meta_rows.INSIGHTS[Level.AD_GROUP], "no_such_field"))
    elif platform == "tiktok":
        data_level, own, named = tiktok_client.LEVELS[Level.AD_GROUP]
        patch.setitem(tiktok_client.LEVELS, Level.AD_GROUP, (data_level, own, (*named, "no_such_field")))
    else:
        report = microsoft_words.REPORTS[Level.AD_GROUP]
        changed = report._replace(attributes=(*report.attributes, "AdGroupStatus"))
        patch.setitem(microsoft_words.REPORTS, Level.AD_GROUP, changed)


@EVERY_PLATFORM
def test_a_refused_report_ends_its_own_stream_and_its_reason_is_told(
    tiny: AdStores, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny.connect(only=[platform], lookback_days=4)
    with monkeypatch.context() as patch:
        with_an_unknown_column(platform, patch)
        (outcome,) = tiny.sync(platform)
    assert outcome.failed == ["ad_group_days"]
    assert outcome.error is not None
    assert outcome.error.startswith("ad_group_days: ")
    assert "no_such_field" in outcome.error or "AdGroupStatus" in outcome.error
    assert tiny.connection(platform)["sync_error"] == outcome.error
    levels = {line.split()[1] for line in tiny.differences(platform, since=TODAY - timedelta(days=4), until=TODAY)}
    assert levels == {"ad_group"}
    states = {row["stream"] for row in tiny.postgres.fetch("select stream from ads.sync_state")}
    assert "ad_group_days" not in states
    assert {"campaign_days", "ad_days"} <= states
    (outcome,) = tiny.sync(platform)
    assert outcome.error is None
    assert tiny.differences(platform, since=TODAY - timedelta(days=4), until=TODAY) == []


def test_accounts_are_asked_side_by_side_and_merged_a_few_at_a_time(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer takes a third of a second, so that waiting for one after another would be the bound."""
    ad_stores = make(postgres, tmp_path, size=replace(TINY, accounts={**TINY.accounts, "google": PARALLEL}))
    together, counting, merging = Barrier(PARALLEL), Lock(), [0]
    stage, merge = AdSync._stage, Merge.run

    def staged(engine: AdSync, client: Client, manifest: SliceManifest, job: RecordedJob) -> None:
        if manifest.stream is Stream.ACCOUNT:
            together.wait(60)
        stage(engine, client, manifest, job)

    def merged(engine: Merge, manifest: SliceManifest) -> MergeResult:
        with counting:
            merging.append(merging[-1] + 1)
        try:
            return merge(engine, manifest)
        finally:
            with counting:
                merging.append(merging[-1] - 1)

    monkeypatch.setattr(AdSync, "_stage", staged)
    monkeypatch.setattr(Merge, "run", merged)
    ad_stores.connect(only=["google"], lookback_days=2)
    assert [outcome.error for outcome in ad_stores.sync("google")] == [None] * PARALLEL
    assert 1 < max(merging) <= MERGES
    close(ad_stores)


def slices(ad_stores: AdStores, run_id: str) -> list[str]:
    """The streams of a run's slices, in the order in which they were requested."""
    statement = "select stream from ads.sync_slices where run_id = %s order by finished_at, stream"
    return [row["stream"] for row in ad_stores.postgres.fetch(statement, (run_id,))]


@EVERY_PLATFORM
def test_lists_are_requested_once_a_day_and_requests_are_counted(tiny: AdStores, platform: Platform) -> None:
    tiny.connect(only=[platform], lookback_days=4)
    (first,) = tiny.sync(platform)
    assert first.requests == len(tiny.sandbox.log)
    (row,) = tiny.postgres.fetch("select requests from ads.sync_runs")
    assert row["requests"] == first.requests
    listed = {"campaigns", "ad_groups", "ads"} | ({"keywords"} if platform in ("google", "microsoft") else set())
    assert set(slices(tiny, first.run_id)) & set(LISTS) == listed

    tiny.sandbox.clock.advance(timedelta(hours=1))
    (hourly,) = tiny.sync(platform)
    assert not set(slices(tiny, hourly.run_id)) & set(LISTS)
    assert hourly.requests == len(tiny.sandbox.log) - first.requests < first.requests
    (look_back,) = tiny.sync(platform, mode=SyncMode.LOOKBACK)
    assert set(slices(tiny, look_back.run_id)) & set(LISTS) == listed

    tiny.sandbox.clock.advance(timedelta(days=1))
    (daily,) = tiny.sync(platform)
    assert set(slices(tiny, daily.run_id)) & set(LISTS) == listed


@EVERY_PLATFORM
def test_requests_grow_with_pages_and_not_with_entities(
    tiny: AdStores, ads_bench: AdStores, platform: Platform
) -> None:
    """Two accounts of more campaigns each cost about as much an account as one of few, as each list is a page."""
    sent: list[float] = []
    for ad_stores in (tiny, ads_bench):
        ad_stores.connect(only=[platform], lookback_days=4)
        outcomes = ad_stores.sync(platform)
        sent.append(sum(outcome.requests for outcome in outcomes) / len(outcomes))
    assert sent[1] <= 2 * sent[0] + 2


@EVERY_PLATFORM
def test_in_doubt_about_a_day_that_is_named_no_more_the_lists_are_asked_and_the_report_again(
    tiny: AdStores, platform: Platform
) -> None:
    """Within the day of the last lists, the only day that is asked for names an ad no more."""
    tiny.connect(only=[platform], lookback_days=6)
    tiny.sync(platform)
    (wrong,) = tiny.postgres.fetch(
        """insert into ads.ad_metrics_daily
        select f.app, f.org_id, f.ad_id, day.date, f.platform, f.account_id, 1, 1, 1, 0, 0, f.currency, f.time_zone,
            f.attribution_window, true, f.sync_run_id
        from ads.ad_metrics_daily f
        join ads.listed_entities e on e.level = 'ad' and e.id = f.ad_id
        cross join (select distinct date from ads.ad_metrics_daily) as day
        where not exists (select from ads.ad_metrics_daily o where o.ad_id = f.ad_id and o.date = day.date)
        order by day.date, f.ad_id, f.date
        limit 1
        returning date"""
    )
    tiny.sandbox.clock.advance(timedelta(minutes=1))
    (outcome,) = tiny.sync(platform, mode=SyncMode.WINDOW, since=wrong["date"], until=wrong["date"])
    assert outcome.error is None
    asked = slices(tiny, outcome.run_id)
    assert {stream: asked.count(stream) for stream in (*LISTS, "ad_days")} == {
        "campaigns": 1, "ad_groups": 1, "ads": 1, "keywords": 0, "ad_days": 2,
    }  # fmt: skip
    assert (outcome.rows["doubtful"], outcome.rows["deleted"]) == (1, 1)
    assert tiny.differences(platform, since=wrong["date"], until=wrong["date"]) == []


@pytest.fixture
def narrow(postgres: Postgres, tmp_path: Path) -> Iterator[AdStores]:
    """Platforms that make no report of more than a few rows."""
    limits = Limits(meta_rows=40, meta_job_rows=40, microsoft_rows=40)
    ad_stores = make(postgres, tmp_path, size=TINY, limits=limits)
    yield ad_stores
    close(ad_stores)


@pytest.mark.parametrize("platform", ["facebook", "microsoft"])
def test_a_range_that_is_too_large_is_halved_and_what_worked_is_where_the_next_sync_begins(
    narrow: AdStores, platform: Platform
) -> None:
    narrow.connect(only=[platform], lookback_days=11)
    (first,) = narrow.sync(platform)
    assert first.error is None
    since = TODAY - timedelta(days=11)
    assert narrow.differences(platform, since=since, until=TODAY) == []
    ranges = narrow.postgres.fetch("select stream, longest_days from ads.sync_ranges")
    found = {row["stream"]: row["longest_days"] for row in ranges}
    assert found
    assert all(1 <= days < 12 for days in found.values())
    narrow.sandbox.clock.advance(timedelta(minutes=1))
    (second,) = narrow.sync(platform, mode=SyncMode.LOOKBACK)
    assert second.error is None
    assert second.requests < first.requests, "nothing was refused again"
    assert narrow.differences(platform, since=since, until=TODAY) == []

    # After a month a longer range is tried again.
    narrow.postgres.execute("update ads.sync_ranges set found_at = found_at - interval '31 days'")
    narrow.sandbox.clock.advance(timedelta(minutes=1))
    (third,) = narrow.sync(platform, mode=SyncMode.LOOKBACK)
    assert third.error is None
    assert third.requests > second.requests

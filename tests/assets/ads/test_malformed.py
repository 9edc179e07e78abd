"""A page that cannot be read: kept where it lies, named, and no other connection or stream's business."""

import pytest

from sandbox.faults import Fault, FaultKind
from sandbox.world.entities import PLATFORMS, Platform
from tests.assets.ads.ad_stores import AdStores

# Under which path each platform lists campaigns, and which request there it is: Google's first search is for the account.
PATHS: dict[Platform, tuple[str, int]] = {
    "google": ("googleAds:search", 2),
    "facebook": ("/campaigns", 1),
    "tiktok": ("campaign/get", 1),
    "microsoft": ("bulk", 1),
}


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("kind", [FaultKind.WRONG_TYPE, FaultKind.MISSING_ID, FaultKind.HUGE_STRING])
def test_a_malformed_page_fails_its_slice_alone(ads_bench: AdStores, platform: Platform, kind: FaultKind) -> None:
    ads_bench.connect(only=[platform], lookback_days=3)
    first, second = ads_bench.sandbox.world.accounts(platform)
    nth = 2 if platform == "google" else 1  # Google's first search is for the account itself
    ads_bench.sandbox.faults.order(Fault(kind, platform, PATHS[platform], first.id, nth=nth))
    outcomes = {o.connection.account_id: o for o in ads_bench.sync(platform)}
    failed = outcomes[first.id]
    assert (failed.code, outcomes[second.id].error) == ("malformed_page", None)
    assert failed.failed == ["campaigns"]
    assert "campaigns page 1:" in str(failed.error)
    assert len(str(failed.error)) < 500
    (row,) = ads_bench.postgres.fetch("select * from ads.sync_slices where state = 'failed'")
    assert (row["stream"], row["error_code"]) == ("campaigns", "malformed_page")
    kept = list(ads_bench.store.list(row["raw_prefix"]))
    assert [info.key.rpartition("/")[2] for info in kept] == ["000000", "manifest.json"]
    if kind is FaultKind.HUGE_STRING:
        assert kept[0].size > 10_000_000
    # The facts of the account were merged all the same, under what they tell of their campaigns.
    assert ads_bench.stored(platform, first.id, "campaign")
    advanced = "select 1 from ads.sync_state where stream = 'campaigns' and account_id = %s"
    assert ads_bench.postgres.fetch(advanced, (first.id,)) == []
    # The next sync mends it.
    assert [o.error for o in ads_bench.sync(platform)] == [None, None]
    assert ads_bench.postgres.fetch(advanced, (first.id,))


@pytest.mark.parametrize("platform", PLATFORMS)
def test_an_unknown_status_is_kept_counted_and_no_failure(tiny: AdStores, platform: Platform) -> None:
    tiny.connect(only=[platform], lookback_days=3)
    nth = 2 if platform == "google" else 1
    tiny.sandbox.faults.order(Fault(FaultKind.UNKNOWN_ENUM, platform, PATHS[platform], nth=nth))
    (outcome,) = tiny.sync(platform)
    assert outcome.error is None
    rows = tiny.postgres.fetch("select status, raw_data::text as raw from ads.campaigns")
    assert any("SANDBOX_UNHEARD_OF" in (row["raw"] or "") for row in rows)
    if platform != "tiktok":  # its first field that ends in status is not the one that we read
        assert any(row["status"] is None for row in rows) or platform == "facebook"
        assert any("SANDBOX_UNHEARD_OF" in note for note in outcome.notes) or platform == "facebook"


def test_a_malformed_report_keeps_the_cursor_where_the_data_is(tiny: AdStores) -> None:
    tiny.connect(only=["microsoft"], lookback_days=3)
    tiny.sandbox.faults.order(Fault(FaultKind.WRONG_TYPE, "microsoft", "bingadsreports", nth=2))
    (outcome,) = tiny.sync("microsoft")
    assert outcome.failed == ["ad_group_days"]
    states = {row["stream"] for row in tiny.postgres.fetch("select stream from ads.sync_state")}
    assert {"campaign_days", "keyword_days"} <= states
    assert "ad_group_days" not in states
    assert not tiny.postgres.fetch("select 1 from ads.ad_group_metrics_daily")

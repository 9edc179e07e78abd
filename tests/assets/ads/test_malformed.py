"""A page that cannot be read: kept where it lies, named, and no other connection or stream's business."""

from datetime import timedelta

import pytest

from assets.ads.assets import _metadata
from sandbox.faults import Fault, FaultKind
from sandbox.world.entities import PLATFORMS, Platform
from tests.assets.ads.ad_stores import AdStores

PAGED: tuple[Platform, ...] = ("google", "facebook", "tiktok")
# Under which path each platform lists campaigns, and which request there it is: Google's first search is for the
# account; Microsoft's first file has all lists.
PATHS: dict[Platform, tuple[str, int]] = {
    "google": ("googleAds:search", 2),
    "facebook": ("/campaigns", 1),
    "tiktok": ("campaign/get", 1),
    "microsoft": ("bingadsreports", 1),
}


# In a file of text every value is a text, and Microsoft's first one has the ids of all lists.
KINDS: list[tuple[Platform, FaultKind, list[str]]] = [
    *(
        (p, k, ["campaigns"])
        for p in PAGED
        for k in (FaultKind.WRONG_TYPE, FaultKind.MISSING_ID, FaultKind.HUGE_STRING)
    ),
    ("microsoft", FaultKind.MISSING_ID, ["campaigns", "ad_groups", "ads", "keywords"]),
]


@pytest.mark.parametrize(("platform", "kind", "failing"), KINDS)
def test_a_malformed_page_fails_its_slice_alone(
    ads_bench: AdStores, platform: Platform, kind: FaultKind, failing: list[str]
) -> None:
    ads_bench.connect(only=[platform], lookback_days=3)
    first, second = ads_bench.sandbox.world.accounts(platform)
    path, nth = PATHS[platform]
    ads_bench.sandbox.faults.order(Fault(kind, platform, path, first.id, nth=nth))
    outcomes = {o.connection.account_id: o for o in ads_bench.sync(platform)}
    failed = outcomes[first.id]
    assert (failed.code, outcomes[second.id].error) == ("malformed_page", None)
    assert failed.failed == failing
    assert "campaigns page 1:" in str(failed.error)
    assert len(str(failed.error)) < 500
    row, *_ = ads_bench.postgres.fetch(
        "select * from ads.sync_slices where state = 'failed' order by stream <> 'campaigns'"
    )
    assert (row["stream"], row["error_code"]) == ("campaigns", "malformed_page")
    kept = list(ads_bench.store.list(row["raw_prefix"]))
    assert {"000000", "manifest.json"} <= {info.key.rpartition("/")[2] for info in kept}
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
def test_an_unknown_word_is_kept_counted_and_shown(tiny: AdStores, platform: Platform) -> None:
    """In two days each platform will have a status and a field that are not known yet."""
    tiny.connect(only=[platform], lookback_days=3)
    tiny.sandbox.clock.advance(timedelta(days=2))
    (outcome,) = tiny.sync(platform)
    assert outcome.error is None
    kinds = {note.split()[0] for note in outcome.notes}
    assert {"status", "field"} <= kinds
    (run,) = tiny.postgres.fetch("select notes from ads.sync_runs")
    assert run["notes"] == dict(outcome.notes)
    assert _metadata([outcome])["not_known_yet"].value == dict(outcome.notes)
    words = {note.split(maxsplit=1)[1] for note in outcome.notes if note.startswith("status ")}
    rows = tiny.postgres.fetch("select status, native_status from ads.campaigns where native_status is not null")
    assert words & {row["native_status"] for row in rows}
    assert all((row["status"] is None) == (row["native_status"] in words) for row in rows if row["status"] != "ended")


def test_a_malformed_report_keeps_the_cursor_where_the_data_is(tiny: AdStores) -> None:
    tiny.connect(only=["microsoft"], lookback_days=3)
    tiny.sandbox.faults.order(Fault(FaultKind.WRONG_TYPE, "microsoft", "bingadsreports", nth=4))
    (outcome,) = tiny.sync("microsoft")
    assert outcome.failed == ["ad_group_days"]
    states = {row["stream"] for row in tiny.postgres.fetch("select stream from ads.sync_state")}
    assert {"campaign_days", "keyword_days"} <= states
    assert "ad_group_days" not in states
    assert not tiny.postgres.fetch("select 1 from ads.ad_group_metrics_daily")

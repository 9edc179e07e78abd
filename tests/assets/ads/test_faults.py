"""Whatever a platform does wrong: the same rows in the end, or a loud failure with the cursor where the data is."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

import resources.ad_platforms.meta.client as meta_client
import resources.ad_platforms.tiktok as tiktok
from clearlift_pipelines.sandbox.faults import Fault, FaultKind
from clearlift_pipelines.sandbox.world.entities import PLATFORMS, Platform
from tests.assets.ads.bench import Bench

CONFIG: dict[str, Any] = {"lookback_days": 8}
EVERYWHERE = (
    Fault(FaultKind.HTTP_429),
    Fault(FaultKind.HTTP_429, retry_after=7),
    Fault(FaultKind.RATE_LIMITED, retry_after=60),
    Fault(FaultKind.SERVER_ERROR),
    Fault(FaultKind.TIMEOUT, seconds=0.9),
    Fault(FaultKind.RESET),
    Fault(FaultKind.CUT_BODY),
    Fault(FaultKind.ERROR_IN_200),
    Fault(FaultKind.DOUBLED_PAGE),
    Fault(FaultKind.TOKEN_EXPIRED),
    Fault(FaultKind.TOKEN_REVOKED),
    Fault(FaultKind.ACCOUNT_INACTIVE, times=None),
)
SOMEWHERE: dict[FaultKind, tuple[Platform, ...]] = {
    FaultKind.REPEATED_CURSOR: ("google", "facebook", "tiktok"),
    FaultKind.JOB_STUCK: ("facebook", "microsoft"),
    FaultKind.JOB_FAILED: ("facebook", "microsoft"),
    FaultKind.DOWNLOAD_EXPIRED: ("microsoft",),
}
LOUD = {FaultKind.TOKEN_REVOKED, FaultKind.ACCOUNT_INACTIVE}
WHERE = (1, 5)
CASES = [
    *((platform, fault, nth) for platform, fault, nth in itertools.product(PLATFORMS, EVERYWHERE, WHERE)),
    *((platform, Fault(kind), nth) for kind, at in SOMEWHERE.items() for platform in at for nth in (1, 2)),
    ("facebook", Fault(FaultKind.TOO_MUCH_DATA, path="/campaigns"), 1),
    ("facebook", Fault(FaultKind.TOO_MUCH_DATA, path="/adsets"), 2),
    ("facebook", Fault(FaultKind.TOO_MUCH_DATA, path="/insights"), 2),  # the first asks for the job
]
Clean = dict[Platform, dict[str, list[str]]]


@pytest.fixture(scope="module")
def clean(shared_bench: Bench, small_pages: None) -> Clean:
    """What each platform's sync leaves where nothing goes wrong."""
    found: Clean = {}
    for platform in PLATFORMS:
        shared_bench.empty()
        shared_bench.connect(only=[platform], **CONFIG)
        assert [o.error for o in shared_bench.sync(platform)] == [None]
        found[platform] = shared_bench.snapshot()
        assert found[platform]["ads.campaign_metrics_daily"]
    return found


@pytest.fixture(scope="module")
def small_pages(shared_bench: Bench) -> Iterator[None]:
    """Pages of a few rows, so that there are several; a read that gives up quickly."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(meta_client, "LARGEST_LIMIT", 8)
        patched.setattr(meta_client, "SMALLEST_LIMIT", 2)
        patched.setattr(tiktok, "PAGE_ROWS", 9)
        patched.setattr(shared_bench, "read_seconds", 0.4)
        yield


@pytest.mark.parametrize(
    ("platform", "fault", "nth"), CASES, ids=[f"{p}-{f.kind}-{f.retry_after or f.path or ''}-{n}" for p, f, n in CASES]
)
def test_the_same_rows_or_a_loud_failure(tiny: Bench, clean: Clean, platform: Platform, fault: Fault, nth: int) -> None:
    tiny.connect(only=[platform], **CONFIG)
    ordered = {name: getattr(fault, name) for name in ("kind", "times", "retry_after", "seconds", "path")}
    tiny.sandbox.faults.order(Fault(platform=platform, nth=nth, **ordered))
    (outcome,) = tiny.sync(platform)
    # A held request is logged when it is let go.
    assert fault.kind is FaultKind.TIMEOUT or any(entry.fault is fault.kind for entry in tiny.sandbox.log)
    assert fault.kind is not FaultKind.TIMEOUT or max(tiny.slept) >= 0.25
    row = tiny.connection(platform)
    assert (row["sync_status"], row["sync_error"]) == ("error" if outcome.error else "success", outcome.error)
    if fault.kind in LOUD:
        assert outcome.error is not None
        assert tiny.differing_from(clean[platform]) == "behind"
        _cursor_is_where_the_data_is(tiny, platform)
        tiny.sandbox.faults.clear()
        for account in tiny.sandbox.world.accounts(platform):
            tiny.sandbox.tokens.reinstate(platform, account.id)
        (outcome,) = tiny.sync(platform)
    assert outcome.error is None
    assert tiny.snapshot() == clean[platform]
    if fault.retry_after:
        assert max(tiny.slept) >= fault.retry_after


def _cursor_is_where_the_data_is(bench: Bench, platform: Platform) -> None:
    states = bench.postgres.fetch("select stream, synced_through from ads.sync_state where synced_through is not null")
    merged = bench.postgres.fetch(
        "select stream, max(until) as until from ads.sync_slices where state = 'merged' group by 1"
    )
    assert {s["stream"]: s["synced_through"] for s in states} == {
        m["stream"]: m["until"] for m in merged if m["until"] is not None
    }
    tables = {"campaign_days": "campaign", "ad_group_days": "ad_group", "keyword_days": "keyword"}
    for stream, level in tables.items():
        if stream not in {s["stream"] for s in states}:
            assert not bench.stored(platform, bench.connection(platform)["account_id"], level)


@pytest.mark.parametrize("platform", ["facebook", "microsoft"])
def test_a_job_that_never_ends_is_a_failure_and_no_empty_day(tiny: Bench, platform: Platform) -> None:
    tiny.connect(only=[platform], **CONFIG)
    tiny.sandbox.faults.order(Fault(FaultKind.JOB_STUCK, platform, times=None))
    (outcome,) = tiny.sync(platform)
    assert outcome.code == "job_stalled"
    assert not tiny.postgres.fetch("select 1 from ads.campaign_metrics_daily limit 1")
    assert sum(tiny.slept) > 1_800


@pytest.mark.parametrize("platform", PLATFORMS)
def test_one_forbidden_account_is_named_and_the_others_are_synced(ads_bench: Bench, platform: Platform) -> None:
    ads_bench.connect(only=[platform], **CONFIG)
    first, second = ads_bench.sandbox.world.accounts(platform)
    ads_bench.sandbox.faults.order(Fault(FaultKind.ACCOUNT_INACTIVE, platform, account_id=first.id, times=None))
    outcomes = {o.connection.account_id: o for o in ads_bench.sync(platform)}
    assert outcomes[first.id].error is not None
    assert outcomes[second.id].error is None
    assert not ads_bench.stored(platform, first.id, "campaign")
    assert ads_bench.stored(platform, second.id, "campaign")

"""A platform does anything wrong: the same rows in the end, or a loud failure with the cursor where the data is."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

import resources.ad_platforms.meta.client as meta_client
import resources.ad_platforms.tiktok.client as tiktok
from sandbox.faults import MALFORMED, Fault, FaultKind
from sandbox.world.entities import PLATFORMS, Platform
from tests.assets.ads.ad_stores import AdStores
from tests.standin.loopback import SILENT_SECONDS

CONFIG: dict[str, Any] = {"lookback_days": 8}
REFUSED_LINE = (
    Fault(FaultKind.HTTP_429),
    Fault(FaultKind.HTTP_429, retry_after=7),
    Fault(FaultKind.SERVER_ERROR),
    Fault(FaultKind.TIMEOUT, seconds=3),
    Fault(FaultKind.RESET),
    Fault(FaultKind.CUT_BODY),
)
EVERYWHERE = (
    *REFUSED_LINE,
    Fault(FaultKind.RATE_LIMITED, retry_after=60),
    Fault(FaultKind.ERROR_IN_200),
    Fault(FaultKind.DOUBLED_PAGE),
    Fault(FaultKind.TOKEN_EXPIRED),
    Fault(FaultKind.TOKEN_REVOKED),
    Fault(FaultKind.ACCOUNT_INACTIVE, times=None),
)
PAGED: tuple[Platform, ...] = ("google", "facebook", "tiktok")
WITH_JOBS: tuple[Platform, ...] = ("facebook", "microsoft")
LOUD = {FaultKind.TOKEN_REVOKED, FaultKind.ACCOUNT_INACTIVE}


def at(fault: Fault, platform: Platform, **place: Any) -> Fault:
    """The fault where it is to meet that platform."""
    return replace(fault, platform=platform, **place)


NO_ROWS = tuple(fault for fault in EVERYWHERE if fault.kind is not FaultKind.DOUBLED_PAGE)
CASES = [
    # The first request, and the second page of a list or report; where nothing is paged, a list in the middle.
    *(at(f, p) for p, f in itertools.product(PLATFORMS, EVERYWHERE)),
    *(at(f, p, page=2) for p, f in itertools.product(PAGED, EVERYWHERE)),
    *(at(f, "microsoft", nth=5) for f in EVERYWHERE),
    *(at(Fault(FaultKind.REPEATED_CURSOR), p, **where) for p in PAGED for where in ({"nth": 1}, {"page": 2})),
    # Jobs: asked for, looked at, fetched. Meta's are asked for and fetched under one name.
    *(at(f, "facebook", path="/insights") for f in NO_ROWS),
    *(at(f, "facebook", path="/insights", nth=2) for f in EVERYWHERE),
    *(at(f, "microsoft", path=f"GenerateReport/{step}") for f in NO_ROWS for step in ("Submit", "Poll")),
    *(at(f, "microsoft", path="bingadsreports") for f in (*REFUSED_LINE, Fault(FaultKind.DOUBLED_PAGE))),
    *(at(Fault(k), p, nth=n) for k in (FaultKind.JOB_STUCK, FaultKind.JOB_FAILED) for p in WITH_JOBS for n in (1, 2)),
    *(at(Fault(FaultKind.DOWNLOAD_EXPIRED), "microsoft", nth=nth) for nth in (1, 2)),
    *(at(Fault(FaultKind.FOOTER_ANYWAY), "microsoft", nth=nth) for nth in (1, 2)),
    *(at(f, "microsoft", path=step) for f in NO_ROWS for step in ("DownloadByAccountIds", "BulkDownloadStatus")),
    at(Fault(FaultKind.TOO_MUCH_DATA), "facebook", path="/campaigns"),
    at(Fault(FaultKind.TOO_MUCH_DATA), "facebook", path="/adsets", nth=2),
    at(Fault(FaultKind.TOO_MUCH_DATA), "facebook", path="/insights", nth=2),  # the first asks for the job
]


def told(fault: Fault) -> str:
    """A case's name."""
    after = "" if fault.retry_after is None else f" after {fault.retry_after}s"
    where = fault.path.strip("/") if fault.path else "page 2" if fault.page else "any"
    return f"{fault.platform} {fault.kind}{after} at {where} #{fault.nth}"


Clean = dict[Platform, dict[str, list[str]]]


@pytest.fixture(scope="module")
def clean(shared_bench: AdStores, small_pages: None) -> Clean:
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
def small_pages() -> Iterator[None]:
    """Pages of a few rows, so that there are several."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(meta_client, "LARGEST_LIMIT", 8)
        patched.setattr(meta_client, "SMALLEST_LIMIT", 2)
        patched.setattr(tiktok, "PAGE_ROWS", 9)
        yield


@pytest.mark.parametrize("fault", CASES, ids=told)
def test_the_same_rows_or_a_loud_failure(
    tiny: AdStores, clean: Clean, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform = fault.platform
    assert platform is not None
    if fault.kind is FaultKind.TIMEOUT:
        monkeypatch.setattr(tiny, "read_seconds", SILENT_SECONDS)
    tiny.connect(only=[platform], **CONFIG)
    tiny.sandbox.faults.order(fault)
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


def _cursor_is_where_the_data_is(ad_stores: AdStores, platform: Platform) -> None:
    states = ad_stores.postgres.fetch(
        "select stream, synced_through from ads.sync_state where synced_through is not null"
    )
    merged = ad_stores.postgres.fetch(
        "select stream, max(until) as until from ads.sync_slices where state = 'merged' group by 1"
    )
    assert {s["stream"]: s["synced_through"] for s in states} == {
        m["stream"]: m["until"] for m in merged if m["until"] is not None
    }
    tables = {"campaign_days": "campaign", "ad_group_days": "ad_group", "keyword_days": "keyword"}
    for stream, level in tables.items():
        if stream not in {s["stream"] for s in states}:
            assert not ad_stores.stored(platform, ad_stores.connection(platform)["account_id"], level)


@pytest.mark.parametrize("platform", ["facebook", "microsoft"])
def test_a_job_that_never_ends_is_a_failure_and_no_empty_day(tiny: AdStores, platform: Platform) -> None:
    tiny.connect(only=[platform], **CONFIG)
    tiny.sandbox.faults.order(Fault(FaultKind.JOB_STUCK, platform, times=None))
    (outcome,) = tiny.sync(platform)
    assert outcome.code == "job_stalled"
    assert not tiny.postgres.fetch("select 1 from ads.campaign_metrics_daily limit 1")
    assert sum(tiny.slept) > 1_800


@pytest.mark.parametrize("platform", PLATFORMS)
def test_one_forbidden_account_is_named_and_the_others_are_synced(ads_bench: AdStores, platform: Platform) -> None:
    ads_bench.connect(only=[platform], **CONFIG)
    first, second = ads_bench.sandbox.world.accounts(platform)
    ads_bench.sandbox.faults.order(Fault(FaultKind.ACCOUNT_INACTIVE, platform, account_id=first.id, times=None))
    outcomes = {o.connection.account_id: o for o in ads_bench.sync(platform)}
    assert outcomes[first.id].error is not None
    assert outcomes[second.id].error is None
    assert not ads_bench.stored(platform, first.id, "campaign")
    assert ads_bench.stored(platform, second.id, "campaign")


# What the token's address is called.
TOKENS: dict[Platform, str] = {
    "google": "/token",
    "facebook": "oauth/access_token",
    "tiktok": "oauth2/refresh_token",
    "microsoft": "oauth2/v2.0/token",
}


@pytest.mark.parametrize("fault", [at(f, p, path=path) for p, path in TOKENS.items() for f in REFUSED_LINE], ids=told)
def test_a_token_is_refreshed_whatever_is_wrong_with_the_line(tiny: AdStores, clean: Clean, fault: Fault) -> None:
    platform = fault.platform
    assert platform is not None
    tiny.connect(only=[platform], **CONFIG)
    tiny.sandbox.tokens.expire(platform, tiny.connection(platform)["account_id"])
    tiny.sandbox.faults.order(fault)
    (outcome,) = tiny.sync(platform)
    assert outcome.error is None
    assert tiny.snapshot() == clean[platform]


def test_every_fault_of_the_sandbox_that_a_platform_can_have_is_met_there() -> None:
    malformed = set(MALFORMED)  # pages that cannot be read are another test's
    met = {(fault.platform, fault.kind) for fault in CASES}
    possible = {(p, k) for p in PLATFORMS for k in set(FaultKind) - malformed if _can_happen(k, p)}
    # TikTok's reports are asked for at once: we start no task there.
    of_tasks = {("tiktok", k) for k in (FaultKind.JOB_STUCK, FaultKind.JOB_FAILED, FaultKind.DOWNLOAD_EXPIRED)}
    assert met == possible - of_tasks


def _can_happen(kind: FaultKind, platform: Platform) -> bool:
    try:
        Fault(kind, platform)
    except ValueError:
        return False
    return True

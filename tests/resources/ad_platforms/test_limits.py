"""What is too large, gone or refused: split, taken by parts, or named; and how many requests an account takes."""

import io
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from resources.ad_platforms import (
    DAILY,
    AccountDays,
    Conversion,
    Fact,
    MalformedPageError,
    Notes,
    PlatformError,
    RemoteJob,
    Stream,
)
from resources.ad_platforms import PLATFORMS as ALL
from resources.ad_platforms.tiktok.client import TikTok
from resources.http import HttpError
from sandbox.faults import Fault, FaultKind
from sandbox.limits import Limits
from sandbox.microsoft.files import packed
from sandbox.server import Sandbox
from sandbox.world.catalogue import Size
from sandbox.world.entities import PLATFORMS, Platform
from tests.resources.ad_platforms.conftest import NOW, SIZE, RecordingClient, by_entity, world_days

DAYS = AccountDays(date(2026, 10, 24), date(2026, 11, 20))


@pytest.fixture
def small(client_of: Callable[..., RecordingClient]) -> Iterator[Callable[..., RecordingClient]]:
    """Makes clients of a sandbox with limits of its own."""
    opened: list[Sandbox] = []

    def make(name: Platform, limits: Limits, size: Size = SIZE, **changed: Any) -> RecordingClient:
        sandbox = Sandbox(7, lambda: NOW, size=size, limits=limits).start()
        opened.append(sandbox)
        client = client_of(name, origin=sandbox.origin, **changed)
        client.sandbox = sandbox
        return client

    yield make
    for sandbox in opened:
        sandbox.stop()


def is_whole(client: RecordingClient, stream: Stream, remote: RemoteJob | None = None) -> bool:
    """Whether the days that a client gives are those of the world."""
    sandbox = client.sandbox
    assert sandbox is not None
    account = sandbox.world.accounts(client.name)[0].id
    level: Any = stream.level.value
    truth = world_days(sandbox.world, client.name, account, level, DAYS, NOW)
    return by_entity(client.records(stream, DAYS, remote=remote)) == truth


def test_meta_takes_a_report_of_too_many_rows_as_a_job(small: Callable[..., RecordingClient]) -> None:
    client = small("facebook", Limits(meta_rows=10))
    week = AccountDays(DAYS.until - timedelta(6), DAYS.until)
    remote = RemoteJob()
    assert by_entity(client.records(Stream.AD_DAYS, week, remote=remote))
    assert remote.running(week) is not None
    assert remote.days is None


@pytest.mark.parametrize(
    ("name", "limits"),
    [("facebook", Limits(meta_job_rows=60)), ("microsoft", Limits(microsoft_rows=60))],
)
def test_a_job_that_fails_for_all_days_is_halved_and_its_size_remembered(
    small: Callable[..., RecordingClient], name: Platform, limits: Limits
) -> None:
    client = small(name, limits)
    remote = RemoteJob()
    assert is_whole(client, Stream.CAMPAIGN_DAYS, remote)
    assert remote.days is not None
    assert 1 <= remote.days <= 14
    before = client.api.requests
    assert is_whole(client, Stream.CAMPAIGN_DAYS, remote)
    assert client.api.requests - before < before, "no range that is known to be too long is asked for again"


@pytest.mark.parametrize("name", ["facebook", "microsoft"])
def test_a_job_that_fails_once_is_asked_for_again_and_not_halved(
    platforms: Sandbox, client_of: Callable[..., RecordingClient], name: Platform
) -> None:
    whole = client_of(name).records(Stream.CAMPAIGN_DAYS, DAYS)
    platforms.faults.order(Fault(FaultKind.JOB_FAILED, name))
    remote = RemoteJob()
    assert client_of(name).records(Stream.CAMPAIGN_DAYS, DAYS, remote=remote) == whole
    assert remote.days is None
    assert remote.running(DAYS) is not None


def test_metas_reason_for_people_is_in_the_error_of_a_day_that_is_too_large(
    small: Callable[..., RecordingClient],
) -> None:
    client = small("facebook", Limits(meta_rows=0, meta_job_rows=0))
    with pytest.raises(PlatformError, match=r"too much data\. Ask for fewer days\.") as caught:
        client.records(Stream.AD_DAYS, AccountDays(DAYS.until, DAYS.until))
    assert caught.value.code == "job_failed"


@pytest.mark.parametrize("name", ["facebook", "microsoft"])
def test_a_job_of_other_days_is_not_taken_up(client_of: Callable[..., RecordingClient], name: Platform) -> None:
    client = client_of(name)
    week = AccountDays(DAYS.until - timedelta(20), DAYS.until - timedelta(8))
    remote = RemoteJob()
    whole = client.records(Stream.CAMPAIGN_DAYS, DAYS, remote=remote)
    first = remote.id
    assert client.records(Stream.CAMPAIGN_DAYS, DAYS, remote=remote) == whole
    assert remote.id == first, "the running jobs are taken up"
    assert client.records(Stream.CAMPAIGN_DAYS, week, remote=remote) != whole
    assert remote.id != first
    assert client.records(Stream.CAMPAIGN_DAYS, DAYS, remote=RemoteJob(f"{DAYS.since}/{DAYS.until} 1+2")) == whole


def test_tiktoks_report_that_came_to_its_end_is_taken_by_campaigns(
    small: Callable[..., RecordingClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = small("tiktok", Limits(tiktok_entities=7))
    assert not is_whole(client, Stream.AD_DAYS)
    monkeypatch.setattr(TikTok, "largest_report", 7)
    assert is_whole(client, Stream.AD_DAYS)
    monkeypatch.setattr(TikTok, "largest_report", 1)
    with pytest.raises(PlatformError, match="more ad entities than TikTok reports on"):
        client.records(Stream.AD_DAYS, DAYS)


@pytest.mark.parametrize("name", ["google", "facebook", "tiktok"])
def test_a_page_delivered_twice_counts_once(
    platforms: Sandbox, client_of: Callable[..., RecordingClient], name: Platform
) -> None:
    clean = by_entity(client_of(name).records(Stream.CAMPAIGN_DAYS, DAYS))
    platforms.faults.order(Fault(FaultKind.DOUBLED_PAGE, name, times=3))
    records = client_of(name).records(Stream.CAMPAIGN_DAYS, DAYS)
    assert len([one for one in records if isinstance(one, Fact)]) > len(clean)
    assert by_entity(records) == clean


def report(*lines: list[str]) -> io.BytesIO:
    header = ["TimePeriod", "CampaignId", "AdGroupId", "KeywordId", "BidMatchType", "Impressions", "Clicks", "Spend"]
    return io.BytesIO(packed("report", [header, *lines]))


def test_rows_of_one_key_add_up_and_the_same_row_again_does_not() -> None:
    own = ["2026-11-01", "1", "2", "3"]
    broad, unknown = [*own, "Broad", "100", "10", "1,025.00"], [*own, "Unknown", "40", "4", "9.00"]
    body = report(broad, unknown, broad)
    facts = ALL["microsoft"].read(Stream.KEYWORD_DAYS, body, {}, Notes())
    (numbers,) = by_entity(facts).values()
    assert [str(number) for number in numbers[:3]] == ["140", "14", "1034.00"]


def test_a_header_and_a_footer_that_come_anyway_are_no_rows(
    platforms: Sandbox, client_of: Callable[..., RecordingClient]
) -> None:
    clean = client_of("microsoft").records(Stream.AD_DAYS, DAYS)
    platforms.faults.order(Fault(FaultKind.FOOTER_ANYWAY, times=2))
    assert client_of("microsoft").records(Stream.AD_DAYS, DAYS) == clean
    for cut in ([["2026-11-01", "1"]], [["2026-11-01"]]):
        with pytest.raises(MalformedPageError, match="more or fewer cells"):
            list(ALL["microsoft"].read(Stream.KEYWORD_DAYS, report(*cut), {}, Notes()))
    with pytest.raises(MalformedPageError, match="without its column headers"):
        list(ALL["microsoft"].read(Stream.KEYWORD_DAYS, io.BytesIO(packed("report", [])), {}, Notes()))


def test_a_manager_is_refused_and_its_clients_are_offered(
    platforms: Sandbox, client_of: Callable[..., RecordingClient]
) -> None:
    clients = [account.id for account in platforms.world.accounts("google")]
    app = platforms.credentials("google", clients[0])["app"]
    client = client_of("google", account_id=app["login_customer_id"])
    with pytest.raises(PlatformError, match="is a manager account") as caught:
        client.records(Stream.ACCOUNT)
    assert caught.value.code == "manager_account"
    assert all(one in str(caught.value) for one in clients)
    assert ALL["google"].concerns_account(caught.value)


def test_a_connections_own_manager_may_have_dashes(
    platforms: Sandbox, client_of: Callable[..., RecordingClient]
) -> None:
    app = platforms.credentials("google", platforms.world.accounts("google")[0].id)["app"]
    digits = app["login_customer_id"]
    dashed = f"{digits[:3]}-{digits[3:6]}-{digits[6:]}"
    assert client_of("google", app={**app, "login_customer_id": dashed}).records(Stream.ACCOUNT)
    without = {name: value for name, value in app.items() if name != "login_customer_id"}
    with pytest.raises(HttpError, match="login-customer-id"):
        client_of("google", app=without).records(Stream.ACCOUNT)


@pytest.mark.parametrize("name", PLATFORMS)
def test_only_what_concerns_the_account_ends_a_connection(
    platforms: Sandbox, client_of: Callable[..., RecordingClient], name: Platform
) -> None:
    for kind, ends in (
        (FaultKind.ACCOUNT_INACTIVE, True),
        (FaultKind.TOKEN_REVOKED, True),
        (FaultKind.SERVER_ERROR, False),
        (FaultKind.RATE_LIMITED, False),
    ):
        account = platforms.world.accounts(name)[0].id
        platforms.faults.order(Fault(kind, name, account_id=account, times=None, retry_after=1))
        with pytest.raises((HttpError, PlatformError)) as caught:
            client_of(name).records(Stream.CAMPAIGNS)
        platforms.faults.clear()
        platforms.tokens.reinstate(name, account)
        assert ALL[name].concerns_account(caught.value) is ends, caught.value


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("google", "UNRECOGNIZED_FIELD"),
        ("google", "METRIC_ACCESS_DENIED"),
        ("facebook", "100"),
        ("facebook", "100/1487534"),
        ("facebook", "2601/1815107"),
        ("tiktok", "40002"),
        ("microsoft", "InvalidReportColumns"),
        ("microsoft", "2006"),
    ],
)
def test_a_refused_report_ends_no_connection(name: str, code: str) -> None:
    assert not ALL[name].concerns_account(HttpError("POST x", 400, code, "no such column"))
    assert not ALL[name].concerns_account(MalformedPageError("x"))
    assert not ALL[name].concerns_account(PlatformError("job_failed", "x"))
    assert ALL[name].concerns_account(PlatformError("token_expired", "x"))
    assert ALL[name].concerns_account(HttpError("POST token", 400, "invalid_grant", "x"))


@pytest.mark.parametrize(
    ("name", "options", "named"),
    [
        ("facebook", {"view_window": "28"}, "no view_window of 28 days; there are: click_window 1, 7, 28"),
        ("facebook", {"view_window": "7"}, "engaged_view_window 0, 1"),
        ("facebook", {"click_window": "3"}, "no click_window of 3 days"),
        ("google", {"click_window": "7"}, "Google Ads has no click_window"),
        ("tiktok", {"view_window": "1"}, "TikTok has no view_window"),
        ("microsoft", {"click_window": "7"}, "Microsoft Advertising has no click_window"),
    ],
)
def test_a_window_that_is_not_to_be_had_is_refused_by_its_name(name: str, options: dict[str, str], named: str) -> None:
    with pytest.raises(PlatformError, match=named) as caught:
        ALL[name].attribution(options)
    assert caught.value.code == "no_window"


def test_windows_are_asked_for_in_metas_words(platforms: Sandbox, client_of: Callable[..., RecordingClient]) -> None:
    meta = ALL["facebook"]
    assert meta.attribution({}) == "7d_click+1d_view"
    options = {"click_window": "28", "view_window": "0", "engaged_view_window": "1"}
    assert meta.attribution(options) == "28d_click+1d_ev"
    records = client_of("facebook", options=options).records(Stream.CAMPAIGN_DAYS, DAYS)
    assert {one.window for one in records if isinstance(one, Conversion)} == {"28d_click"}
    assert ALL["google"].attribution({}) == "platform_default"
    with pytest.raises(PlatformError, match="view_window"):
        client_of("facebook", options={"view_window": "7"})


@pytest.mark.parametrize("name", PLATFORMS)
def test_requests_do_not_grow_with_the_entities(small: Callable[..., RecordingClient], name: Platform) -> None:
    counts: Counter[int] = Counter()
    for campaigns in (2, 12):
        size = Size(dict.fromkeys(PLATFORMS, 1), (campaigns, campaigns), (2, 2), (2, 2), 40)
        client = small(name, Limits(), size)
        for stream in sorted(set(ALL[name].streams) - {Stream.CLICKS}):
            client.records(stream, AccountDays(DAYS.until - timedelta(9), DAYS.until) if stream in DAILY else None)
        assert client.sandbox is not None
        assert client.api.requests == len(client.sandbox.log)
        counts[campaigns] = client.api.requests
    assert counts[2] == counts[12] <= 45

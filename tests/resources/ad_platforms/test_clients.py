"""The client of each platform: all rows, exact amounts, fresh tokens, no secret in a stored page."""

from collections.abc import Callable
from contextlib import closing
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from resources.ad_platforms import DAILY, Account, AccountDays, Conversion, PlatformError, Stream
from resources.ad_platforms import PLATFORMS as ALL
from resources.http import HttpError
from resources.pacing import Pacing, Rate, TokenBucket
from sandbox.faults import Fault, FaultKind
from sandbox.platforms import Logged
from sandbox.server import Sandbox
from sandbox.world.entities import PLATFORMS, Platform
from tests.resources.ad_platforms.conftest import RecordingClient, by_entity, world_days

DAYS = AccountDays(date(2026, 10, 28), date(2026, 11, 20))


@pytest.mark.parametrize("name", PLATFORMS)
@pytest.mark.parametrize("account", [0, 1], ids=["USD", "JPY"])
def test_every_day_of_every_level_is_the_worlds(
    platforms: Sandbox, client_of: Callable[..., RecordingClient], name: Platform, account: int
) -> None:
    client = client_of(name, account)
    account_id = platforms.world.accounts(name)[account].id
    for stream in sorted(DAILY & set(ALL[name].streams)):
        level: Any = stream.level.value
        records = client.records(stream, DAYS)
        truth = world_days(platforms.world, name, account_id, level, DAYS, platforms.clock())
        assert by_entity(records) == truth != {}
        conversions = {one[:9]: one[8:10] for one in records if isinstance(one, Conversion)}
        expected = {
            tuple(part or "" for part in one[:8]): one[8:]
            for n in range(DAYS.length)
            for one in platforms.world.conversions(
                name, account_id, level, DAYS.since + timedelta(n), platforms.clock()
            )
            if level != "account"
        }
        assert {key[:8]: numbers for key, numbers in conversions.items()} == expected
        assert (level == "account") == (not expected)
    assert not client.notes


@pytest.mark.parametrize("name", PLATFORMS)
def test_the_conversions_of_a_day_are_those_that_the_platforms_counting_names(
    client_of: Callable[..., RecordingClient], name: Platform
) -> None:
    records = client_of(name).records(Stream.CAMPAIGN_DAYS, DAYS)
    conversions = [one for one in records if isinstance(one, Conversion)]
    for key, (*_, count, value) in by_entity(records).items():
        own = [one for one in conversions if one[:5] == key]
        assert ALL[name].counting.of(own) == (count, value)
        leads = ALL[name].counts(["lead", "form", "Newsletter", "Newsletter «lead»"]).of(own)[0]
        assert leads == sum({(one.action, one.window): one.count for one in own if one.action in LEADS}.values())


LEADS = {"lead", "form", "Newsletter", "70010002"}


@pytest.mark.parametrize("name", PLATFORMS)
def test_an_account_has_its_currency_and_iana_zone(client_of: Callable[..., RecordingClient], name: Platform) -> None:
    (account,) = client_of(name, 1).records(Stream.ACCOUNT)
    assert isinstance(account, Account)
    assert (account.currency, account.time_zone) == ("JPY", "Asia/Tokyo")


@pytest.mark.parametrize("name", PLATFORMS)
def test_budgets_are_in_major_units_of_their_currency(
    platforms: Sandbox, client_of: Callable[..., RecordingClient], name: Platform
) -> None:
    for place in (0, 1):
        account = platforms.world.accounts(name)[place]
        truth = {str(c.id): Decimal(c.budget.amount) / 1_000_000 for c in platforms.world.tree(account).campaigns}
        for campaign in client_of(name, place).records(Stream.CAMPAIGNS):
            assert campaign.budget == truth[campaign.id]  # type: ignore[union-attr]


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_token_that_expires_in_mid_page_is_refreshed_and_stored(
    platforms: Sandbox, client_of: Callable[..., RecordingClient], name: Platform
) -> None:
    client = client_of(name)
    whole = client.records(Stream.CAMPAIGN_DAYS, DAYS)
    platforms.faults.order(Fault(FaultKind.TOKEN_EXPIRED, name, nth=2))
    assert client_of(name).records(Stream.CAMPAIGN_DAYS, DAYS) == whole
    again = client_of(name)
    platforms.tokens.expire(name, platforms.world.accounts(name)[0].id)
    assert again.records(Stream.CAMPAIGN_DAYS, DAYS) == whole
    assert len(again.stored) == 1
    assert again.stored[0]["access_token"]


@pytest.mark.parametrize("name", ["google", "facebook", "microsoft"])
def test_a_token_about_to_expire_is_refreshed_before_it_is_used(
    platforms: Sandbox, client_of: Callable[..., RecordingClient], name: Platform
) -> None:
    oauth = dict(platforms.credentials(name, platforms.world.accounts(name)[0].id)["oauth"])
    oauth["expires_at"] = "2026-11-20T15:02:00Z"
    client = client_of(name, oauth=oauth)
    client.records(Stream.CAMPAIGNS)
    assert len(client.stored) == 1
    assert str(client.stored[0]["expires_at"]) > "2026-11-20T15:30"
    assert [e.status for e in platforms.log if "token" in e.path] == [200]


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_revoked_token_is_fatal_at_once(
    platforms: Sandbox, client_of: Callable[..., RecordingClient], name: Platform
) -> None:
    account = platforms.world.accounts(name)[1].id
    client = client_of(name, 1)
    platforms.tokens.revoke(name, account)
    try:
        with pytest.raises((HttpError, PlatformError)) as caught:
            client.records(Stream.CAMPAIGNS)
    finally:
        platforms.tokens.reinstate(name, account)
    assert not client.slept, "nothing is waited for"
    oauth = platforms.credentials(name, account)["oauth"]
    assert not any(oauth[kind] in str(caught.value) for kind in ("access_token", "refresh_token"))


@pytest.mark.parametrize("name", PLATFORMS)
def test_no_secret_is_in_a_page(platforms: Sandbox, client_of: Callable[..., RecordingClient], name: Platform) -> None:
    account = platforms.world.accounts(name)[0].id
    document = platforms.credentials(name, account)
    secrets = [document["oauth"]["access_token"], document["oauth"]["refresh_token"], "appsecret_proof=0"]
    secrets += [v for k, v in document["app"].items() if "secret" in k or "token" in k]
    client = client_of(name)
    for stream in (Stream.CAMPAIGNS, Stream.CAMPAIGN_DAYS):
        for page in client.api.pages(stream, DAYS if stream in DAILY else None):
            with closing(page.body):
                body = page.body.read()
            assert not any(secret.encode() in body for secret in secrets)


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_missing_application_is_named(client_of: Callable[..., RecordingClient], name: Platform) -> None:
    over = {"access_token": "x", "expires_at": "2020-01-01T00:00:00Z", "refresh_token": "y"}
    client = client_of(name, app={}, oauth=over)
    with pytest.raises(PlatformError, match="the platform's application has no") as caught:
        client.records(Stream.CAMPAIGNS)
    assert caught.value.code == "app_not_configured"


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_connection_without_a_token_is_refused(client_of: Callable[..., RecordingClient], name: Platform) -> None:
    with pytest.raises(PlatformError, match="no access token"):
        client_of(name, oauth={"refresh_token": "y"})


@pytest.mark.parametrize("name", PLATFORMS)
def test_an_account_is_asked_no_faster_than_its_rate(
    platforms: Sandbox, client_of: Callable[..., RecordingClient], name: Platform
) -> None:
    clock = Clock()
    pacing = Pacing(Rate(0.5, 2), clock=clock, sleep=clock.sleep)
    for place in (0, 1):
        began = clock()
        platforms.log.clear()
        client = client_of(name, place, pacing=pacing)
        for _ in range(4):
            client.records(Stream.CAMPAIGNS)
        requests = sum(entry.account_id is not None and not is_file(entry) for entry in platforms.log)
        assert clock() - began >= (requests - 2) / 0.5 > 0, "the second account has a bucket of its own"


@pytest.mark.parametrize("name", PLATFORMS)
def test_all_accounts_together_are_asked_no_faster_than_the_applications_rate(
    platforms: Sandbox, client_of: Callable[..., RecordingClient], name: Platform
) -> None:
    clock = Clock()
    pacing = Pacing(
        Rate(1_000, 1_000),
        together=TokenBucket(Rate(0.5, 2), clock=clock, sleep=clock.sleep),
        clock=clock,
        sleep=clock.sleep,
    )
    for place in (0, 1):
        client = client_of(name, place, pacing=pacing)
        for stream in (Stream.ACCOUNT, Stream.CAMPAIGNS, Stream.AD_GROUPS):
            client.records(stream)
    requests = sum(not is_file(entry) for entry in platforms.log)
    assert clock() >= (requests - 2) / 0.5 > 0


def is_file(entry: Logged) -> bool:
    """Whether a request was for a file at a storage, which has no rate of ours."""
    return "blob" in entry.host


class Clock:
    """Seconds that pass only during a sleep."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_meta_is_slowed_down_before_it_refuses(
    platforms: Sandbox, client_of: Callable[..., RecordingClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resources.ad_platforms.meta.client.usage", lambda _headers: 95)
    clock = Clock()
    pacing = Pacing(Rate(1_000, 1_000), clock=clock, sleep=clock.sleep)
    client_of("facebook", pacing=pacing).records(Stream.CAMPAIGNS)
    requests = len(platforms.log)
    assert requests > 1
    assert clock() == pytest.approx(10 * (requests - 1))


def test_no_secret_is_in_a_repr(platforms: Sandbox, client_of: Callable[..., RecordingClient]) -> None:
    from resources.ad_platforms.access import Access, Grant

    pacing = Pacing(Rate(1, 1))
    access = Access("1", {"access_token": "s3cret"}, {"client_secret": "s3cret"}, print, pacing, platforms.clock)
    assert "s3cret" not in repr(access)
    assert "s3cret" not in repr(Grant("s3cret", "s3cret"))

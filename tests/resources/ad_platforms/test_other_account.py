"""An answer that names another account than the one that was asked for is refused, in every stream of each platform."""

import io
from collections.abc import Callable
from contextlib import closing
from datetime import date
from typing import BinaryIO

import pytest

from resources.ad_platforms import PLATFORMS as ALL
from resources.ad_platforms import AccountDays, Notes, OtherAccountError, Stream
from sandbox.server import Sandbox
from sandbox.world.entities import PLATFORMS, Platform
from tests.resources.ad_platforms.conftest import RecordingClient

DAY = date(2026, 11, 18)
LONG = AccountDays(date(2026, 11, 1), DAY)  # for Meta, a job
# TikTok has no column of the advertiser in the reports below the account.
NAMELESS = {("tiktok", stream) for stream in (Stream.CAMPAIGN_DAYS, Stream.AD_GROUP_DAYS, Stream.AD_DAYS)}
STREAMS = [
    (platform, stream)
    for platform in PLATFORMS
    for stream in sorted(ALL[platform].streams)
    if (platform, stream) not in NAMELESS
]
ClientOf = Callable[..., RecordingClient]


@pytest.mark.parametrize(("platform", "stream"), STREAMS)
def test_every_page_with_rows_names_its_account(
    client_of: ClientOf, platforms: Sandbox, platform: Platform, stream: Stream
) -> None:
    asked, other = (account.id for account in platforms.world.accounts(platform))
    days = {Stream.CLICKS: AccountDays(DAY, DAY)}.get(stream, LONG if stream.is_daily else None)
    refused = set()
    for page in client_of(platform).api.pages(stream, days):
        with closing(page.body):
            body = page.body.read()
        if list(ALL[platform].read(stream, _again(body), page.context, Notes())):
            context = {**page.context, "account": other}
            with pytest.raises(OtherAccountError, match=f"account {other} was asked for, .* is of {asked};"):
                list(ALL[platform].read(stream, _again(body), context, Notes()))
            refused.add(page.context.get("of", ""))
    kinds = {"google": {"", "conversions"}, "microsoft": {"facts", "conversions"}}.get(platform, {""})
    if stream is Stream.ACCOUNT_DAYS:
        kinds = kinds - {"conversions"}
    assert refused == (kinds if stream.is_daily else {""})


def _again(body: bytes) -> BinaryIO:
    return io.BytesIO(body)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_page_that_was_staged_before_its_account_was_kept_is_read(client_of: ClientOf, platform: Platform) -> None:
    for page in client_of(platform).api.pages(Stream.CAMPAIGNS):
        context = {name: value for name, value in page.context.items() if name != "account"}
        with closing(page.body):
            assert list(ALL[platform].read(Stream.CAMPAIGNS, page.body, context, Notes())) or platform == "facebook"


def test_an_error_shows_no_text_that_is_no_account() -> None:
    assert "is of another one;" in str(OtherAccountError("1", "token=" + "x" * 30))
    assert "is of another one;" in str(OtherAccountError("1", "x" * 33))

"""Ad platforms: Google, Meta, TikTok and Microsoft behind one small protocol.

What belongs here: the requests of each platform, the meaning of its errors, its rows as records of one form. What does
not: which accounts and days are requested, and where the records go.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol, TypeAlias

from resources.ad_platforms import google, meta, microsoft, tiktok
from resources.ad_platforms.access import Access
from resources.ad_platforms.records import (
    DAILY,
    OF_KEYWORDS,
    Account,
    AccountDays,
    AdGroup,
    Campaign,
    Fact,
    Keyword,
    MalformedPageError,
    Notes,
    Page,
    PlatformError,
    Record,
    RemoteJob,
    Stream,
)
from resources.pacing import Rate


class Client(Protocol):
    """A client of one connection. Failures are HttpError, PlatformError or MalformedPageError."""

    def pages(self, stream: Stream, days: AccountDays | None = None, remote: RemoteJob | None = None) -> Iterator[Page]:
        """The pages of a stream. Daily streams need `days`, at most `longest_days` of them."""

    def close(self) -> None:
        """Close idle connections."""


ReadPage: TypeAlias = Callable[[Stream, BinaryIO, Mapping[str, str], Notes], Iterator[Record]]


@dataclass(frozen=True)
class Platform:
    """One platform. `read` makes records of a page, new or stored, without a request.

    account_rate, app_rate: of requests, below the platform's limits. attribution: the windows of its conversions.
    """

    name: str
    title: str
    open: Callable[[Access], Client]
    read: ReadPage
    streams: Collection[Stream]
    longest_days: int
    account_rate: Rate
    app_rate: Rate
    attribution: Callable[[Mapping[str, str]], str] = field(default=lambda _: "platform_default")


PLATFORMS: Mapping[str, Platform] = {
    platform.name: platform
    for platform in (
        Platform(
            name="google",
            title="Google Ads",
            open=google.Google,
            read=google.read,
            streams=google.STREAMS,
            longest_days=google.LONGEST_DAYS,
            account_rate=Rate(5, 10),
            app_rate=Rate(20, 40),
        ),
        Platform(
            name="facebook",
            title="Meta",
            open=meta.Meta,
            read=meta.read,
            streams=meta.STREAMS,
            longest_days=meta.LONGEST_DAYS,
            account_rate=Rate(5, 10),
            app_rate=Rate(20, 40),
            attribution=meta.attribution,
        ),
        Platform(
            name="tiktok",
            title="TikTok",
            open=tiktok.TikTok,
            read=tiktok.read,
            streams=tiktok.STREAMS,
            longest_days=tiktok.LONGEST_DAYS,
            account_rate=Rate(5, 10),
            app_rate=Rate(10, 10),
        ),
        Platform(
            name="microsoft",
            title="Microsoft Advertising",
            open=microsoft.Microsoft,
            read=microsoft.read,
            streams=microsoft.STREAMS,
            longest_days=microsoft.LONGEST_DAYS,
            account_rate=Rate(10, 20),
            app_rate=Rate(20, 40),
        ),
    )
}

__all__ = [
    "DAILY",
    "OF_KEYWORDS",
    "PLATFORMS",
    "Access",
    "Account",
    "AccountDays",
    "AdGroup",
    "Campaign",
    "Client",
    "Fact",
    "Keyword",
    "MalformedPageError",
    "Notes",
    "Page",
    "Platform",
    "PlatformError",
    "ReadPage",
    "Record",
    "RemoteJob",
    "Stream",
]

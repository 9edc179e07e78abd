"""Ad platforms: Google, Meta, TikTok and Microsoft behind one small protocol.

What belongs here: how each platform is asked, what its errors mean, and its rows as records of one vocabulary. What
does not: which accounts and days are asked for, and where records go.
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
    """A platform as one connection sees it. Failures are HttpError, PlatformError or MalformedPageError."""

    def pages(self, stream: Stream, days: AccountDays | None = None, remote: RemoteJob | None = None) -> Iterator[Page]:
        """The pages of a stream; `days` for those of days, at most the platform's `longest_days` of them."""

    def close(self) -> None:
        """End idle connections."""


ReadPage: TypeAlias = Callable[[Stream, BinaryIO, Mapping[str, str], Notes], Iterator[Record]]


@dataclass(frozen=True)
class Platform:
    """One platform. `read` turns a page, fresh or kept, into records; it asks nobody.

    account_rate, app_rate: requests, kept below what the platform allows. attribution: the windows of its conversions.
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
            "google",
            "Google Ads",
            google.Google,
            google.read,
            google.STREAMS,
            google.LONGEST_DAYS,
            Rate(5, 10),
            Rate(20, 40),
        ),
        Platform(
            "facebook",
            "Meta",
            meta.Meta,
            meta.read,
            meta.STREAMS,
            meta.LONGEST_DAYS,
            Rate(5, 10),
            Rate(20, 40),
            meta.attribution,
        ),
        Platform(
            "tiktok",
            "TikTok",
            tiktok.TikTok,
            tiktok.read,
            tiktok.STREAMS,
            tiktok.LONGEST_DAYS,
            Rate(5, 10),
            Rate(10, 10),
        ),
        Platform(
            "microsoft",
            "Microsoft Advertising",
            microsoft.Microsoft,
            microsoft.read,
            microsoft.STREAMS,
            microsoft.LONGEST_DAYS,
            Rate(10, 20),
            Rate(20, 40),
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

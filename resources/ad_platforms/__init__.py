"""Ad platforms: Google, Meta, TikTok and Microsoft behind one small protocol.

What belongs here: the requests of each platform, the meaning of its errors, its rows as records of one form. What does
not: which accounts and days are requested, and where the records go. A further platform is a folder that declares its
`PLATFORM` (platform.py), and a line below.
"""

from collections.abc import Mapping

from resources.ad_platforms import google, meta, microsoft, tiktok
from resources.ad_platforms.access import Access
from resources.ad_platforms.platform import Client, Counting, Platform, ReadPage
from resources.ad_platforms.records import (
    DAILY,
    OF_KEYWORDS,
    Account,
    AccountDays,
    Ad,
    AdGroup,
    Campaign,
    Click,
    Conversion,
    Creative,
    Fact,
    Keyword,
    Level,
    MalformedPageError,
    Notes,
    OtherAccountError,
    Page,
    PlatformError,
    Record,
    RemoteJob,
    Status,
    Stream,
)

PLATFORMS: Mapping[str, Platform] = {
    platform.name: platform for platform in (google.PLATFORM, meta.PLATFORM, tiktok.PLATFORM, microsoft.PLATFORM)
}

__all__ = [
    "DAILY",
    "OF_KEYWORDS",
    "PLATFORMS",
    "Access",
    "Account",
    "AccountDays",
    "Ad",
    "AdGroup",
    "Campaign",
    "Click",
    "Client",
    "Conversion",
    "Counting",
    "Creative",
    "Fact",
    "Keyword",
    "Level",
    "MalformedPageError",
    "Notes",
    "OtherAccountError",
    "Page",
    "Platform",
    "PlatformError",
    "ReadPage",
    "Record",
    "RemoteJob",
    "Status",
    "Stream",
]

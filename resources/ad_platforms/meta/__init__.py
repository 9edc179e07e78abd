"""Meta (Facebook and Instagram ads), Graph API v26.0. Meta has no keywords, and no record of one is made."""

from resources.ad_platforms.meta.client import Meta
from resources.ad_platforms.meta.rows import read
from resources.ad_platforms.meta.words import ACCOUNT_CODES, ACCOUNT_STATUSES, STATUSES, WINDOWS, alternatives
from resources.ad_platforms.platform import Counting, Platform
from resources.ad_platforms.records import OF_KEYWORDS, Stream
from resources.pacing import Rate

PLATFORM = Platform(
    name="facebook",
    title="Meta",
    open=Meta,
    read=read,
    streams=frozenset(Stream) - OF_KEYWORDS - {Stream.CLICKS},
    longest_days=92,
    account_rate=Rate(5, 10),
    app_rate=Rate(20, 40),
    credentials=("app_id", "app_secret"),
    statuses=STATUSES,
    account_statuses=ACCOUNT_STATUSES,
    account_codes=ACCOUNT_CODES,
    counting=Counting(
        alternatives=(alternatives("purchase"),),
        says="Purchases: omni_purchase where Meta gives it, else purchase, else that of the pixel.",
    ),
    windows=WINDOWS,
    names=alternatives,
)

"""TikTok's Marketing API v1.3. TikTok has no keywords."""

from resources.ad_platforms.platform import Counting, Platform
from resources.ad_platforms.records import OF_KEYWORDS, Stream
from resources.ad_platforms.tiktok.client import TikTok
from resources.ad_platforms.tiktok.rows import read
from resources.ad_platforms.tiktok.words import ACCOUNT_CODES, ACCOUNT_STATUSES, STATUSES
from resources.pacing import Rate

PLATFORM = Platform(
    name="tiktok",
    title="TikTok",
    open=TikTok,
    read=read,
    streams=frozenset(Stream) - OF_KEYWORDS - {Stream.CLICKS},
    # A daily report has 30 days at most.
    longest_days=30,
    account_rate=Rate(5, 10),
    app_rate=Rate(10, 10),
    credentials=("app_id", "secret"),
    statuses=STATUSES,
    account_statuses=ACCOUNT_STATUSES,
    account_codes=ACCOUNT_CODES,
    counting=Counting(
        alternatives=(("complete_payment",),),
        says="Payments (complete_payment). TikTok's own column, conversion, counts any goal of an ad group.",
    ),
)

"""Microsoft Advertising over REST v13: entities by the Bulk service, facts by report jobs."""

from resources.ad_platforms.microsoft.client import Microsoft
from resources.ad_platforms.microsoft.rows import read
from resources.ad_platforms.microsoft.words import ACCOUNT_CODES, ACCOUNT_STATUSES, STATUSES
from resources.ad_platforms.platform import Counting, Platform
from resources.ad_platforms.records import Stream
from resources.pacing import Rate

PLATFORM = Platform(
    name="microsoft",
    title="Microsoft Advertising",
    open=Microsoft,
    read=read,
    streams=frozenset(Stream) - {Stream.CLICKS},
    longest_days=92,
    account_rate=Rate(10, 20),
    app_rate=Rate(20, 40),
    credentials=("client_id", "client_secret", "developer_token"),
    statuses=STATUSES,
    account_statuses=ACCOUNT_STATUSES,
    account_codes=ACCOUNT_CODES,
    counting=Counting(windows=("primary",), says="All goals that Microsoft counts in its column Conversions."),
)

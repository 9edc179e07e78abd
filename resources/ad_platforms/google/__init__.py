"""Google Ads API v26 over REST."""

from resources.ad_platforms.google.client import Google
from resources.ad_platforms.google.rows import read
from resources.ad_platforms.google.words import ACCOUNT_CODES, ACCOUNT_STATUSES, STATUSES
from resources.ad_platforms.platform import Counting, Platform
from resources.ad_platforms.records import Stream
from resources.pacing import Rate

PLATFORM = Platform(
    name="google",
    title="Google Ads",
    open=Google,
    read=read,
    streams=frozenset(Stream),
    longest_days=92,
    account_rate=Rate(5, 10),
    app_rate=Rate(20, 40),
    credentials=("client_id", "client_secret", "developer_token"),
    statuses=STATUSES,
    account_statuses=ACCOUNT_STATUSES,
    account_codes=ACCOUNT_CODES,
    counting=Counting(windows=("primary",), says="All actions that Google counts in its column Conversions."),
)

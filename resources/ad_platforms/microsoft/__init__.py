"""Microsoft Advertising over REST v13: entities by query, facts by report jobs."""

from resources.ad_platforms.microsoft.client import Microsoft
from resources.ad_platforms.microsoft.rows import read
from resources.ad_platforms.records import Stream

STREAMS = frozenset(Stream)
LONGEST_DAYS = 92

__all__ = ["LONGEST_DAYS", "STREAMS", "Microsoft", "read"]

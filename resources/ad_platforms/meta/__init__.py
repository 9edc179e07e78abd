"""Meta (Facebook and Instagram ads), Graph API v26.0. Meta has no keywords, and no record of one is made."""

from resources.ad_platforms.meta.client import Meta, attribution
from resources.ad_platforms.meta.rows import read
from resources.ad_platforms.records import Stream

STREAMS = frozenset(Stream) - {Stream.KEYWORDS, Stream.KEYWORD_DAYS}
LONGEST_DAYS = 92

__all__ = ["LONGEST_DAYS", "STREAMS", "Meta", "attribution", "read"]

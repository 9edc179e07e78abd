"""What the index remembers of a value, and until when a key may live. Pure.

A key expires only at moments of its own phase, which follows from its name: one every SPREAD. Whenever it is written,
alone or together with all others, first or again, its expiry is the last of these moments within the TTL. So the
expiries of any keys at any time lie as evenly over the minutes as the phases do.
"""

import hashlib
from datetime import UTC, datetime, timedelta

TTL = timedelta(hours=26)
SPREAD = timedelta(hours=6, minutes=30)
# Written again when less than this is left: warmings may stay away for so long before a key runs out.
RENEW = timedelta(hours=6, minutes=30)
# Of 100,000 keys, at most this share expires within any one minute; evenly it would be 0.26 %.
MOST_IN_A_MINUTE = 0.004
# KV takes one write a second for one key.
BETWEEN_WRITES = timedelta(seconds=1)
# The digest of no value: what the index says of a key whose write was begun.
UNKNOWN = b""


def digest(value: bytes) -> bytes:
    """What the index remembers of a value."""
    return hashlib.blake2b(value, digest_size=16).digest()


def expiry(key: str, now: datetime) -> datetime:
    """When a key that is written now expires, in whole seconds: later than TTL − SPREAD from now, and within TTL."""
    spread = int(SPREAD.total_seconds())
    phase = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest()) % spread
    latest = int((now + TTL).timestamp())
    return datetime.fromtimestamp(latest - (latest - phase) % spread, UTC)

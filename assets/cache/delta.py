"""What the index stores about a value, and when a key expires. Pure.

The name of a key decides the moments at which it may expire: one every SPREAD. Whenever the key is written, it gets the
last of these moments within the TTL. So the expiries of many keys are spread evenly over time, also when all keys are
written together.
"""

import hashlib
from datetime import UTC, datetime, timedelta

TTL = timedelta(hours=26)
SPREAD = timedelta(hours=6, minutes=30)
# A key is written again when less than this is left. So warmings may fail for this long before a key expires.
RENEW = timedelta(hours=6, minutes=30)
# Of 100,000 keys at most this share expires within any minute; an even spread would be 0.26 %.
MOST_IN_A_MINUTE = 0.004
# KV accepts one write a second for one key.
BETWEEN_WRITES = timedelta(seconds=1)
# The digest of no value: the index has it for a key whose write has begun.
UNKNOWN = b""
# The name in a key's metadata under which its value's digest is written, in hex.
DIGEST = "digest"


def digest(value: bytes) -> bytes:
    """What the index stores about a value."""
    return hashlib.blake2b(value, digest_size=16).digest()


def expiry(key: str, now: datetime) -> datetime:
    """When a key that is written now expires, in whole seconds: between TTL − SPREAD and TTL from now."""
    spread = int(SPREAD.total_seconds())
    phase = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest()) % spread
    latest = int((now + TTL).timestamp())
    return datetime.fromtimestamp(latest - (latest - phase) % spread, UTC)

"""Workers KV's documented limits, which both rooms check before they send anything. A refusal has the key as a hash.

Source: developers.cloudflare.com/kv/platform/limits.
"""

import json

from resources.kv.protocol import Entry, KVError, Metadata, hidden

MAX_KEY_BYTES = 512
MAX_VALUE_BYTES = 25 * 1024 * 1024
MAX_METADATA_BYTES = 1024
MIN_TTL_SECONDS = 60
MAX_BULK_PAIRS = 10_000
MAX_BULK_BYTES = 100_000_000
MAX_BULK_GET = 100
REFUSED = 10033
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def check_key(key: str) -> None:
    """Refuse an empty key, `.`, `..`, text that is not UTF-8, and more than 512 bytes."""
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        raise _refused(key, "is not UTF-8 (a lone surrogate)") from None
    if key in {"", ".", ".."}:
        raise _refused(key, "is no key for KV")
    if size > MAX_KEY_BYTES:
        raise _refused(key, f"has {size:,} bytes, above KV's {MAX_KEY_BYTES}")


def check_entry(entry: Entry, now: float) -> None:
    """Refuse a pair that KV would refuse; `now` in Unix seconds."""
    check_key(entry.key)
    if len(entry.value) > MAX_VALUE_BYTES:
        raise _refused(entry.key, f"has a value of {len(entry.value):,} bytes, above KV's {MAX_VALUE_BYTES:,}")
    if entry.value.startswith(BYTE_ORDER_MARK):
        raise _refused(entry.key, "has a value that begins with a byte order mark, which KV's bulk read drops")
    size = len(metadata_json(entry.metadata).encode())
    if entry.metadata is not None and size > MAX_METADATA_BYTES:
        raise _refused(entry.key, f"has metadata of {size:,} bytes, above KV's {MAX_METADATA_BYTES:,}")
    if entry.ttl is not None and entry.expires_at is not None:
        raise _refused(entry.key, "has both a TTL and a time of expiry")
    if entry.ttl is not None and entry.ttl < MIN_TTL_SECONDS:
        raise _refused(entry.key, f"has a TTL of {entry.ttl} s, below KV's {MIN_TTL_SECONDS}")
    if entry.expires_at is not None and entry.expires_at < now + MIN_TTL_SECONDS:
        raise _refused(entry.key, f"expires {entry.expires_at - now:.0f} s from now, below KV's {MIN_TTL_SECONDS}")


def metadata_json(metadata: Metadata | None) -> str:
    """Metadata as JSON; the limit counts the bytes of this text."""
    return json.dumps(metadata, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def shown(key: str) -> str:
    """A key for a message: its first 60 characters."""
    return key if len(key) <= 60 else f"{key[:60]}…"


def _refused(key: str, reason: str) -> KVError:
    return KVError(REFUSED, f"key {hidden(key)} {reason}", (key,))

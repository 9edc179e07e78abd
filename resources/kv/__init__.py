"""Workers KV, Cloudflare's cache near its readers: one contract (`KV`) with two rooms, a SQLite file and the HTTP API.

What does not belong here: what is cached, and under which keys.
"""

from resources.kv.cloudflare import CloudflareKV
from resources.kv.embedded import EmbeddedKV
from resources.kv.protocol import KV, Entry, KeyInfo, KVError, hidden

__all__ = ["KV", "CloudflareKV", "EmbeddedKV", "Entry", "KVError", "KeyInfo", "hidden"]

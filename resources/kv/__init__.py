"""Workers KV, Cloudflare's cache near every reader: one door (`KV`) with two rooms, a SQLite file and the HTTP API.

What is cached, and under which keys, is decided elsewhere.
"""

from resources.kv.cloudflare import CloudflareKV
from resources.kv.embedded import EmbeddedKV
from resources.kv.namespace import KV, Entry, KeyInfo, KVError

__all__ = ["KV", "CloudflareKV", "EmbeddedKV", "Entry", "KVError", "KeyInfo"]

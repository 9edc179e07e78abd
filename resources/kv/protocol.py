"""The contract of Workers KV: what both rooms do alike, and their entries and errors.

What does not belong here: an engine (embedded.py), HTTP (cloudflare.py).
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

Metadata = Mapping[str, Any]


SHORTEST = 6
"""From so many characters on a key is looked for in a message; a shorter one may be part of any word."""


def hidden(key: str) -> str:
    """A key for a message, as `#` and 12 digits of its hash, because a key may hold a person's id."""
    return f"#{hashlib.sha256(key.encode(errors='surrogatepass')).hexdigest()[:12]}"


class KVError(Exception):
    """KV refused a request or failed. `code` is Cloudflare's number; `keys` are the first of the keys concerned, which
    the message has as hashes, also where Cloudflare repeats them.
    """

    def __init__(self, code: int, message: str, keys: tuple[str, ...] = ()) -> None:
        for key in sorted(keys, key=len, reverse=True):
            message = message.replace(key, hidden(key)) if len(key) >= SHORTEST else message
        super().__init__(f"KV error {code}: {message}")
        self.code = code
        self.message = message
        self.keys = keys

    def __reduce__(self) -> tuple[type["KVError"], tuple[int, str, tuple[str, ...]]]:
        return KVError, (self.code, self.message, self.keys)


@dataclass(frozen=True, slots=True)
class Entry:
    """A pair to write. It expires at `expires_at` (Unix seconds) or `ttl` seconds after the write, or never.

    The value may be any bytes that do not begin with UTF-8's byte order mark. Metadata is JSON of at most 1,024 bytes.
    The repr shows neither.
    """

    key: str
    value: bytes = field(repr=False)
    expires_at: int | None = None
    ttl: int | None = None
    metadata: Metadata | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """A key in a listing: `expiration` in Unix seconds, or None."""

    name: str
    expiration: int | None
    metadata: Metadata | None = field(default=None, repr=False)


class KV(Protocol):
    """One namespace; safe to share among threads. Failures are `KVError`, or `HttpError` on the way.

    For 60 s after a write, Cloudflare may still serve the old value or a miss. So never read back to verify a write.
    settles_within: after this time, reads and listings show a write for certain.
    """

    settles_within: timedelta

    def put_many(self, entries: Iterable[Entry]) -> None:
        """Write any number of pairs; the last one of a key counts. After an interruption, run it again."""

    def get(self, key: str) -> bytes | None:
        """The value, or None for a key that is missing or expired."""

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """The values of those keys that exist."""

    def delete_many(self, keys: Iterable[str]) -> None:
        """Delete any number of keys; a missing one is no error."""

    def list(self, prefix: str = "") -> Iterator[KeyInfo]:
        """The keys with `prefix` in the order of their UTF-8 bytes, read page by page."""

    def scrub(self) -> timedelta:
        """Overwrite what was deleted, as far as the room can; for how long the service may still show it."""

    def close(self) -> None:
        """Close connections and file handles; the next call opens new ones."""

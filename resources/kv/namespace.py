"""The door of Workers KV: what any namespace can do, in the words both rooms share. No engine and no HTTP in here."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

Metadata = Mapping[str, Any]


class KVError(Exception):
    """KV refused or failed; `code` is Cloudflare's number, `keys` the keys concerned (not all of very many)."""

    def __init__(self, code: int, message: str, keys: tuple[str, ...] = ()) -> None:
        super().__init__(f"KV error {code}: {message}")
        self.code = code
        self.message = message
        self.keys = keys

    def __reduce__(self) -> tuple[type["KVError"], tuple[int, str, tuple[str, ...]]]:
        return KVError, (self.code, self.message, self.keys)


@dataclass(frozen=True, slots=True)
class Entry:
    """A pair to write. It ends at `expires_at` (Unix seconds) or `ttl` seconds after the write, or never.

    The value may be any bytes that don't begin with UTF-8's byte order mark. It stays out of the repr, and so does
    the metadata (JSON, at most 1,024 bytes).
    """

    key: str
    value: bytes = field(repr=False)
    expires_at: int | None = None
    ttl: int | None = None
    metadata: Metadata | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """A key as a listing gives it: `expiration` in Unix seconds, or None."""

    name: str
    expiration: int | None
    metadata: Metadata | None = field(default=None, repr=False)


class KV(Protocol):
    """One namespace; safe to share among threads. Every failure is a `KVError` (or an `HttpError` on the way).

    Cloudflare's places may serve an old value, or a miss, for 60 s after a write: never read back to verify.
    """

    def put_many(self, entries: Iterable[Entry]) -> None:
        """Write any number of pairs, the last of one key winning. A cut-off call has written some: run it again."""

    def get(self, key: str) -> bytes | None:
        """The value, or None for a key that is missing or expired."""

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """The values of those keys that exist."""

    def delete_many(self, keys: Iterable[str]) -> None:
        """Delete any number of keys; a missing one is no error."""

    def list(self, prefix: str = "") -> Iterator[KeyInfo]:
        """The keys with `prefix` in order of their UTF-8 bytes, fetched page by page."""

    def close(self) -> None:
        """Give back connections and file handles; the next call opens them again."""

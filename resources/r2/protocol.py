"""The contract of an object store: what a local folder (folder.py) and an R2 bucket (bucket.py) do alike.

What belongs here: the protocol, what a listing shows, the errors. What does not: obstore, which does the work
(objects.py), and what is in the objects.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from resources.declined import DeclinedError

if TYPE_CHECKING:
    from pyarrow import fs


StorageClass: TypeAlias = Literal["STANDARD", "STANDARD_IA"]
LONGEST_SIGNATURE_SECONDS = 7 * 24 * 3600


class ObjectStoreError(RuntimeError):
    """The store refused the request or did not answer; the message names the operation and the key."""


class ObjectStoreUnreachableError(DeclinedError, ObjectStoreError):
    """The store does not answer; the same may go well later."""

    retryable = True


class ObjectNotFoundError(FileNotFoundError):
    """There is no object under this key."""


@dataclass(frozen=True)
class ObjectInfo:
    """An object as a listing shows it: size in bytes, time in UTC and whole seconds (S3's HEAD has no finer time)."""

    key: str
    size: int
    etag: str | None
    last_modified: dt.datetime


class ObjectStore(Protocol):
    """Objects under keys; safe to share among threads. Failures are ObjectStoreError or ObjectNotFoundError.

    A reader sees a whole object or none: a half-written object never appears under its key, even after a kill. Keys
    are relative paths (keys.py; ValueError for any other). `a` and `a/b` cannot both be objects, because a folder
    cannot hold both.
    """

    def put(self, key: str, data: bytes | Iterable[bytes], *, storage_class: StorageClass | None = None) -> None:
        """Store bytes, or a stream of chunks of any sizes, and replace the object that was there.

        A stream above 16 MiB is sent in equal parts. If it fails, the old object stays. `STANDARD_IA` is R2's
        Infrequent Access, which charges for at least 30 days.
        """

    def put_if_absent(self, key: str, data: bytes, *, storage_class: StorageClass | None = None) -> bool:
        """Store bytes if the key is free. True for the one call that stored them; otherwise nothing changes."""

    def replace(self, key: str, data: bytes, etag: str) -> str | None:
        """Replace the object that has this etag. The new etag, or None if another object or none is there now."""

    def get(self, key: str) -> bytes:
        """The whole object; an ObjectStoreError if its body was cut short."""

    def stream(self, key: str, chunk_bytes: int = 8 * 1024 * 1024) -> Iterator[bytes]:
        """The object in chunks of at least `chunk_bytes` (the last may be shorter). A body cut short is an error."""

    def head(self, key: str) -> ObjectInfo:
        """Size, etag and time of an object."""

    def exists(self, key: str) -> bool:
        """Whether there is an object under this key."""
        try:
            self.head(key)
        except ObjectNotFoundError:
            return False
        return True

    def list(self, prefix: str = "", start_after: str | None = None) -> Iterator[ObjectInfo]:
        """The objects below `prefix` in the order of their keys. A prefix is a folder: `a/b` does not match `a/bc`.

        `start_after` leaves out that key and all before it: the last key of one listing resumes it in another.
        """

    def list_prefixes(self, prefix: str = "") -> Sequence[str]:
        """The folders directly below `prefix` that hold an object: whole prefixes without a final slash, sorted."""

    def delete(self, keys: str | Iterable[str]) -> None:
        """Remove objects; a missing key is no error."""

    def copy(self, source: str, target: str) -> None:
        """Copy an object inside the store and replace the one at `target`; ObjectNotFoundError without a source."""

    def signed_url(self, key: str, seconds: int, method: Literal["GET", "PUT"] = "GET") -> str:
        """A URL that gives access to this one object for a time, at most 7 days (ValueError for any other time)."""

    def uri(self, key: str = "") -> str:
        """The address of the object for other engines: an absolute path, or `s3://bucket/prefix/key`."""

    def polars_options(self) -> dict[str, str]:
        """`storage_options` for polars on `uri(...)`; they hold the secret key of a bucket."""

    def iceberg_properties(self) -> dict[str, str]:
        """pyiceberg's FileIO properties for `uri(...)`; they hold the secret key of a bucket."""

    def arrow_filesystem(self) -> "fs.FileSystem":
        """pyarrow's file system for `uri(...)` without its `s3://`."""

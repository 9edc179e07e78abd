"""Objects under keys, in a local folder or in an R2 bucket over S3: one type, two rooms.

What belongs here: put, get, list, delete, copy, sign. What does not: what other engines need to know to read the same
objects (engines.py), what is in the objects.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, GenericError, NotFoundError, PreconditionError
from obstore.store import LocalStore, S3Store
from pyarrow import fs

from resources.r2.engines import Bucket
from resources.r2.keys import checked_key, checked_prefix

StorageClass: TypeAlias = Literal["STANDARD", "STANDARD_IA"]

# R2 takes up to 10,000 parts of one size (5 MiB to 5 GiB): 16 MiB reaches 160 GB with 64 MiB in flight.
PART_BYTES = 16 * 1024 * 1024
PARTS_IN_FLIGHT = 4
DELETE_BATCH = 1_000  # of one DeleteObjects request
LONGEST_SIGNATURE_SECONDS = 7 * 24 * 3600
WRITER = "writer"  # user metadata that tells whose put-if-absent made an object


class ObjectStoreError(RuntimeError):
    """The store refused or could not be reached; the message names operation and key."""


class ObjectNotFoundError(FileNotFoundError):
    """No object under this key."""


@dataclass(frozen=True)
class ObjectInfo:
    """An object as a listing shows it: size in bytes, time in UTC and whole seconds (S3's HEAD knows no finer one)."""

    key: str
    size: int
    etag: str | None
    last_modified: dt.datetime


class ObjectStore:
    """Objects in a folder (`ObjectStore.folder`) or a bucket (`ObjectStore.bucket`), under one optional prefix.

    An object is seen whole or not at all: half-written ones never appear under their key, whatever is killed. Keys
    are relative paths (see keys.py); `a` and `a/b` cannot both be objects, since a folder cannot hold both.
    """

    def __init__(
        self, store: LocalStore | S3Store, root: Path | Bucket, prefix: str = "", storage_classes: bool = False
    ) -> None:
        """Use `folder` or `bucket` instead."""
        self._storage_classes = storage_classes
        self._store = store
        self._root = root
        self._prefix = prefix

    @classmethod
    def folder(cls, path: Path) -> Self:
        """Objects as files of a local folder, made when it is missing."""
        path = path.expanduser().resolve()
        # Empty folders stay: removing one races with a writer that is about to use it. Listings do not show them.
        return cls(LocalStore(path, mkdir=True), path)

    @classmethod
    def bucket(
        cls,
        endpoint: str,
        bucket: str,
        access_key_id: str,
        secret_access_key: str,
        region: str = "auto",
        prefix: str = "",
        *,
        request_seconds: float = 120.0,
        retries: int = 5,
        backoff_seconds: float = 0.2,
        storage_classes: bool = True,
    ) -> Self:
        """Objects of an S3 bucket, path style, under `prefix`; a request is tried `1 + retries` times, the first again
        after about `backoff_seconds`, each later one after twice as long. Without `storage_classes` (an S3 server
        that knows none) they are left out of requests.
        """
        place = Bucket(endpoint.rstrip("/"), bucket, access_key_id, secret_access_key, region)
        prefix = checked_prefix(prefix)
        store = S3Store(
            bucket,
            prefix=prefix or None,
            config={
                # Named in full because obstore takes what is missing here from AWS_* environment variables.
                "aws_endpoint_url_s3": place.endpoint,
                "region": region,
                "virtual_hosted_style_request": False,
                "skip_signature": False,
                "request_payer": False,
                "s3_express": False,
            },
            credential_provider=_Credentials(place),
            client_options={
                "allow_http": place.is_plain_http,
                "connect_timeout": dt.timedelta(seconds=min(10.0, request_seconds)),
                "timeout": dt.timedelta(seconds=request_seconds),
            },
            retry_config={
                "max_retries": retries,
                "retry_timeout": dt.timedelta(minutes=3),
                "backoff": {
                    "init_backoff": dt.timedelta(seconds=backoff_seconds),
                    "max_backoff": dt.timedelta(seconds=10),
                },
            },
        )
        return cls(store, place, prefix, storage_classes)

    def __repr__(self) -> str:
        return f"ObjectStore({self.uri()!r})"

    def put(self, key: str, data: bytes | Iterable[bytes], *, storage_class: StorageClass | None = None) -> None:
        """Store bytes, or a stream of chunks of any sizes, in place of what was there.

        A stream above 16 MiB goes up in equal parts; one that fails half way leaves the old object. `STANDARD_IA` is
        R2's Infrequent Access (at least 30 days are charged); a folder has one class only.
        """
        checked_key(key)
        attributes = self._classed(storage_class) or None
        with _named("put", key):
            if isinstance(data, bytes | bytearray | memoryview):
                whole: bytes | None = bytes(data)
            else:
                # A short stream is one request; S3 has no multipart upload without parts.
                chunks = iter(data)
                head = bytearray()
                for chunk in chunks:
                    head += chunk
                    if len(head) > PART_BYTES:
                        break
                whole = bytes(head) if len(head) <= PART_BYTES else None
            if whole is not None and len(whole) <= PART_BYTES:
                obstore.put(self._store, key, whole, attributes=attributes, use_multipart=False)
            else:
                parts = iter([whole]) if whole is not None else chain([bytes(head)], chunks)
                obstore.put(
                    self._store,
                    key,
                    parts,
                    attributes=attributes,
                    use_multipart=True,
                    chunk_size=PART_BYTES,
                    max_concurrency=PARTS_IN_FLIGHT,
                )

    def put_if_absent(self, key: str, data: bytes, *, storage_class: StorageClass | None = None) -> bool:
        """Store bytes where nothing is yet; True for the one call that did. Nothing is changed otherwise."""
        checked_key(key)
        writer = uuid.uuid4().hex
        attributes = {**self._classed(storage_class), WRITER: writer} if self._is_bucket else None
        with _named("put", key):
            try:
                _repeated(lambda: obstore.put(self._store, key, data, attributes=attributes, mode="create"))
            except AlreadyExistsError:
                # The answer to a put that was stored can get lost; its repetition then meets its own object.
                return self._is_bucket and obstore.get(self._store, key).attributes.get(WRITER) == writer
        return True

    def replace(self, key: str, data: bytes, etag: str) -> str | None:
        """Store bytes in the place of the object that has this etag; the new etag, or None where it is no longer there.

        A bucket decides in one step. A folder looks, then writes: what another process puts there in between is lost.
        """
        checked_key(key)
        with _named("put", key):
            if self._is_bucket:
                try:
                    return obstore.put(self._store, key, data, mode={"e_tag": etag}, use_multipart=False)["e_tag"]
                except PreconditionError:
                    return None
            try:
                if self.head(key).etag != etag:
                    return None
            except ObjectNotFoundError:
                return None
            return obstore.put(self._store, key, data)["e_tag"]

    def get(self, key: str) -> bytes:
        """The whole object; raises ObjectNotFoundError, and an error where its body was cut short."""
        checked_key(key)
        with _named("get", key):
            result = obstore.get(self._store, key)
            # Not by way of `stream`, which reads a file in steps of 8 KiB and takes six times as long.
            data = result.bytes().to_bytes()
            _check_whole(key, result.meta["size"], len(data))
            return data

    def stream(self, key: str, chunk_bytes: int = 8 * 1024 * 1024) -> Iterator[bytes]:
        """The object in chunks of at least `chunk_bytes` (the last may be shorter); a body cut short is an error."""
        checked_key(key)
        with _named("get", key):
            result = obstore.get(self._store, key)
            received = 0
            for chunk in result.stream(chunk_bytes):
                received += len(chunk)
                yield bytes(chunk)
            _check_whole(key, result.meta["size"], received)

    def head(self, key: str) -> ObjectInfo:
        """What a listing would say of one object; raises ObjectNotFoundError."""
        checked_key(key)
        with _named("head", key):
            return _info(obstore.head(self._store, key))

    def exists(self, key: str) -> bool:
        """Whether there is an object under this key."""
        try:
            self.head(key)
        except ObjectNotFoundError:
            return False
        return True

    def list(self, prefix: str = "", start_after: str | None = None) -> Iterator[ObjectInfo]:
        """The objects below `prefix` (a folder: `a/b` is not a prefix of `a/bc`), in the order of their keys.

        `start_after` leaves out that key and all before it: the last key seen resumes a listing.
        """
        prefix = checked_prefix(prefix)
        with _named("list", prefix):
            pages = obstore.list(self._store, prefix or None, offset=start_after, chunk_size=1_000)
            found = (_info(meta) for page in pages for meta in page)
            # A bucket lists in order, page by page; a folder in whatever order the disk has.
            yield from found if self._is_bucket else sorted(found, key=lambda info: info.key)

    def list_prefixes(self, prefix: str = "") -> Sequence[str]:
        """The folders directly below `prefix` that hold an object, as whole prefixes without closing slash, sorted."""
        prefix = checked_prefix(prefix)
        with _named("list", prefix):
            found = sorted(obstore.list_with_delimiter(self._store, prefix or None)["common_prefixes"])
        if self._is_bucket:
            return found
        return [name for name in found if next(self.list(name), None) is not None]

    def delete(self, keys: str | Iterable[str]) -> None:
        """Remove objects; a key that is not there is no error."""
        remaining = iter([keys] if isinstance(keys, str) else keys)
        while batch := [checked_key(key) for key in islice(remaining, DELETE_BATCH)]:
            with _named("delete", batch[0]):
                if self._is_bucket:
                    _repeated(partial(obstore.delete, self._store, batch))
                    continue
                for key in batch:
                    with suppress(NotFoundError, FileNotFoundError):
                        obstore.delete(self._store, key)

    def copy(self, source: str, target: str) -> None:
        """Copy inside the store, over what was at the target; raises ObjectNotFoundError."""
        checked_key(source)
        checked_key(target)
        with _named("copy", source):
            obstore.copy(self._store, source, target)

    def signed_url(self, key: str, seconds: int, method: Literal["GET", "PUT"] = "GET") -> str:
        """A URL that gives anyone who has it this one object for a time (at most 7 days). A folder has no one to keep
        out: its answer is the file's own `file://` URL, without an end.
        """
        checked_key(key)
        if not 1 <= seconds <= LONGEST_SIGNATURE_SECONDS:
            raise ValueError(f"signed URL of {key}: {seconds} s is not between 1 s and 7 days")
        if isinstance(self._store, LocalStore):
            return Path(self.uri(key)).as_uri()
        with _named("sign", key):
            return obstore.sign(self._store, method, key, dt.timedelta(seconds=seconds))

    def uri(self, key: str = "") -> str:
        """Where other engines find the object: an absolute path, or `s3://bucket/prefix/key`."""
        key = checked_prefix(key)
        if isinstance(self._root, Path):
            return str(self._root / key)
        return "/".join(part for part in (f"s3://{self._root.name}", self._prefix, key) if part)

    def polars_options(self) -> dict[str, str]:
        """`storage_options` for polars on `uri(...)`: empty for a folder. Holds the secret."""
        return self._root.polars_options() if isinstance(self._root, Bucket) else {}

    def iceberg_properties(self) -> dict[str, str]:
        """pyiceberg's FileIO properties for `uri(...)`: empty for a folder. Holds the secret."""
        return self._root.iceberg_properties() if isinstance(self._root, Bucket) else {}

    def arrow_filesystem(self) -> fs.FileSystem:
        """pyarrow's file system for `uri(...)` without its `s3://`."""
        return self._root.arrow_filesystem() if isinstance(self._root, Bucket) else fs.LocalFileSystem()

    def _classed(self, storage_class: StorageClass | None) -> dict[str, str]:
        return {"Storage-Class": storage_class} if storage_class and self._storage_classes else {}

    @property
    def _is_bucket(self) -> bool:
        return isinstance(self._root, Bucket)


class _Credentials:
    """The bucket's own keys and no session token, whatever AWS_SESSION_TOKEN the environment holds."""

    def __init__(self, place: Bucket) -> None:
        self._place = place

    def __call__(self) -> Any:
        return {
            "access_key_id": self._place.access_key_id,
            "secret_access_key": self._place.secret_access_key,
            "token": None,
            "expires_at": None,
        }


def _repeated(ask: Callable[[], Any]) -> None:
    """Ask again once when no answer came: obstore does not by itself for a conditional put and a delete of many."""
    try:
        ask()
    except GenericError:
        ask()


def _check_whole(key: str, size: int, received: int) -> None:
    if received != size:
        raise ObjectStoreError(f"get {key}: {size - received} bytes of {size} are missing")


def _info(meta: Any) -> ObjectInfo:
    modified = meta["last_modified"].astimezone(dt.UTC).replace(microsecond=0)
    return ObjectInfo(meta["path"], meta["size"], meta["e_tag"], modified)


@contextmanager
def _named(operation: str, key: str) -> Iterator[None]:
    """obstore's errors repeat requests and answers at length; ours name operation and key and give the first line."""
    try:
        yield
    except (NotFoundError, FileNotFoundError):
        raise ObjectNotFoundError(f"{operation} {key}: no such object") from None
    except BaseError as error:
        first_line = str(error).strip().splitlines()[0]
        raise ObjectStoreError(f"{operation} {key}: {type(error).__name__}: {first_line}") from None

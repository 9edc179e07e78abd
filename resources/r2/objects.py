"""What the folder and the bucket share: calls of obstore with checked keys, and errors that name operation and key.

What does not belong here: what only one of the two does (folder.py, bucket.py).
"""

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore, S3Store

from resources.meter import R2_CLASS_A, R2_CLASS_B, Count, nobody
from resources.r2.keys import checked_key, checked_prefix
from resources.r2.protocol import (
    LONGEST_SIGNATURE_SECONDS,
    ObjectInfo,
    ObjectNotFoundError,
    ObjectStoreError,
    ObjectStoreUnreachableError,
)
from resources.redaction import NOTHING, Secrets

# R2 takes up to 10,000 parts of one size (5 MiB to 5 GiB): 16 MiB reaches 160 GB with 64 MiB in flight.
PART_BYTES = 16 * 1024 * 1024
PARTS_IN_FLIGHT = 4
CLASSES = {"put": R2_CLASS_A, "copy": R2_CLASS_A, "list": R2_CLASS_A, "get": R2_CLASS_B, "head": R2_CLASS_B}
"""What each operation is charged as; deleting and signing cost nothing."""
# obstore has no class of its own for it; the text of an error ends with the error below.
NO_ANSWER = re.compile(r"kind: (Connect|Timeout)\b")
# The request that failed, with its address, times and tries; what a server answers begins after it.
_REQUEST = re.compile(r"^.*\bError performing [A-Z]+ \S+ in [^,\s]+(?:, after .*?retry_timeout: \S+)?\s+- ")
_STATUS = re.compile(r"status code: (\d{3}[^:<\n]*)")
_CODE = re.compile(r"<Code>(\w+)</Code>")
NO_BUCKET = "NoSuchBucket"


class Objects:
    """The objects of one obstore store; the methods are those of `ObjectStore` that both rooms do in the same way.

    reach: what to do next where the store does not answer. count: gets each request.
    """

    def __init__(
        self,
        store: LocalStore | S3Store,
        secrets: Secrets = NOTHING,
        *,
        reach: str = "see that it can be reached",
        count: Count = nobody,
    ) -> None:
        self._store = store
        self._secrets = secrets
        self._reach = reach
        self._count = count

    @contextmanager
    def named(self, operation: str, key: str) -> Iterator[None]:
        """Replace obstore's errors, which repeat whole requests and answers. Ours hold operation, key, and one line."""
        if operation in CLASSES:
            self._count(CLASSES[operation], 1)
        try:
            yield
        except (NotFoundError, FileNotFoundError) as error:
            self._secrets.cleaned(error)
            if NO_BUCKET in str(error):
                raise ObjectStoreError(f"{operation} {key}: {_said(error)}") from None
            raise ObjectNotFoundError(f"{operation} {key}: no such object") from None
        except BaseError as error:
            self._secrets.cleaned(error)
            reason = f"{operation} {key}: {_said(error)}"
            if NO_ANSWER.search(str(error)):
                raise ObjectStoreUnreachableError(reason, self._reach) from None
            raise ObjectStoreError(reason) from None

    def put(self, key: str, data: bytes | Iterable[bytes], attributes: dict[str, str] | None = None) -> None:
        """See `ObjectStore.put`; `attributes` are stored with the object."""
        checked_key(key)
        with self.named("put", key):
            # A short stream is one request, because S3 has no multipart upload without parts.
            chunks = iter([bytes(data)] if isinstance(data, bytes | bytearray | memoryview) else data)
            start: list[bytes] = []
            size = 0
            for chunk in chunks:
                start.append(chunk)
                size += len(chunk)
                if size > PART_BYTES:
                    break
            if size <= PART_BYTES:
                obstore.put(self._store, key, b"".join(start), attributes=attributes, use_multipart=False)
                return
            sent = _Sent(chain(start, chunks))
            obstore.put(
                self._store,
                key,
                sent,
                attributes=attributes,
                use_multipart=True,
                chunk_size=PART_BYTES,
                max_concurrency=PARTS_IN_FLIGHT,
            )
            # The parts, and the request that puts them together; the one that begins is counted already.
            self._count(CLASSES["put"], -(-sent.bytes // PART_BYTES) + 1)

    def get(self, key: str) -> bytes:
        """See `ObjectStore.get`."""
        checked_key(key)
        with self.named("get", key):
            result = obstore.get(self._store, key)
            # `stream` would read a file in steps of 8 KiB, which takes six times as long.
            data = result.bytes().to_bytes()
            _check_whole(key, result.meta["size"], len(data))
            return data

    def stream(self, key: str, chunk_bytes: int) -> Iterator[bytes]:
        """See `ObjectStore.stream`."""
        checked_key(key)
        with self.named("get", key):
            result = obstore.get(self._store, key)
            received = 0
            for chunk in result.stream(chunk_bytes):
                received += len(chunk)
                yield bytes(chunk)
            _check_whole(key, result.meta["size"], received)

    def head(self, key: str) -> ObjectInfo:
        """See `ObjectStore.head`."""
        checked_key(key)
        with self.named("head", key):
            return _info(obstore.head(self._store, key))

    def list(self, prefix: str, start_after: str | None) -> Iterator[ObjectInfo]:
        """As `ObjectStore.list`, but in the order that the store has."""
        prefix = checked_prefix(prefix)
        with self.named("list", prefix):
            for number, page in enumerate(
                obstore.list(self._store, prefix or None, offset=start_after, chunk_size=1_000)
            ):
                if number:
                    self._count(CLASSES["list"], 1)
                yield from map(_info, page)

    def list_prefixes(self, prefix: str) -> Sequence[str]:
        """The folders directly below `prefix`, sorted."""
        prefix = checked_prefix(prefix)
        with self.named("list", prefix):
            return sorted(obstore.list_with_delimiter(self._store, prefix or None)["common_prefixes"])


class _Sent(Iterator[bytes]):
    """Chunks on their way, and how many bytes they had so far."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self.bytes = 0

    def __next__(self) -> bytes:
        chunk = next(self._chunks)
        self.bytes += len(chunk)
        return chunk


def check_signature(key: str, seconds: int) -> None:
    """Raise ValueError for a key that cannot be, and for a time outside 1 s to 7 days."""
    checked_key(key)
    if not 1 <= seconds <= LONGEST_SIGNATURE_SECONDS:
        raise ValueError(f"signed URL of {key}: {seconds} s is not between 1 s and 7 days")


def _said(error: Exception) -> str:
    """What an error of obstore says, without the request: the status and code of an answer, else its own words."""
    text = str(error).strip()
    first = text.splitlines()[0]
    if (status := _STATUS.search(first)) is not None:
        code = _CODE.search(text)
        return f"the server answers {status[1].strip()}{f' ({code[1]})' if code else ''}"
    return _REQUEST.sub("", first).removeprefix("Generic S3 error: ")


def _check_whole(key: str, size: int, received: int) -> None:
    if received != size:
        raise ObjectStoreError(f"get {key}: {size - received} bytes of {size} are missing")


def _info(meta: Any) -> ObjectInfo:
    modified = meta["last_modified"].astimezone(dt.UTC).replace(microsecond=0)
    return ObjectInfo(meta["path"], meta["size"], meta["e_tag"], modified)

"""The real room of R2: objects of a bucket over S3. Its local runtime and any other S3 server answer alike."""

import datetime as dt
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, GenericError, PreconditionError
from obstore.store import S3Store

from resources.chunks import chunked
from resources.meter import Count, nobody
from resources.r2.engines import Bucket
from resources.r2.keys import checked_key, checked_prefix
from resources.r2.objects import Objects, check_signature
from resources.r2.protocol import ObjectInfo, ObjectStore, StorageClass
from resources.redaction import Secrets
from resources.unreachable import where_to_look

if TYPE_CHECKING:
    from pyarrow import fs

DELETE_BATCH = 1_000  # of one DeleteObjects request
WRITER = "writer"  # user metadata that tells which put_if_absent made an object


class BucketObjectStore(ObjectStore):
    """Objects of `bucket` under `prefix`.

    A request is tried `1 + retries` times: again after about `backoff_seconds`, then after twice as long each time.
    One try takes `request_seconds` at most. `storage_classes=False` leaves them out of requests, for an S3 server
    that has none. `setting` is the variable that says where the bucket is, for errors. `count` gets each request.
    """

    def __init__(
        self,
        bucket: Bucket,
        prefix: str = "",
        *,
        request_seconds: float = 120.0,
        retries: int = 5,
        backoff_seconds: float = 0.2,
        storage_classes: bool = True,
        setting: str | None = None,
        count: Count = nobody,
    ) -> None:
        self._bucket = bucket
        self._prefix = checked_prefix(prefix)
        self._storage_classes = storage_classes
        self._store = S3Store(
            bucket.name,
            prefix=self._prefix or None,
            config={
                # All settings are named, because obstore takes a missing one from AWS_* environment variables.
                "aws_endpoint_url_s3": bucket.endpoint,
                "region": bucket.region,
                "virtual_hosted_style_request": False,
                "skip_signature": False,
                "request_payer": False,
                "s3_express": False,
            },
            credential_provider=_credentials(bucket),
            client_options={
                "allow_http": bucket.is_plain_http,
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
        host = urlsplit(bucket.endpoint).hostname or "its host"
        self._objects = Objects(self._store, Secrets(bucket.secrets), reach=where_to_look(host, setting), count=count)

    def __repr__(self) -> str:
        return f"BucketObjectStore({self.uri()!r})"

    def put(self, key: str, data: bytes | Iterable[bytes], *, storage_class: StorageClass | None = None) -> None:
        """See `ObjectStore.put`."""
        self._objects.put(key, data, self._class_attribute(storage_class) or None)

    def put_if_absent(self, key: str, data: bytes, *, storage_class: StorageClass | None = None) -> bool:
        """See `ObjectStore.put_if_absent`."""
        checked_key(key)
        writer = uuid.uuid4().hex
        attributes = {**self._class_attribute(storage_class), WRITER: writer}
        with self._objects.named("put", key):
            try:
                _twice(lambda: obstore.put(self._store, key, data, attributes=attributes, mode="create"))
            except AlreadyExistsError:
                # If the answer to a successful put was lost, its repetition finds its own object.
                return obstore.get(self._store, key).attributes.get(WRITER) == writer
        return True

    def replace(self, key: str, data: bytes, etag: str) -> str | None:
        """See `ObjectStore.replace`; the bucket compares and writes in one step."""
        checked_key(key)
        with self._objects.named("put", key):
            try:
                return obstore.put(self._store, key, data, mode={"e_tag": etag}, use_multipart=False)["e_tag"]
            except PreconditionError:
                return None

    def get(self, key: str) -> bytes:
        """See `ObjectStore.get`."""
        return self._objects.get(key)

    def stream(self, key: str, chunk_bytes: int = 8 * 1024 * 1024) -> Iterator[bytes]:
        """See `ObjectStore.stream`."""
        return self._objects.stream(key, chunk_bytes)

    def head(self, key: str) -> ObjectInfo:
        """See `ObjectStore.head`."""
        return self._objects.head(key)

    def list(self, prefix: str = "", start_after: str | None = None) -> Iterator[ObjectInfo]:
        """See `ObjectStore.list`; one request for 1,000 keys."""
        return self._objects.list(prefix, start_after)

    def list_prefixes(self, prefix: str = "") -> Sequence[str]:
        """See `ObjectStore.list_prefixes`."""
        return self._objects.list_prefixes(prefix)

    def delete(self, keys: str | Iterable[str]) -> None:
        """See `ObjectStore.delete`; one request for 1,000 keys."""
        for batch in chunked(map(checked_key, [keys] if isinstance(keys, str) else keys), DELETE_BATCH):
            with self._objects.named("delete", batch[0]):
                _twice(partial(obstore.delete, self._store, batch))

    def copy(self, source: str, target: str) -> None:
        """See `ObjectStore.copy`."""
        checked_key(source)
        checked_key(target)
        with self._objects.named("copy", source):
            obstore.copy(self._store, source, target)

    def signed_url(self, key: str, seconds: int, method: Literal["GET", "PUT"] = "GET") -> str:
        """See `ObjectStore.signed_url`."""
        check_signature(key, seconds)
        with self._objects.named("sign", key):
            return obstore.sign(self._store, method, key, dt.timedelta(seconds=seconds))

    def uri(self, key: str = "") -> str:
        """See `ObjectStore.uri`."""
        return "/".join(part for part in (f"s3://{self._bucket.name}", self._prefix, checked_prefix(key)) if part)

    def polars_options(self) -> dict[str, str]:
        """See `ObjectStore.polars_options`."""
        return self._bucket.polars_options()

    def iceberg_properties(self) -> dict[str, str]:
        """See `ObjectStore.iceberg_properties`."""
        return self._bucket.iceberg_properties()

    def arrow_filesystem(self) -> "fs.FileSystem":
        """See `ObjectStore.arrow_filesystem`."""
        return self._bucket.arrow_filesystem()

    def _class_attribute(self, storage_class: StorageClass | None) -> dict[str, str]:
        return {"Storage-Class": storage_class} if storage_class and self._storage_classes else {}


def _credentials(bucket: Bucket) -> Callable[[], Any]:
    """The bucket's own keys and session token, even if another one is in the environment."""
    return lambda: {
        "access_key_id": bucket.access_key_id,
        "secret_access_key": bucket.secret_access_key,
        "token": bucket.session_token,
        "expires_at": None,
    }


def _twice(request: Callable[[], Any]) -> None:
    """Send again if no answer came, because obstore does not repeat a conditional put or a delete of many keys."""
    try:
        request()
    except GenericError:
        request()

"""The embedded room of R2: objects as files of a local folder. Other programs may read and write the files too."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import obstore
from obstore.exceptions import AlreadyExistsError, NotFoundError
from obstore.store import LocalStore

from resources.meter import Count, nobody
from resources.private import make_folder
from resources.r2.keys import checked_key, checked_prefix
from resources.r2.objects import Objects, check_signature
from resources.r2.protocol import ObjectInfo, ObjectNotFoundError, ObjectStore, StorageClass

if TYPE_CHECKING:
    from pyarrow import fs


class FolderObjectStore(ObjectStore):
    """Objects in the folder `path`, made for its owner alone if it is missing. It has one storage class only.

    count: gets each request that a bucket would be sent.
    """

    def __init__(self, path: Path, *, count: Count = nobody) -> None:
        self.path = path.expanduser().resolve()
        # Empty folders stay, because removing one races with a writer that is about to use it. Listings hide them.
        make_folder(self.path)
        self._store = LocalStore(self.path)
        self._objects = Objects(self._store, count=count)

    def __repr__(self) -> str:
        return f"FolderObjectStore({str(self.path)!r})"

    def put(
        self,
        key: str,
        data: bytes | Iterable[bytes],
        *,
        storage_class: StorageClass | None = None,  # noqa: ARG002
    ) -> None:
        """See `ObjectStore.put`."""
        self._objects.put(key, data)

    def put_if_absent(self, key: str, data: bytes, *, storage_class: StorageClass | None = None) -> bool:  # noqa: ARG002
        """See `ObjectStore.put_if_absent`."""
        checked_key(key)
        with self._objects.named("put", key):
            try:
                obstore.put(self._store, key, data, mode="create")
            except AlreadyExistsError:
                return False
        return True

    def replace(self, key: str, data: bytes, etag: str) -> str | None:
        """See `ObjectStore.replace`. It looks, then writes: what another process puts there in between is lost."""
        try:
            if self.head(key).etag != etag:
                return None
        except ObjectNotFoundError:
            return None
        with self._objects.named("put", key):
            return obstore.put(self._store, key, data)["e_tag"]

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
        """See `ObjectStore.list`; sorted here, because a disk has an order of its own."""
        yield from sorted(self._objects.list(prefix, start_after), key=lambda info: info.key)

    def list_prefixes(self, prefix: str = "") -> Sequence[str]:
        """See `ObjectStore.list_prefixes`."""
        return [name for name in self._objects.list_prefixes(prefix) if next(self.list(name), None) is not None]

    def delete(self, keys: str | Iterable[str]) -> None:
        """See `ObjectStore.delete`."""
        for key in [keys] if isinstance(keys, str) else keys:
            with self._objects.named("delete", checked_key(key)), suppress(NotFoundError, FileNotFoundError):
                obstore.delete(self._store, key)

    def copy(self, source: str, target: str) -> None:
        """See `ObjectStore.copy`. Not a hard link, because what writes into the one file would change the other."""
        checked_key(target)
        self.head(source)
        self.put(target, self.stream(source))

    def signed_url(self, key: str, seconds: int, method: Literal["GET", "PUT"] = "GET") -> str:  # noqa: ARG002
        """See `ObjectStore.signed_url`: the `file://` URL of the file, which does not expire."""
        check_signature(key, seconds)
        return Path(self.uri(key)).as_uri()

    def uri(self, key: str = "") -> str:
        """See `ObjectStore.uri`."""
        return str(self.path / checked_prefix(key))

    def polars_options(self) -> dict[str, str]:
        """See `ObjectStore.polars_options`; empty."""
        return {}

    def iceberg_properties(self) -> dict[str, str]:
        """See `ObjectStore.iceberg_properties`; empty."""
        return {}

    def arrow_filesystem(self) -> "fs.FileSystem":
        """See `ObjectStore.arrow_filesystem`."""
        from pyarrow import fs

        return fs.LocalFileSystem()

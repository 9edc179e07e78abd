"""How pyiceberg reads and writes the lake's files in a bucket: one request for a whole file.

pyiceberg's own way is pyarrow's file system, which sends a file of metadata of some kilobytes as a multipart upload of
three requests, and asks for a file's size before it reads it: a commit over 1,000 entries took 10 requests of class A
and a second at 60 ms, and takes 3 and 0.4 s so. Files on a disk, listings and data files that are read go the old way.
"""

import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
from pyiceberg.io import InputFile, OutputFile
from pyiceberg.io.pyarrow import PyArrowFileIO

from resources.r2 import Bucket, BucketObjectStore, ObjectStore

IMPLEMENTATION = {"py-io-impl": f"{__name__}.LakeFileIO"}
"""The property of a catalog by which its tables use it."""

# A longer file goes in parts, as pyarrow sends it, so that no file of 1 GB is in memory.
LONGEST_IN_ONE = 64 * 2**20


class LakeFileIO(PyArrowFileIO):
    """pyarrow's, but a file that is written, and a file of metadata that is read, is one request to the bucket."""

    def __init__(self, properties: Mapping[str, str]) -> None:
        super().__init__(dict(properties))
        self._stores: dict[str, ObjectStore | None] = {}
        self._opening = threading.Lock()

    def new_input(self, location: str) -> InputFile:  # type: ignore[override]
        """A file to read. Of a data file only some parts are read, which pyarrow asks for."""
        usual = super().new_input(location)
        place = None if location.endswith(".parquet") else self._place(location)
        return usual if place is None else _Stored(location, *place)

    def new_output(self, location: str) -> OutputFile:  # type: ignore[override]
        """A file to write."""
        usual = super().new_output(location)
        place = self._place(location)
        return usual if place is None else _New(location, *place, usual)

    def _place(self, location: str) -> tuple[ObjectStore, str] | None:
        """The bucket and the key of a location; None where it is in none that can be reached with the properties."""
        if not location.startswith("s3://"):
            return None
        name, _, key = location.removeprefix("s3://").partition("/")
        with self._opening:
            if name not in self._stores:
                bucket = Bucket.of_properties(name, self.properties)
                self._stores[name] = None if bucket is None else BucketObjectStore(bucket)
            store = self._stores[name]
        return None if store is None else (store, key)


class _Stored(InputFile):
    def __init__(self, location: str, store: ObjectStore, key: str) -> None:
        super().__init__(location)
        self._store = store
        self._key = key

    def __len__(self) -> int:
        return self._store.head(self._key).size

    def exists(self) -> bool:
        return self._store.exists(self._key)

    def open(self, seekable: bool = True) -> Any:  # noqa: ARG002
        return pa.BufferReader(self._store.get(self._key))


class _New(OutputFile):
    """usual: where a file goes that is too long for one request."""

    def __init__(self, location: str, store: ObjectStore, key: str, usual: OutputFile) -> None:
        super().__init__(location)
        self._store = store
        self._key = key
        self._usual = usual
        self._written: _Upload | None = None

    def __len__(self) -> int:
        # pyiceberg asks for the length of what it has just written.
        return self._store.head(self._key).size if self._written is None else self._written.tell()

    def exists(self) -> bool:
        return self._store.exists(self._key)

    def to_input_file(self) -> InputFile:
        return _Stored(self.location, self._store, self._key)

    def create(self, overwrite: bool = False) -> Any:
        self._written = _Upload(self._store, self._key, self._usual, overwrite=overwrite)
        return self._written


class _Upload:
    """Keeps what is written, and sends it when it is closed. A file whose block fails is not sent."""

    def __init__(self, store: ObjectStore, key: str, usual: OutputFile, *, overwrite: bool) -> None:
        self._store = store
        self._key = key
        self._usual = usual
        self._overwrite = overwrite
        self._held: list[bytes] = []
        self._bytes = 0
        self._in_parts: Any = None
        self._closed = False

    def write(self, data: bytes) -> int:
        self._bytes += len(data)
        if self._in_parts is None:
            self._held.append(bytes(data))
            if self._bytes > LONGEST_IN_ONE:
                self._in_parts = self._usual.create(overwrite=self._overwrite)
                self._in_parts.write(b"".join(self._held))
                self._held.clear()
        else:
            self._in_parts.write(data)
        return len(data)

    def tell(self) -> int:
        return self._bytes

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        data = b"".join(self._held)
        if self._in_parts is not None:
            self._in_parts.close()
        elif self._overwrite:
            self._store.put(self._key, data)
        elif not self._store.put_if_absent(self._key, data):
            raise FileExistsError(f"{self._key} is there already")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        elif self._in_parts is not None:
            self._in_parts.__exit__(kind, error, trace)

"""Copies of archived objects that lie elsewhere: files, folders, other buckets. A copy counts by its bytes alone.

What belongs here: finding a copy of an object. What does not: putting it back in its place.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from assets.archive.manifest import digest
from resources.r2 import ObjectStore


@dataclass(frozen=True)
class Copy:
    """An object that may be a copy. origin: where it lies, in the terms of the person who gave it.

    given: it was named itself, so that its name need not be that of the object.
    """

    origin: str
    read: Callable[[], bytes]
    given: bool = False

    @property
    def name(self) -> str:
        return self.origin.rpartition("/")[2]


def on_disk(path: Path) -> Iterator[Copy]:
    """A file, or all files of a folder."""
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            if file.is_file():
                yield Copy(file.as_posix(), file.read_bytes)
    else:
        yield Copy(path.as_posix(), path.read_bytes, given=True)


def in_store(store: ObjectStore, address: str, prefix: str = "") -> Iterator[Copy]:
    """The objects below a prefix of a store, which people know by its address."""
    for info in store.list(prefix):
        yield Copy(f"{address}/{info.key}", partial(store.get, info.key))


class Copies:
    """The copies that were given. They are listed when the first one is looked for."""

    def __init__(self, copies: Iterable[Copy] = ()) -> None:
        self._unlisted = iter(copies)
        self._listed: list[Copy] = []

    def of(self, key: str, sha256: str) -> tuple[Copy, bytes] | None:
        """A copy of the object with this key and digest, and its bytes."""
        for copy in self._candidates(key.rpartition("/")[2]):
            data = copy.read()
            if digest(data) == sha256:
                return copy, data
        return None

    def below(self, folder: str) -> Iterator[tuple[Copy, bytes]]:
        """What may be a copy of a part of a bucket, with its bytes: it lies in a folder of this name, or was given."""
        tail = "/".join(folder.split("/")[-2:])
        for copy in self._all():
            if copy.given or copy.origin.endswith(f"{tail}/{copy.name}"):
                yield copy, copy.read()

    def _candidates(self, name: str) -> Iterator[Copy]:
        return (copy for copy in self._all() if copy.given or copy.name == name)

    def _all(self) -> list[Copy]:
        self._listed += self._unlisted
        return self._listed

"""An object store whose user dies at a chosen call. No fixtures here."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

from resources.r2 import FolderObjectStore, ObjectStore

CALLS = ("put", "put_if_absent", "get", "stream", "head", "list", "list_prefixes")


class Killed(BaseException):
    """The end of a process, as far as one process can be its own witness."""


class Dying:
    """The objects of a folder until the call of this number, which is still made where `after`. `calls` counts."""

    def __init__(self, folder: Path, number: int = 0, *, after: bool = False) -> None:
        self._store = FolderObjectStore(folder)
        self._number = number
        self._after = after
        self.calls = 0

    @property
    def objects(self) -> ObjectStore:
        return cast(ObjectStore, self)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        return (lambda *args, **kwargs: self._call(found, *args, **kwargs)) if name in CALLS else found

    def delete(self, keys: str | Iterable[str]) -> None:
        for key in [keys] if isinstance(keys, str) else keys:  # a process may die between two of them
            self._call(self._store.delete, key)

    def _call(self, method: Any, *args: Any, **kwargs: Any) -> Any:
        self.calls += 1
        if self.calls == self._number and not self._after:
            raise Killed
        try:
            return method(*args, **kwargs)
        finally:
            if self.calls == self._number:
                raise Killed

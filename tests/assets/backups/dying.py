"""An object store whose user dies, or lets another one work, at a chosen call. No fixtures here."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, cast

from resources.r2 import FolderObjectStore, ObjectStore

CALLS = ("put", "put_if_absent", "get", "stream", "head", "list", "list_prefixes")


class Killed(BaseException):
    """The end of a process, as far as one process can be its own witness."""


def die() -> None:
    """End."""
    raise Killed


class Dying:
    """The objects of a folder. `at` is called at the call of this number: before it or, where `after`, after it.
    `calls` counts them.
    """

    def __init__(self, folder: Path, number: int = 0, *, after: bool = False, at: Callable[[], object] = die) -> None:
        self._store = FolderObjectStore(folder)
        self._number = number
        self._after = after
        self._at = at
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
        is_it = self.calls == self._number
        if is_it and not self._after:
            self._at()
        try:
            return method(*args, **kwargs)
        finally:
            if is_it and self._after:
                self._at()

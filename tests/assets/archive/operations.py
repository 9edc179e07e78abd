"""The I/O of archives and restores; a test can end a process at each operation, or lose its answer. No fixtures."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import psycopg

from resources.d1 import D1Error, EmbeddedD1
from resources.lake import LakeTable
from resources.r2 import FolderObjectStore, ObjectStoreError

OPERATIONS: Mapping[Any, tuple[str, ...]] = {
    FolderObjectStore: ("put", "put_if_absent", "get", "list", "copy", "delete", "head"),
    # Where statements meet the server: each of a transaction counts, and so does its commit.
    psycopg.Connection: ("execute", "commit"),
    psycopg.Cursor: ("copy",),
    psycopg.ServerCursor: ("fetchmany",),
    LakeTable: ("files", "write", "append", "drop"),
    EmbeddedD1: ("query", "execute", "batch"),
}
# What changes something for good, and what its store says where the answer is lost on the way.
CHANGES: Mapping[Any, tuple[tuple[str, ...], Callable[[], Exception]]] = {
    FolderObjectStore: (("put", "put_if_absent", "copy", "delete"), lambda: ObjectStoreError("the answer is lost")),
    psycopg.Connection: (("commit",), lambda: psycopg.OperationalError("the answer is lost")),
    LakeTable: (("write", "append", "drop"), lambda: OSError("the answer is lost")),
    EmbeddedD1: (("execute", "batch"), lambda: D1Error(7500, "the answer is lost")),
}
Lost = Callable[[], Exception]


class Killed(BaseException):
    """The end of a process, as far as one process can be its own witness."""


@contextmanager
def watched(at: Callable[[str, Lost | None], None]) -> Iterator[None]:
    """Call `at` with the name of each operation before it, and of each change after it, with what its loss raises."""
    with ExitStack() as stack:
        for owner, names in OPERATIONS.items():
            changes, lost = CHANGES.get(owner, ((), None))
            for name in names:
                told = _telling(getattr(owner, name), name, at, lost if name in changes else None)
                stack.enter_context(patch.object(owner, name, told))
        yield


def killed(work: Callable[[], object], number: int, *, every: bool = True) -> str | None:
    """Do the work, but end before its operation of that number; says which it was, None where it came to its end.

    every: whether each operation counts, or only the first one after each change, because what the others leave behind
    is the same. The dead do nothing more: all that they would still ask of a store ends them again.
    """
    done = 0
    changed = True
    found: str | None = None

    def at(operation: str, lost: Lost | None) -> None:
        nonlocal done, changed, found
        if lost is not None:
            changed = True
        elif every or changed:
            done, changed = done + 1, False
        if done >= number:
            found = found or operation
            raise Killed(operation)

    with watched(at):
        try:
            work()
        except Killed:
            return found
    return None


def unanswered(work: Callable[[], object], number: int) -> str | None:
    """Do the work, but lose the answer to its change of that number, which was made; says which it was.

    It may end by an error, or find out and go on.
    """
    done = 0
    found: str | None = None

    def at(operation: str, lost: Lost | None) -> None:
        nonlocal done, found
        done += lost is not None
        if lost is not None and done == number:
            found = operation
            raise lost()

    with watched(at):
        try:
            work()
        except Exception:
            if found is None:
                raise
    return found


def _telling(
    real: Callable[..., Any], name: str, at: Callable[[str, Lost | None], None], lost: Lost | None
) -> Callable[..., Any]:
    def told(*args: Any, **kwargs: Any) -> Any:
        at(name, None)
        found = real(*args, **kwargs)
        if lost is not None:
            at(f"{name} done", lost)
        return found

    return told

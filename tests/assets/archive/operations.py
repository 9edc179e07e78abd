"""The I/O of archives and restores; a test can end a process at each operation. No fixtures."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from resources.d1 import EmbeddedD1
from resources.lake import LakeTable
from resources.postgres import Postgres
from resources.r2 import ObjectStore

OPERATIONS: tuple[tuple[Any, str], ...] = (
    (ObjectStore, "put_if_absent"),
    (ObjectStore, "get"),
    (ObjectStore, "list"),
    (ObjectStore, "delete"),
    (ObjectStore, "head"),
    (Postgres, "execute"),
    (Postgres, "fetch"),
    (LakeTable, "files"),
    (LakeTable, "write"),
    (LakeTable, "append"),
    (EmbeddedD1, "query"),
    (EmbeddedD1, "execute"),
    (EmbeddedD1, "batch"),
)
# What changes something: a process may also end when it is done and before it is told of.
CHANGES = frozenset({"put_if_absent", "delete", "execute", "write", "append", "batch"})


class Killed(BaseException):
    """The end of a process, as far as one process can be its own witness."""


@contextmanager
def watched(at: Callable[[str], None]) -> Iterator[None]:
    """Call `at` with the name of each operation before it, and of each change after it too."""
    with ExitStack() as stack:
        for owner, name in OPERATIONS:
            stack.enter_context(patch.object(owner, name, _telling(getattr(owner, name), name, at)))
        yield


def killed(work: Callable[[], object], number: int) -> str | None:
    """Do the work, but end at its operation of that number; says which it was, None where it came to its end."""
    done = 0

    def at(operation: str) -> None:
        nonlocal done
        done += 1
        if done == number:
            raise Killed(operation)

    with watched(at):
        try:
            work()
        except Killed as end:
            return str(end)
    return None


def _telling(real: Callable[..., Any], name: str, at: Callable[[str], None]) -> Callable[..., Any]:
    def told(*args: Any, **kwargs: Any) -> Any:
        at(name)
        found = real(*args, **kwargs)
        if name in CHANGES:
            at(f"{name} done")
        return found

    return told

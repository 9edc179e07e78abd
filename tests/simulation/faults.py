"""Faults and kills over the I/O of the stores: a job is interrupted at one of its operations, before or after it.

A fault is the store's own error. A kill is the end of the process: nothing catches it, and every further operation of
the job fails too. What does not belong here: which jobs run, and what they do.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn
from unittest.mock import patch

import psycopg
from pyiceberg.catalog.sql import SqlCatalog
from sqlalchemy.exc import OperationalError

from resources.d1 import D1Error, EmbeddedD1
from resources.lake import LakeTable
from resources.r2 import FolderObjectStore, ObjectStoreError


class Killed(BaseException):
    """Stands for the end of the process, where the test itself must go on."""


def _object_store() -> Exception:
    return ObjectStoreError("put: the store is away")


def _postgres() -> Exception:
    return psycopg.OperationalError("the connection was lost")


def _d1() -> Exception:
    return D1Error(7500, "the database is overloaded")


def _catalog() -> Exception:
    return OperationalError("commit", {}, Exception("the catalog is away"))


# The I/O of every job: the class, the method, and the error that a fault of it raises.
OPERATIONS: tuple[tuple[Any, str, Callable[[], Exception]], ...] = (
    *((FolderObjectStore, name, _object_store) for name in ("put", "put_if_absent", "get", "list", "delete", "copy")),
    *((psycopg.Connection, name, _postgres) for name in ("execute", "commit")),
    *((EmbeddedD1, name, _d1) for name in ("query", "execute", "batch")),
    (SqlCatalog, "commit_table", _catalog),
    *((LakeTable, name, _object_store) for name in ("write", "files")),
)


@dataclass
class Faults:
    """Interrupts each job with a probability of `share`, but none while `off`.

    The first complete run of a job counts its operations, so that later faults fall within it. interrupted: which jobs
    were, and at what.
    """

    chance: random.Random
    share: float
    off: bool = False
    interrupted: list[str] = field(default_factory=list)
    _operations: dict[str, int] = field(default_factory=dict)

    def run(self, job: str, work: Callable[[], Any]) -> bool:
        """Run a job; False if it was interrupted and did not complete."""
        count = self._operations.get(job)
        if self.off or (count is not None and self.chance.random() >= self.share):
            work()
            return True
        number = self.chance.randrange(1, count + 1) if count else None
        fault = Fault(number, kills=self.chance.random() < 0.5, after=self.chance.random() < 0.5)
        with injected(fault):
            try:
                work()
            except BaseException:
                # An error without an injected fault is the job's own.
                if not fault.happened:
                    raise
                self.interrupted.append(f"{job}: {fault.what}")
                return False
        if not fault.happened:
            self._operations[job] = max(1, fault.count)
        return True


def _killed() -> NoReturn:
    raise Killed


@dataclass
class Fault:
    """One fault or kill, before or after the operation of a number. Without a number it only counts operations.

    what: the operation that it happened at, for messages.
    """

    number: int | None
    kills: bool
    after: bool
    kill: Callable[[], None] = _killed
    count: int = 0
    happened: bool = False
    what: str = ""

    def around(self, name: str, error: Callable[[], Exception], operation: Callable[[], Any]) -> Any:
        """Do one operation, with the fault if this is the one; returns its value."""
        if self.happened and self.kills:
            raise Killed
        self.count += 1
        if self.count != self.number:
            return operation()
        if self.after:
            operation()
        self.happened = True
        self.what = f"{'killed' if self.kills else 'failed'} {'after' if self.after else 'at'} {name} {self.number}"
        if self.kills:
            self.kill()
        raise error()


@contextmanager
def injected(fault: Fault) -> Iterator[None]:
    """Every operation of the stores passes through the fault."""
    with ExitStack() as stack:
        for owner, name, error in OPERATIONS:
            stack.enter_context(patch.object(owner, name, _through(fault, getattr(owner, name), name, error)))
        yield


def _through(fault: Fault, real: Callable[..., Any], name: str, error: Callable[[], Exception]) -> Callable[..., Any]:
    def operation(*args: Any, **kwargs: Any) -> Any:
        return fault.around(name, error, lambda: real(*args, **kwargs))

    return operation

"""Faults and kills over the stores' I/O: a job is struck at one of its operations, before or after it took effect.

A fault is the store's own error. A kill is the end of the process: nothing catches it, and every operation that the job
would still do fails too.
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
from resources.r2 import ObjectStore, ObjectStoreError


class Killed(BaseException):
    """The end of a process, as far as one process can be its own witness."""


def _object_store() -> Exception:
    return ObjectStoreError("put: the store is away")


def _postgres() -> Exception:
    return psycopg.OperationalError("the connection was lost")


def _d1() -> Exception:
    return D1Error(7500, "the database is overloaded")


def _catalog() -> Exception:
    return OperationalError("commit", {}, Exception("the catalog is away"))


# The I/O of every job: whose, which, and what its failing looks like.
OPERATIONS: tuple[tuple[Any, str, Callable[[], Exception]], ...] = (
    *((ObjectStore, name, _object_store) for name in ("put", "put_if_absent", "get", "list", "delete", "copy")),
    *((psycopg.Connection, name, _postgres) for name in ("execute", "commit")),
    *((EmbeddedD1, name, _d1) for name in ("query", "execute", "batch")),
    (SqlCatalog, "commit_table", _catalog),
    *((LakeTable, name, _object_store) for name in ("write", "files")),
)


@dataclass
class Weather:
    """Strikes each job with a chance of `share`. Counts what a job does when it is left alone, to strike within it."""

    chance: random.Random
    share: float
    calm: bool = False
    struck: list[str] = field(default_factory=list)
    _lengths: dict[str, int] = field(default_factory=dict)

    def run(self, job: str, work: Callable[[], Any]) -> bool:
        """Do a job; False where it was struck and did not come to its end."""
        length = self._lengths.get(job)
        if self.calm or (length is not None and self.chance.random() >= self.share):
            work()
            return True
        number = self.chance.randrange(1, length + 1) if length else None
        strike = Strike(number, kills=self.chance.random() < 0.5, after=self.chance.random() < 0.5)
        with watched(strike):
            try:
                work()
            except BaseException:
                # What was not brought about is the job's own fault.
                if not strike.fell:
                    raise
                self.struck.append(f"{job}: {strike.what}")
                return False
        if not strike.fell:
            self._lengths[job] = max(1, strike.count)
        return True


def _killed() -> NoReturn:
    raise Killed


@dataclass
class Strike:
    """One strike at the operation of a number, before or after it; None strikes nothing and counts."""

    number: int | None
    kills: bool
    after: bool
    kill: Callable[[], None] = _killed
    count: int = 0
    fell: bool = False
    what: str = ""

    def around(self, name: str, error: Callable[[], Exception], act: Callable[[], Any]) -> Any:
        if self.fell and self.kills:
            raise Killed
        self.count += 1
        if self.count != self.number:
            return act()
        if self.after:
            act()
        self.fell = True
        self.what = f"{'killed' if self.kills else 'failed'} {'after' if self.after else 'at'} {name} {self.number}"
        if self.kills:
            self.kill()
        raise error()


@contextmanager
def watched(strike: Strike) -> Iterator[None]:
    """Everything that the stores do, under a strike."""
    with ExitStack() as stack:
        for owner, name, error in OPERATIONS:
            stack.enter_context(patch.object(owner, name, _told(getattr(owner, name), name, error, strike)))
        yield


def _told(real: Callable[..., Any], name: str, error: Callable[[], Exception], strike: Strike) -> Callable[..., Any]:
    def told(*args: Any, **kwargs: Any) -> Any:
        return strike.around(name, error, lambda: real(*args, **kwargs))

    return told

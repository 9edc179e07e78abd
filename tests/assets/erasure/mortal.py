"""A process that dies after each of its calls that change a store, once after each. No fixtures here."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from threading import Lock
from typing import Any
from unittest.mock import patch

import psycopg

from assets.erasure import lake, run_history
from resources.d1 import EmbeddedD1
from resources.kv import EmbeddedKV
from resources.lake import LakeTable
from resources.r2 import FolderObjectStore
from tests.assets.erasure.calls import Killed

CALLS: tuple[tuple[Any, str], ...] = (
    *((EmbeddedD1, name) for name in ("execute", "batch", "scrub")),
    *((EmbeddedKV, name) for name in ("put_many", "delete_many", "scrub")),
    *((FolderObjectStore, name) for name in ("put", "put_if_absent", "replace", "delete", "copy")),
    *((LakeTable, name) for name in ("rewrite", "rewrite_apart", "discard", "replace", "fence_off")),
    (lake, "forget"),
    (run_history, "_replaced"),
    (run_history, "compact"),
)
"""What changes a store, beside commits of Postgres."""
# What another run names or dates in another way.
_OF_A_RUN = re.compile(
    r"0x[0-9a-f]+|[0-9a-f]{6,}(?:-[0-9a-f]+)*|\d{4}-\d\d-\d\d[ T][\d:.+Z]+|[A-Za-z0-9+/=]{40,}|\d{6,}"
)


def killed() -> None:
    """The end of a process, as far as one process can be its own witness."""
    raise Killed


class Mortal:
    """Runs work, which dies after a call that it did not die after before; the next run then comes further.

    every: it dies after one of so many such calls. first: after which of these, so that as many of them as `every` says
    die after each. end: how it dies. died: after which, by the store's method.
    """

    def __init__(self, every: int = 1, end: Callable[[], None] = killed, *, first: int = 0) -> None:
        self.died: Counter[str] = Counter()
        self._every, self._first, self._end = every, first % every, end
        self._known: set[tuple[str, int]] = set()
        self._in_run: Counter[str] = Counter()
        self._lock = Lock()

    @property
    def calls(self) -> int:
        """How many different calls there were."""
        return len(self._known)

    def until_done(self, work: Callable[[], object]) -> None:
        """Run it again until it ends."""
        is_done = False
        while not is_done:
            self._in_run.clear()
            with suppress(Killed), self._watched():
                work()
                is_done = True

    def _called(self, name: str, about: str) -> None:
        with self._lock:
            call = f"{name} {_OF_A_RUN.sub('#', about)}"
            self._in_run[call] += 1
            if (call, self._in_run[call]) in self._known:
                return
            self._known.add((call, self._in_run[call]))
            dies = len(self._known) % self._every == self._first
            self.died[name] += dies
        if dies:
            self._end()

    @contextmanager
    def _watched(self) -> Iterator[None]:
        with ExitStack() as patches:
            for owner, name in CALLS:
                patches.enter_context(patch.object(owner, name, self._counting(owner, name)))
            said: dict[int, list[str]] = {}
            execute, commit = psycopg.Connection.execute, psycopg.Connection.commit

            def executing(connection: Any, query: Any, params: Any = None, **named: Any) -> Any:
                said.setdefault(id(connection), []).append(f"{query!r} {params!r}")
                return execute(connection, query, params, **named)

            def committing(connection: Any) -> None:
                (row,) = execute(connection, "select pg_current_xact_id_if_assigned()::text as xid").fetchall()
                commit(connection)
                statements = said.pop(id(connection), [])
                if (row["xid"] if isinstance(row, dict) else row[0]) is not None:
                    self._called("commit", "; ".join(statements))

            patches.enter_context(patch.object(psycopg.Connection, "execute", executing))
            patches.enter_context(patch.object(psycopg.Connection, "commit", committing))
            yield

    def _counting(self, owner: Any, name: str) -> Callable[..., Any]:
        real = getattr(owner, name)

        def counting(*args: Any, **named: Any) -> Any:
            result = real(*args, **named)
            self._called(f"{owner.__name__.rpartition('.')[2]}.{name}", repr((args[1:], named)))
            return result

        return counting

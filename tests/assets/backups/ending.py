"""Work in a process of its own, which ends at a chosen call as by kill -9: nothing after it runs, no `finally` either.

A call is one to the target, a statement or a commit of Postgres, the start or stop of a server, a name that a folder
gets. To end before one is to end after the one before it. No fixtures here.
"""

import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from resources.postgres import embedded
from resources.r2 import FolderObjectStore
from tests.assets.backups.dying import CALLS

ENDED = 9
STEPS: tuple[tuple[Any, str], ...] = (
    *((FolderObjectStore, name) for name in (*CALLS, "delete")),
    *((psycopg.Cursor, name) for name in ("execute", "copy")),
    (psycopg.Copy, "write"),
    (psycopg.Connection, "commit"),
    (embedded, "_run"),
    (Path, "rename"),
)
# It imports once what all of these processes need, and forks them before any thread runs.
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["tests.assets.backups.postgres_work"])


def ends(number: int, work: Callable[..., object], *arguments: object) -> bool:
    """Whether a process that does this work ends at its call of this number; False where it comes to its own end."""
    process = _PROCESSES.Process(target=_worked, args=(number, work, arguments))
    process.start()
    process.join()
    assert process.exitcode in {0, ENDED}, f"the work failed at its call {number}: {process.exitcode}"
    return process.exitcode == ENDED


def _worked(number: int, work: Callable[..., object], arguments: tuple[object, ...]) -> None:
    calls = 0

    def counted(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == number:
                os._exit(ENDED)
            return method(*args, **kwargs)

        return call

    for owner, name in STEPS:
        setattr(owner, name, counted(getattr(owner, name)))
    work(*arguments)

"""Every commit and file operation of the lake, watched: to be counted, delayed or ended at. No fixtures here.

`watched(at)` calls `at(name)` before each operation, and once more when a new file is there but still empty. Work for a
pool of threads is done by who asks for it, so that the order of operations is always the same.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import polars as pl
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.io.pyarrow import PyArrowFile, PyArrowFileIO

from resources.lake import LakeTable, sweep

At = Callable[[str], None]
OPERATIONS: dict[str, tuple[Any, str]] = {
    "load": (SqlCatalog, "load_table"),
    "commit": (SqlCatalog, "commit_table"),
    "read": (PyArrowFile, "open"),
    "create": (PyArrowFile, "create"),
    "delete": (PyArrowFileIO, "delete"),
    "list": (sweep, "_listed"),
    "remove": (sweep, "_removed"),
    "scan": (LakeTable, "read"),
    "written": (LakeTable, "_written"),
}
# The catalog's swap is one statement: what comes after it is the first moment at which the commit has landed.
AFTER = ("commit", "create")


def _submit(_pool: ThreadPoolExecutor, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
    """Done at once, by the thread that asks."""
    done: Future[Any] = Future()
    done.set_result(work(*args, **kwargs))
    return done


@contextmanager
def watched(at: At) -> Iterator[None]:
    """Call `at` with the name of each operation, for the length of the block."""
    with ExitStack() as stack:
        for name, (owner, method) in OPERATIONS.items():
            stack.enter_context(patch.object(owner, method, _telling(getattr(owner, method), name, at)))
        stack.enter_context(patch.object(LakeTable, "_sink", _telling_sink(LakeTable._sink, at)))
        stack.enter_context(patch.object(ThreadPoolExecutor, "submit", _submit))
        yield


def _telling(real: Callable[..., Any], name: str, at: At) -> Callable[..., Any]:
    def watching(*args: Any, **kwargs: Any) -> Any:
        at(name)
        found = real(*args, **kwargs)
        if name in AFTER:
            at(f"{name} done")
        return list(found) if name == "list" else found

    return watching


def _telling_sink(real: Callable[..., pl.LazyFrame], at: At) -> Callable[..., pl.LazyFrame]:
    def watching(*args: Any) -> pl.LazyFrame:
        at("write")
        return real(*args)

    return watching

"""A full disk is recognised in the errors of every library that writes for us, and nothing else is."""

import errno
import sqlite3
from collections.abc import Callable
from pathlib import Path

import polars as pl
import psycopg
import pytest

from resources import disk
from resources.r2 import ObjectStoreError


def _file() -> None:
    with Path("/dev/full").open("wb", buffering=0) as file:
        file.write(b"x")


def _parquet() -> None:
    pl.DataFrame({"a": range(9)}).lazy().sink_parquet("/dev/full")


def _sqlite() -> None:
    database = sqlite3.connect(":memory:")
    database.execute("pragma max_page_count = 2")
    for n in range(9):
        database.execute(f"create table t{n} (a)")


def _postgres() -> None:
    raise psycopg.errors.DiskFull('could not extend file "base/1/2": No space left on device\nHINT:  Check free space.')


def _object() -> None:
    raise ObjectStoreError("put a: GenericError: Unable to copy data to file: No space left on device (os error 28)")


def _from_another() -> None:
    try:
        _file()
    except OSError as error:
        raise RuntimeError("the commit failed") from error


@pytest.mark.parametrize("write", [_file, _parquet, _sqlite, _postgres, _object, _from_another])
def test_a_full_disk_is_recognised(write: Callable[[], None]) -> None:
    with pytest.raises(Exception, match=r".") as raised:
        write()

    refusal = disk.full(raised.value)
    assert refusal is not None
    assert refusal.reason.startswith("the disk is full (")
    assert "HINT" not in refusal.reason
    assert refusal.next_step == "make room on it, then run the same again"


@pytest.mark.parametrize(
    "error",
    [OSError(errno.EFBIG, "File too large"), ObjectStoreError("put a: GenericError: File too large (os error 27)")],
)
def test_a_limit_of_this_process_is_not_a_full_disk(error: Exception) -> None:
    refusal = disk.full(error)
    assert refusal is not None
    assert refusal.next_step == "raise `ulimit -f`, then run the same again"


@pytest.mark.parametrize("error", [OSError(2, "No such file"), ValueError("the disc"), RuntimeError()])
def test_other_errors_are_none(error: Exception) -> None:
    error.__cause__ = error
    assert disk.full(error) is None

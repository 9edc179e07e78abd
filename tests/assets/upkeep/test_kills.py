"""Compaction and upkeep killed at every one of their commits and file operations, and run again."""

import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path

import pytest

from resources.postgres import Postgres
from tests.assets.upkeep.memory_lake import DAYS, ORGS, MemoryLake, memory_lake, now
from tests.assets.upkeep.operations import watched
from tests.resources.lake.opened import opened

ROOT = Path(__file__).resolve().parents[3]
LATER = timedelta(hours=1)
ACTIONS: dict[str, Callable[[MemoryLake], object]] = {
    "compact": MemoryLake.compact,
    "manifests": MemoryLake.rewrite_manifests,
    "expire": lambda side: side.expire(now() + LATER),
    "sweep": lambda side: side.sweep(now() + LATER),
}


# A removal is named before it is made: the second one follows the first.
CHANGES = {"commit done", "create done", "delete", "remove", "written"}


class Killed(BaseException):
    """The end of a process, as far as one process can be its own witness."""


def killed(side: MemoryLake, action: str, number: int, every: bool) -> str | None:
    """Do `action`, but end at its operation of that number; says which it was, None where it came to its end.

    every: whether each operation counts, or only those at which files or the table have just changed.
    """
    done = 0

    def at(operation: str) -> None:
        nonlocal done
        done += every or operation in CHANGES
        if done == number:
            raise Killed(operation)

    with watched(at):
        try:
            ACTIONS[action](side)
        except Killed as end:
            return str(end)
    return None


def work_for_all(side: MemoryLake) -> None:
    """Two small files in each of two partitions, by two commits, and one that nothing names."""
    for _ in range(2):
        parts = [side.visits("a", "b", org=org, day=day) for org, day in zip(ORGS, DAYS, strict=True)]
        files = [file for rows in parts for file in side.written(rows)]
        side.table.append(files, f"files of {parts[0]['visit'][0]}")
    side.written(side.visits("never committed"))


def nothing_is_left(side: MemoryLake) -> None:
    """After the grace a sweep takes all that the table does not name, and nothing else."""
    side.expire(now() + LATER)
    side.sweep(now() + LATER)
    left = side.survey(now() + LATER)
    assert (left.old, left.young, left.foreign, left.missing) == ((), (), (), ())


@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.soak)])
@pytest.mark.parametrize("action", ACTIONS)
def test_killed_at_each_operation_and_run_again_it_ends_the_same(tmp_path: Path, action: str, every: bool) -> None:
    ended_at: list[str] = []
    with memory_lake(tmp_path, nullcontext) as side:
        while True:
            work_for_all(side)
            if action == "sweep":
                side.compact()
                side.expire(now() + LATER)
            rows = side.rows()
            operation = killed(side, action, len(ended_at) + 1, every)
            assert side.rows() == rows
            ACTIONS[action](side)
            assert side.rows() == rows
            nothing_is_left(side)
            assert side.rows() == rows
            if operation is None:
                break
            ended_at.append(operation)
            side.compact()
    assert not every or {"load", "read"} <= set(ended_at)
    assert ("commit done" in ended_at) == (action != "sweep")
    assert ("remove" in ended_at) == (action == "sweep")


def test_killed_by_the_system_it_ends_the_same(postgres: Postgres, tmp_path: Path) -> None:
    deaths = {
        "compact": ("commit", "1"),
        "manifests": ("create done", "2"),
        "expire": ("commit done", "1"),
        "sweep": ("remove", "3"),
    }
    with opened(postgres, tmp_path) as lake:
        side = MemoryLake(lake)
        waiting = {
            action: subprocess.Popen(
                [sys.executable, "-m", "tests.assets.upkeep.upkeep_process", postgres.dsn, tmp_path, action, *death],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for action, death in deaths.items()
        }
        try:
            for action, process in waiting.items():
                work_for_all(side)
                rows = side.rows()
                said, _ = process.communicate("go\n", timeout=60)
                assert (said, process.returncode) == ("ready\n", -signal.SIGKILL)
                assert side.rows() == rows
                ACTIONS[action](side)
                assert side.rows() == rows
        finally:
            for process in waiting.values():
                process.kill()
                process.communicate()
        nothing_is_left(side)
        assert side.rows() == rows

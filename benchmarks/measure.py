"""Measuring: each contender runs several times, each time in a process of its own; the median counts.

A process of its own has its own peak memory, and the threads and caches of one contender do not change the time of
another. The work is timed inside the process, without imports and set-up.
"""

import gc
import importlib
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Measured:
    """The median of a contender's runs: wall and CPU seconds, and the peak memory of its process in MB.

    details: what the work itself reported, in its last run.
    """

    seconds: float
    cpu: float
    peak_mb: float
    details: Mapping[str, Any]


class ContenderError(RuntimeError):
    """A contender ended without a result. The message has the last line that it wrote."""


def contest(
    module: str,
    contenders: Sequence[str],
    runs: int = 3,
    arguments: Sequence[str] = (),
    may_fail: Collection[str] = (),
) -> dict[str, Measured]:
    """Run contenders in the order A B C A B C …; each is the name of a function of `module`.

    A contender of `may_fail` that fails is left out, with one line that says why.
    """
    measured: dict[str, list[Measured]] = {name: [] for name in contenders}
    for _ in range(runs):
        for name in list(measured):
            try:
                measured[name].append(_one(module, name, arguments))
            except ContenderError as error:
                if name not in may_fail:
                    raise
                print(f"\nLEFT OUT: {error}")
                del measured[name]
    return {name: _median(results) for name, results in measured.items()}


def _one(module: str, name: str, arguments: Sequence[str]) -> Measured:
    command = [sys.executable, "-m", "benchmarks.measure", module, name, *arguments]
    ended = subprocess.run(command, check=False, capture_output=True, text=True)
    if ended.returncode != 0:
        lines = ended.stderr.strip().splitlines() or [f"exit code {ended.returncode}"]
        error = ContenderError(f"{module} {name}: {lines[-1]}")
        error.add_note(ended.stderr)
        raise error
    return Measured(**json.loads(ended.stdout.splitlines()[-1]))


def _median(results: Sequence[Measured]) -> Measured:
    return Measured(
        statistics.median(r.seconds for r in results),
        statistics.median(r.cpu for r in results),
        max(r.peak_mb for r in results),
        results[-1].details,
    )


def timed(work: Callable[[], Mapping[str, Any] | None]) -> Measured:
    """Time one piece of work in this process.

    The garbage of imports and set-up is collected before, because a collection of its million objects takes 0.1 s and
    may come at any moment. The disk is synced before, so that no time goes into flushing what others wrote.
    """
    os.sync()
    gc.collect()
    gc.freeze()
    before = resource.getrusage(resource.RUSAGE_SELF)
    started = time.perf_counter()
    details = work() or {}
    seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Measured(seconds, cpu, after.ru_maxrss / 1024, details)


def table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a Markdown table."""
    print(f"\n### {title}\n")
    print("| " + " | ".join(header) + " |")
    print("|" + " --- |" * len(header))
    for row in rows:
        print("| " + " | ".join(row) + " |")


def main() -> None:
    """`python -m benchmarks.measure MODULE CONTENDER [ARG…]`: one timed run, printed as JSON on the last line.

    A contender sets up, then returns the work that is timed.
    """
    module, name, *arguments = sys.argv[1:]
    work: Callable[[], Mapping[str, Any] | None] = getattr(importlib.import_module(module), name)(*arguments)
    print(json.dumps(timed(work).__dict__))


if __name__ == "__main__":
    main()

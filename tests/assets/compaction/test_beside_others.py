"""Other processes beside compaction: a writer that goes on appending, and runs that are killed at any moment."""

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.assets.event_pipeline import Pipeline, line

ROOT = Path(__file__).resolve().parents[3]
Process = subprocess.Popen[str]
Start = Callable[..., Process]


@pytest.fixture
def start(pipeline: Pipeline) -> Iterator[Start]:
    """Start a process of tests.assets.ingest_process over the pipeline's stores; it works once `go` was called."""
    processes: list[Process] = []

    def started(*action: str) -> Process:
        command = [
            sys.executable,
            "-m",
            "tests.assets.ingest_process",
            pipeline.postgres.dsn,
            str(pipeline.folder),
            *action,
        ]
        processes.append(subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        return processes[-1]

    yield started
    for process in processes:
        process.kill()
        process.communicate()


def go(*processes: Process) -> None:
    """Wait until the processes are ready, then let them work."""
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()


def test_a_writer_beside_compaction_loses_and_doubles_nothing(pipeline: Pipeline, start: Start) -> None:
    appends = 24
    writer = start("write", str(appends))
    go(writer)

    dropped = compactions = 0
    seen: set[str] = set()
    while writer.poll() is None:
        done = pipeline.compact()
        assert done is not None
        dropped += done.doubles
        compactions += bool(done.groups)
        held = set(pipeline.event_ids())
        assert seen <= held
        seen = held
    written, _ = writer.communicate()
    assert writer.returncode == 0
    last = pipeline.compact()
    assert last is not None

    names = written.split()
    assert len(names) == len(set(names)) == 4 * appends
    assert Counter(pipeline.event_ids()) == Counter(names)
    assert dropped + last.doubles == 2 * (appends - 1)
    assert compactions
    operations = Counter(change.operation for change in pipeline.table.changes(None))
    assert operations["append"] == appends
    assert len(pipeline.files()) == 3


@pytest.mark.parametrize("seed", [1, 2])
def test_runs_killed_at_any_moment_and_run_again_end_the_same(pipeline: Pipeline, start: Start, seed: int) -> None:
    chance = random.Random(seed)
    batches = [[line(n) for n in range(start_at, start_at + 20)] for start_at in range(0, 60, 10)]
    waiting = [(start("ingest"), start("compact")) for _ in range(2)]
    names: set[str] = set()
    for number, (ingest, compact) in enumerate(waiting):
        for at, batch in enumerate(batches[3 * number : 3 * number + 3], start=3 * number):
            pipeline.land(*batch, b"bad %d" % at)
            names |= {f"event-{n}" for n in range(10 * at, 10 * at + 20)}
        go(ingest, compact)
        for process in chance.sample([ingest, compact], 2):
            time.sleep(chance.uniform(0, 0.2))
            process.kill()
        for process in (ingest, compact):
            process.wait()
        if number:
            pipeline.ingested()

    pipeline.compact()

    assert Counter(pipeline.event_ids()) == Counter(names)
    totals = pipeline.ledger.totals()
    assert (totals["batches"], totals["received"]) == (6, 6 * 21)
    assert totals["stored"] == len(names)
    assert pipeline.ledger.unbalanced() == []
    assert {raw for _, _, raw in pipeline.refused()} == {b"bad %d" % at for at in range(6)}
    assert len(pipeline.files()) == 3

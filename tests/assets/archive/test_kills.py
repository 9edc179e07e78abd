"""Archive and restore killed by the system, and two of each at once: nothing lost, nothing twice."""

import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from tests.assets.archive.archive_stores import ArchiveStores

Done = TypeVar("Done")
ROOT = Path(__file__).resolve().parents[3]


def test_killed_by_the_system_it_ends_the_same(archive_stores: ArchiveStores) -> None:
    deaths = [
        ("archive", "put_if_absent done", "1"),
        ("archive", "put_if_absent done", "4"),
        ("restore", "append", "1"),
        ("restore", "append done", "2"),
    ]
    for day in (1, 2):
        archive_stores.happen(3, day=day)
        archive_stores.happen(3, "b8e9d1", day)
    before = archive_stores.live()
    waiting = [
        subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.assets.archive.archive_process",
                archive_stores.postgres.dsn,
                archive_stores.folder,
                *death,
            ],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for death in deaths
    ]
    try:
        for (action, *_), process in zip(deaths, waiting, strict=True):
            if action == "restore":
                archive_stores.archive()
                archive_stores.prune()
            said, _ = process.communicate("go\n", timeout=120)
            assert (said, process.returncode) == ("ready\n", -signal.SIGKILL)
    finally:
        for process in waiting:
            process.kill()
            process.communicate()
    archive_stores.restore(into="live")
    assert archive_stores.live() == before
    assert archive_stores.verify().faults == []


def test_two_archives_at_once_end_as_one(archive_stores: ArchiveStores) -> None:
    for day in range(1, 6):
        archive_stores.happen(3, day=day)
        archive_stores.happen(3, "b8e9d1", day)
    before = archive_stores.live()
    done = at_once(archive_stores.archive, archive_stores.archive)
    assert sorted(d.sealed for d in done) == [0, 2]
    assert len(archive_stores.parts()) == len(archive_stores.manifests()) == 2
    archive_stores.prune()
    assert sorted(
        d.added
        for d in at_once(lambda: archive_stores.restore(into="live"), lambda: archive_stores.restore(into="live"))
    ) == [
        0,
        30,
    ]
    assert archive_stores.live() == before == Counter(dict.fromkeys(before, 1))


def at_once(*works: Callable[[], Done]) -> list[Done]:
    """Each in a thread of its own; what they gave."""
    found: list[Done] = []
    threads = [threading.Thread(target=lambda work=work: found.append(work())) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == len(works)
    return found

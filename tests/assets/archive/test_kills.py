"""Archive and restore ended at every one of their I/O steps and run again: nothing lost, nothing twice."""

import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from assets.archive.registry import Registry
from tests.assets.archive.operations import killed
from tests.assets.archive.vault import QUARTER, Vault

Done = TypeVar("Done")
ROOT = Path(__file__).resolve().parents[3]


def test_an_archive_killed_at_each_step_and_run_again_ends_the_same(vault: Vault) -> None:
    ended_at: list[str] = []
    expected = 0
    while True:
        vault.happen(1, day=1 + len(ended_at) % 3)
        expected += 1
        operation = killed(vault.archive, len(ended_at) + 1)
        vault.archive()
        (sealed,) = Registry(vault.postgres, "clearlift", "events").sealed(QUARTER)
        assert (sealed.rows, Registry(vault.postgres, "clearlift", "events").unsettled()) == (expected, [])
        if operation is None:
            break
        ended_at.append(operation)
    assert {"put_if_absent", "put_if_absent done", "get", "execute done", "list", "files"} <= set(ended_at)
    before = vault.live()
    assert vault.verify().faults == []
    assert len(vault.parts()) == expected  # nothing lies there that no manifest names
    vault.prune()
    assert vault.restore(into="live").added == expected
    assert vault.live() == before


def test_a_restore_killed_at_each_step_and_run_again_ends_the_same(vault: Vault) -> None:
    vault.happen(3)
    vault.happen(2, day=2)
    before = vault.live()
    vault.archive()
    ended_at: list[str] = []
    while True:
        vault.prune()
        operation = killed(lambda: vault.restore(into="live"), len(ended_at) + 1)
        assert vault.live() <= before
        vault.restore(into="live")
        assert vault.live() == before
        if operation is None:
            break
        ended_at.append(operation)
    assert {"get", "write", "append", "append done"} <= set(ended_at)


def test_killed_by_the_system_it_ends_the_same(vault: Vault) -> None:
    deaths = [
        ("archive", "put_if_absent done", "1"),
        ("archive", "put_if_absent done", "4"),
        ("restore", "append", "1"),
        ("restore", "append done", "2"),
    ]
    for day in (1, 2):
        vault.happen(3, day=day)
        vault.happen(3, "b8e9d1", day)
    before = vault.live()
    waiting = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.assets.archive.process", vault.postgres.dsn, vault.folder, *death],
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
                vault.archive()
                vault.prune()
            said, _ = process.communicate("go\n", timeout=120)
            assert (said, process.returncode) == ("ready\n", -signal.SIGKILL)
    finally:
        for process in waiting:
            process.kill()
            process.communicate()
    vault.restore(into="live")
    assert vault.live() == before
    assert vault.verify().faults == []


def test_two_archives_at_once_end_as_one(vault: Vault) -> None:
    for day in range(1, 6):
        vault.happen(3, day=day)
        vault.happen(3, "b8e9d1", day)
    before = vault.live()
    done = at_once(vault.archive, vault.archive)
    assert sorted(d.sealed for d in done) == [0, 2]
    assert len(vault.parts()) == len(vault.manifests()) == 2
    vault.prune()
    assert sorted(d.added for d in at_once(lambda: vault.restore(into="live"), lambda: vault.restore(into="live"))) == [
        0,
        30,
    ]
    assert vault.live() == before == Counter(dict.fromkeys(before, 1))


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

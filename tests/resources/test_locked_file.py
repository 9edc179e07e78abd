"""A lock by a file: one at a time, also where its file is removed and made again, and nothing left."""

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from resources.locked_file import locked

KILLED = """
import os, signal, sys
from pathlib import Path
from resources.locked_file import locked
with locked(Path(sys.argv[1])):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_many_at_once_are_one_after_the_other_and_leave_nothing(tmp_path: Path) -> None:
    inside, most = 0, 0

    def work(_: int) -> None:
        nonlocal inside, most
        with locked(tmp_path / "deep" / ".lock"):
            inside += 1
            most = max(most, inside)
            inside -= 1

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(work, range(400)))
    assert (most, inside) == (1, 0)
    assert list((tmp_path / "deep").iterdir()) == []


def test_what_a_killed_process_leaves_holds_nobody_up_and_goes(tmp_path: Path) -> None:
    lock = tmp_path / ".lock"
    killed = subprocess.run([sys.executable, "-c", KILLED, str(lock)], check=False)
    assert (killed.returncode, lock.exists()) == (-signal.SIGKILL, True)
    with locked(lock):
        assert lock.exists()
    assert not lock.exists()

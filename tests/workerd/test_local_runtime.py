"""The local runtime itself: it ends with the process that started it, also if that process is killed."""

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.workerd.local_runtime import HERE, NotInstalledError, installed, running

KILLED = """
import os, sys
from pathlib import Path
from tests.workerd.local_runtime import running
with running(Path(sys.argv[1])):
    print(*(child.pid for child in __import__("psutil").Process().children(recursive=True)), flush=True)
    os.kill(os.getpid(), 9)
"""


@pytest.fixture
def local_runtime() -> None:
    try:
        installed()
    except NotInstalledError as error:
        pytest.skip(f"npm install failed: {error}")


def gone(pids: list[int]) -> bool:
    return all(not psutil.pid_exists(pid) or psutil.Process(pid).status() == "zombie" for pid in pids)


@pytest.mark.xdist_group("workerd")
@pytest.mark.usefixtures("local_runtime")
def test_it_ends_when_its_starter_is_killed(tmp_path: Path) -> None:
    starter = subprocess.run(
        [sys.executable, "-c", KILLED, tmp_path], cwd=HERE.parents[1], capture_output=True, check=False
    )
    pids = [int(pid) for pid in starter.stdout.split()]
    assert len(pids) >= 2  # node and workerd
    for _ in range(400):
        if gone(pids):
            break
        time.sleep(0.05)
    assert gone(pids)


@pytest.mark.xdist_group("workerd")
@pytest.mark.usefixtures("local_runtime")
def test_it_ends_on_leaving(tmp_path: Path) -> None:
    with running(tmp_path) as stores:
        assert stores.url.startswith("http://127.0.0.1:")
        served = [child for child in psutil.Process().children() if str(tmp_path) in " ".join(child.cmdline())]
        pids = [child.pid for node in served for child in (node, *node.children(recursive=True))]
        assert len(pids) >= 2  # node and workerd
    assert gone(pids)

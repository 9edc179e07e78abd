"""An embedded server ends with the last process that uses it, also when that one is killed."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from resources.postgres import embedded, watchdog
from resources.postgres.shared import SharedServer

SHARED = """
import pathlib, sys
from resources.postgres.shared import SharedServer
server = SharedServer(pathlib.Path(sys.argv[1]), lambda: None)
server.dsn()
print("started", flush=True)
sys.stdin.read()
"""
ALONE = """
import pathlib, sys
from resources.postgres import embedded
with embedded.running(pathlib.Path(sys.argv[1])):
    print("started", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """In a folder of the test's own, because pytest lets no other user into its folders, such as the server of root."""
    with tempfile.TemporaryDirectory(prefix="clearlift-") as made:
        chosen = Path(made).resolve() / "pg"
        yield chosen
        embedded.stop(chosen)


def user(folder: Path, how: str) -> subprocess.Popen[str]:
    started = subprocess.Popen(
        [sys.executable, "-c", how, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert started.stdout
    assert started.stdout.readline() == "started\n"
    return started


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def at_work(folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if Path(process.cwd()) == folder and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def ended(folder: Path) -> bool:
    """Whether no process works there, after a while at most."""
    for _ in range(600):
        if not at_work(folder):
            return True
        time.sleep(0.05)
    return False


def test_a_shared_server_stays_with_its_users_and_ends_with_the_last_that_is_killed(folder: Path) -> None:
    first, second = user(folder, SHARED), user(folder, SHARED)
    kill(first)
    own = SharedServer(folder, lambda: None)
    own.dsn()
    own.release()
    assert at_work(folder)
    kill(second)
    assert ended(folder)


def test_a_server_of_one_process_ends_when_that_is_killed(folder: Path) -> None:
    kill(user(folder, ALONE))
    assert ended(folder)


def test_the_server_of_the_next_user_stays(folder: Path) -> None:
    embedded.start(folder)
    watchdog.end(folder, started_by=str(os.getppid()))
    assert at_work(folder)
    watchdog.end(folder, started_by=str(os.getpid()))
    assert ended(folder)

"""Servers end with the process that started them: by signals, and when the starter or the supervisor is killed."""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

MARK = "SUPERVISOR_TEST"
# Deaf to what can be ignored; one process escapes the session by a double fork.
TREE = """
import os, signal, subprocess, sys, time
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
else:
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open(sys.argv[1] + str(os.getpid()), "w").close()
time.sleep(600)
"""
# Ends when it is asked to, unless it was started where that is ignored.
POLITE = "import sys, time; open(sys.argv[1] + 'polite', 'w').close(); time.sleep(600)"
# Ends by itself, once the polite one runs.
BRIEF = """
import os, sys, time
while not os.path.exists(sys.argv[1] + "polite"):
    time.sleep(0.05)
sys.exit(3)
"""
STARTER = """
import importlib, json, os, sys
from pathlib import Path
from clearlift_pipelines.cli.interruption import interruptible
from clearlift_pipelines.cli.supervisor import Supervised
commands, patience = json.loads(sys.argv[1]), float(sys.argv[2])
with interruptible():
    for name in sys.argv[3:]:
        importlib.import_module(name)
    with Supervised(commands, os.environ, cwd=Path.cwd(), stdout=1, stderr=2, patience=patience) as running:
        print(running.pid, flush=True)
        running.wait()
"""


class Family:
    """A starter, its supervisor, and all that bears the test's mark."""

    def __init__(
        self,
        folder: Path,
        servers: dict[str, int],
        patience: float,
        *imports: str,
        deaf_starter: bool = False,
    ) -> None:
        self.mark = uuid.uuid4().hex
        place = f"{folder}/"
        commands = [[sys.executable, "-c", code, place] for code in servers]
        ignore = "trap '' INT; exec" if deaf_starter else "exec"
        starter = [sys.executable, "-c", STARTER, json.dumps(commands), str(patience), *imports]
        self.starter = subprocess.Popen(
            ["/bin/sh", "-c", f'{ignore} "$@"', "sh", *starter],
            env={**os.environ, MARK: self.mark},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.starter.stdout is not None
        self.supervisor = int(self.starter.stdout.readline())
        wanted = sum(servers.values())
        while len([*folder.iterdir()]) < wanted:
            time.sleep(0.02)

    def left(self) -> list[psutil.Process]:
        """What still lives."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                if process.environ().get(MARK) == self.mark and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def gone(self) -> bool:
        """Whether nothing is left, after a while at most."""
        for _ in range(200):
            if not self.left():
                return True
            time.sleep(0.05)
        return False


@pytest.fixture
def families() -> Iterator[list[Family]]:
    started: list[Family] = []
    yield started
    for family in started:
        for process in family.left():
            with suppress(psutil.NoSuchProcess):
                process.kill()
        family.starter.wait()
        assert family.starter.stdout is not None
        family.starter.stdout.close()


@pytest.mark.parametrize(
    "blows",
    [
        pytest.param([("starter", signal.SIGKILL)], id="starter killed"),
        pytest.param([("starter", signal.SIGINT), ("starter", signal.SIGTERM)], id="two signals"),
        pytest.param([("supervisor", signal.SIGKILL)], id="supervisor killed"),
    ],
)
def test_nothing_is_left_of_a_family_that_ignores_signals(
    tmp_path: Path, families: list[Family], blows: list[tuple[str, signal.Signals]]
) -> None:
    families.append(family := Family(tmp_path, {TREE: 2}, patience=600))
    assert len(family.left()) >= 5
    for whom, number in blows:
        os.kill(family.starter.pid if whom == "starter" else family.supervisor, number)
        time.sleep(0.3)
    assert family.gone()


def test_one_signal_and_the_patience_end_the_deaf(tmp_path: Path, families: list[Family]) -> None:
    families.append(family := Family(tmp_path, {TREE: 2}, patience=0.3))
    os.kill(family.starter.pid, signal.SIGTERM)
    assert family.gone()


def test_a_server_hears_where_its_starter_ignores(tmp_path: Path, families: list[Family]) -> None:
    families.append(family := Family(tmp_path, {POLITE: 1}, patience=600, deaf_starter=True))
    os.kill(family.starter.pid, signal.SIGTERM)
    assert family.gone()


def test_the_others_end_with_the_first_that_ends(tmp_path: Path, families: list[Family]) -> None:
    families.append(family := Family(tmp_path, {POLITE: 1, BRIEF: 0}, patience=600))
    assert family.gone()


def test_ctrl_c_is_heard_beside_a_library_with_a_handler_of_its_own(tmp_path: Path, families: list[Family]) -> None:
    families.append(family := Family(tmp_path, {POLITE: 1}, 600, "polars"))
    os.kill(family.starter.pid, signal.SIGINT)
    assert family.gone()

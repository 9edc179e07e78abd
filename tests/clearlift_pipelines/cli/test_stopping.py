"""Nothing that `clearlift ui` and `clearlift run` start survives them, whatever signals they get, and when."""

import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[3]
MARK = "STOPPING_TEST"
# A command that was started under nohup ignores SIGHUP, and one behind `&` SIGQUIT; the tests may run so.
CLEARLIFT = """
import signal
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)
from clearlift_pipelines.cli import main
main()
"""
NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGKILL)
# The first of them in every run of the suite, the others under soak.
SEQUENCES, FEW = 50, 2
COMMANDS = ("run", "ui")
# Loading takes a few seconds, and so does what comes after it.
LONGEST_WAIT = {"run": 25.0, "ui": 12.0}


@dataclass(frozen=True)
class Sequence:
    """What a command gets: signals, and before each of them a pause in seconds."""

    command: str
    signals: tuple[tuple[float, signal.Signals], ...]

    @staticmethod
    def of(number: int) -> "Sequence":
        drawn, command = random.Random(number), COMMANDS[number % len(COMMANDS)]
        pauses = [drawn.uniform(0, LONGEST_WAIT[command]), *(drawn.uniform(0, 1.5) for _ in range(drawn.randrange(4)))]
        return Sequence(command, tuple((pause, drawn.choice(NUMBERS)) for pause in pauses))


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A home whose embedded Postgres root's server may enter; each sequence goes on where the one before was ended."""
    with tempfile.TemporaryDirectory(prefix="clearlift-") as made:
        yield Path(made).resolve() / "home"


def left(mark: str, home: Path) -> list[psutil.Process]:
    """What bears a mark, or works in a folder below the home."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            ours = process.environ().get(MARK) == mark or Path(process.cwd()).is_relative_to(home)
            if ours and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def gone(mark: str, home: Path) -> list[str]:
    """What is left after a while; empty where nothing is."""
    for _ in range(900):
        if not (processes := left(mark, home)):
            return []
        time.sleep(0.1)
    return [" ".join(process.cmdline()) for process in processes]


def options(command: str) -> list[str]:
    if command == "run":
        return ["--days", "1", "--scale", "0.05"]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return ["--port", str(probe.getsockname()[1])]


@pytest.mark.parametrize(
    "sequence",
    [pytest.param(Sequence.of(n), marks=[pytest.mark.soak] if n >= FEW else [], id=str(n)) for n in range(SEQUENCES)],
)
def test_nothing_is_left(sequence: Sequence, home: Path) -> None:
    mark = uuid.uuid4().hex
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("CLEARLIFT_", "DAGSTER_"))}
    started = subprocess.Popen(
        [sys.executable, "-c", CLEARLIFT, sequence.command, *options(sequence.command)],
        env={**plain, "CLEARLIFT_HOME": str(home), MARK: mark},
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        for pause, number in sequence.signals:
            with suppress(subprocess.TimeoutExpired):
                started.wait(timeout=pause)
            started.send_signal(number)
        started.wait()
        assert gone(mark, home) == []
    finally:
        for process in left(mark, home):
            with suppress(psutil.NoSuchProcess):
                process.kill()
        started.wait()

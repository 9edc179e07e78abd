"""A process that stops an embedded server once the process that uses it is gone, however it ended.

It waits at a pipe, whose other end the user holds: a byte says that the user has stopped the server itself; the end of
the pipe, that the user was killed.
What does not belong here: how a server is started and stopped in good order (embedded.py, shared.py).
"""

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

# What a server gets to end its sessions and to write a checkpoint.
FAST_SECONDS = 10.0
# Nothing is imported until it is needed: most users end well.
WAITS = """
import os, sys
if not os.read(0, 1):
    from resources.postgres import watchdog
    watchdog.main()
"""
STARTERS = ("pg_ctl", "initdb")
# The variable with the process that starts a server, which the server keeps.
STARTED_BY = "STARTED_BY_PROCESS"


class Watchdog:
    """Stops the server of `folder` when this process is killed. users: a file that other users hold a lock on; the
    server stays until the last of them is gone.
    """

    def __init__(self, folder: Path, users: Path | None = None) -> None:
        places = [str(os.getpid()), *(str(place) for place in (folder, users) if place is not None)]
        # A session of its own, because Ctrl-C at a terminal reaches every process. No output: a pipe that the user
        # writes to is to end with the user.
        self._process = subprocess.Popen(  # noqa: S603 (our own)
            [sys.executable, "-c", WAITS, *places],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def dismiss(self) -> None:
        """The server was stopped, or others use it."""
        with suppress(BrokenPipeError):  # it was killed
            self._process.communicate(b".")


@contextmanager
def watched(folder: Path) -> Iterator[None]:
    """For a block that starts the server of a folder, uses it alone, and stops it."""
    watchdog = Watchdog(folder)
    try:
        yield
    finally:
        watchdog.dismiss()


def end(folder: Path, started_by: str | None = None) -> None:
    """End the server of a folder, also one that starts or recovers; nobody waits for it.

    started_by: only what this process started. On a busy machine the next user of the folder is there before we are.
    """
    for process in _in(folder, started_by, *STARTERS):
        _send(process, signal.SIGKILL)
    # Fast, then as a crash does.
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        servers = [*_in(folder, started_by, "postgres")]
        for process in servers:
            _send(process, number)
        psutil.wait_procs(servers, FAST_SECONDS)


def _in(folder: Path, started_by: str | None, *names: str) -> Iterator[psutil.Process]:
    """Processes with such names that work in a folder. Of a server, the one that started the others."""
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            parent = process.parent()
            if not _is(process, folder, names) or (parent is not None and _is(parent, folder, names)):
                continue
            if started_by in (None, process.environ().get(STARTED_BY)):
                yield process


def _is(process: psutil.Process, folder: Path, names: tuple[str, ...]) -> bool:
    return process.name().startswith(names) and Path(process.cwd()) == folder


def _send(process: psutil.Process, number: signal.Signals) -> None:
    with suppress(psutil.NoSuchProcess):
        process.send_signal(number)


def main() -> None:
    """The user was killed, or left without a word."""
    started_by, (folder, *users) = sys.argv[1], map(Path, sys.argv[2:])
    with _only_one(folder) as first:
        if not first:
            return
        for file in users:
            fcntl.flock(os.open(file, os.O_RDWR | os.O_CREAT, 0o600), fcntl.LOCK_EX)
        # Of several users any may have started it, and the next one waits for the lock.
        end(folder, None if users else started_by)


@contextmanager
def _only_one(folder: Path) -> Iterator[bool]:
    """Whether no other one waits for the users of this folder."""
    try:
        opened = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        yield False
        return
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    else:
        yield True
    finally:
        os.close(opened)

"""A process that runs servers, and ends them with all that they started: when it is asked to, when one of them ends,
and when its starter is gone, however that happened.

`Supervised` starts one; `python -m clearlift_pipelines.cli.supervisor` is its other half. A pipe from its starter says
how to end: one byte asks the servers to, as Ctrl-C does; a second byte, or the end of the pipe, kills.
"""

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

import psutil

from resources.family import MARK

LOOK_SECONDS = 0.1
PARENT_DEATH_SIGNAL, CHILD_SUBREAPER = 1, 36  # of Linux' prctl
Command = Sequence[str]


class Supervised:
    """Servers that run until the block is left. `stdout` and `stderr` are descriptors that they write to.

    The first command starts at once; the others once `ready` exists. None of their processes is left behind. A server
    that is asked to end is killed after `patience` seconds.
    """

    def __init__(
        self,
        commands: Sequence[Command],
        environment: Mapping[str, str],
        *,
        cwd: Path,
        stdout: int,
        stderr: int,
        patience: float,
        ready: Path | None = None,
    ) -> None:
        self._mark = uuid.uuid4().hex
        reading, self._writing = os.pipe()
        plan = json.dumps([reading, patience, str(ready or ""), commands])
        # A session of its own: Ctrl-C reaches its starter alone, which then says what is to happen.
        self._process = subprocess.Popen(  # noqa: S603 (our own)
            [sys.executable, "-m", __spec__.name, plan],
            env={**environment, MARK: self._mark},
            cwd=cwd,
            stdout=stdout,
            stderr=stderr,
            pass_fds=[reading],
            start_new_session=True,
        )
        os.close(reading)

    @property
    def pid(self) -> int:
        """The process that ends the others."""
        return self._process.pid

    def wait(self) -> int:
        """Until one server has ended by itself and the others after it; its exit code."""
        # Polars puts a handler of SIGINT before Python's, by which the kernel goes on with a wait that Ctrl-C came to.
        while (code := self._process.poll()) is None:
            time.sleep(LOOK_SECONDS)
        return code

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            with suppress(BrokenPipeError):
                os.write(self._writing, b".")
            self.wait()
        finally:  # a further signal: now without patience
            os.close(self._writing)
            self.wait()
            kill(lambda: _marked(self._mark))


def die_with_parent() -> None:
    """For a child before its exec: the kernel kills it when its parent dies, where the kernel can."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)


def kill(found: Callable[[], Iterator[psutil.Process]]) -> None:
    """Kill processes until none is found: one may start another before it dies."""
    while processes := [*found()]:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes, LOOK_SECONDS)


def _marked(mark: str) -> Iterator[psutil.Process]:
    """Live processes that bear a mark in their environment, which children inherit, this process excepted."""
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and _lives(process) and process.environ().get(MARK) == mark:
                yield process


def _descendants() -> Iterator[psutil.Process]:
    yield from filter(_lives, psutil.Process().children(recursive=True))


def _lives(process: psutil.Process) -> bool:
    """In a container without an init nobody reaps the dead."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def supervise(reading: int, patience: float, ready: str, commands: Sequence[Command]) -> int:
    """Run the servers; the exit code of the one that ended by itself, 0 where they were asked to end."""
    waiting = [*commands]
    servers: list[subprocess.Popen[bytes]] = []
    asked_at: float | None = None
    code = 0
    while True:
        while waiting and (not servers or not ready or Path(ready).exists()) and asked_at is None:
            # Before the exec this process has one thread, so that a function may run there.
            servers.append(subprocess.Popen(waiting.pop(0), preexec_fn=die_with_parent))  # noqa: S603
        said = os.read(reading, 1) if select.select([reading], [], [], LOOK_SECONDS)[0] else None
        ended = [server for server in servers if server.poll() is not None]
        if said == b"" or (said and asked_at is not None):
            return code
        if asked_at is None and (said or ended):
            asked_at = time.monotonic()
            code = ended[0].returncode if ended else 0
            for server in servers:
                server.send_signal(signal.SIGINT)
        if asked_at is not None and (len(ended) == len(servers) or time.monotonic() - asked_at > patience):
            return code


def main() -> None:
    """Supervise as the argument says, then kill what is left."""
    # A server ignores for ever what its starter ignored, and a process behind `&` or nohup was started so.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    if sys.platform == "linux":
        # What loses its parent becomes a child of this process.
        ctypes.CDLL(None).prctl(CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        code = supervise(*json.loads(sys.argv[1]))
    finally:
        kill(_descendants)
        kill(lambda: _marked(os.environ[MARK]))
    sys.exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    main()

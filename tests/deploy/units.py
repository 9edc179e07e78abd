"""Units of systemd, kept alive by what their files say. A session of processes stands for a unit's control group.

What belongs here: the meaning of the settings that the unit files use (ExecStart, ExecStartPost, After, Restart,
RestartSec, KillMode, EnvironmentFile). What does not: which units there are.
"""

import configparser
import os
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from dotenv import dotenv_values

POLL_SECONDS = 0.1


def parsed(*files: Path) -> configparser.RawConfigParser:
    """Unit files, the later over the earlier. Of a setting that is given more than once, the last value."""
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    read = parser.read(files)
    assert len(read) == len(files), files
    return parser


def installed(file: Path) -> configparser.RawConfigParser:
    """A unit of ours with the drop-in beside it that all share."""
    return parsed(file.parent / "clearlift-.service.d" / "common.conf", file)


@dataclass(frozen=True)
class Unit:
    """What is used of a unit file."""

    name: str
    start: Sequence[str]
    started: Sequence[str]
    after: Sequence[str]
    environment_file: Path | None
    folder: Path
    restart: str
    restart_seconds: float
    kill_mode: str

    @classmethod
    def of(cls, name: str, folder: Path) -> "Unit":
        """A unit of ours that is installed in `folder`, with what all share."""
        unit = installed(folder / f"{name}.service")
        service = unit["Service"]
        return cls(
            name,
            shlex.split(service["ExecStart"]),
            shlex.split(service.get("ExecStartPost", "")),
            [each.removesuffix(".service") for each in unit["Unit"]["After"].split() if each.endswith(".service")],
            Path(service["EnvironmentFile"]),
            Path(service["WorkingDirectory"]),
            service.get("Restart", "no"),
            float(service.get("RestartSec", "0.1")),
            service.get("KillMode", "control-group"),
        )


def group(session: int) -> list[int]:
    """The living processes of a session."""
    found = []
    for process in psutil.process_iter():
        with suppress(ProcessLookupError, psutil.NoSuchProcess):
            if os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
    return found


class Service(threading.Thread):
    """One unit: started, and started again. `main` is its main process; `active` is set while it is started."""

    def __init__(self, unit: Unit, before: Sequence["Service"], log: Path) -> None:
        super().__init__(name=unit.name, daemon=True)
        self.unit, self.log = unit, log
        self.active = threading.Event()
        self.main = 0
        self.starts = 0
        self._before = before
        self._ending = threading.Event()

    def run(self) -> None:
        while not all(service.active.wait(POLL_SECONDS) for service in self._before):
            if self._ending.is_set():
                return
        while not self._ending.is_set():
            with self.log.open("ab") as log:
                self._once(log.fileno())
            if self.unit.restart != "always":
                return
            self._ending.wait(self.unit.restart_seconds)

    def end(self) -> None:
        """SIGTERM to the main process, then SIGKILL to what is left."""
        self._ending.set()
        if self.main:
            with suppress(ProcessLookupError):
                os.kill(self.main, signal.SIGTERM)

    def _once(self, log: int) -> None:
        environment = {"PATH": os.defpath, "HOME": "/nonexistent"}
        if self.unit.environment_file is not None:
            environment |= {k: v for k, v in dotenv_values(self.unit.environment_file).items() if v is not None}
        with subprocess.Popen(
            self.unit.start, cwd=self.unit.folder, env=environment, start_new_session=True, stdout=log, stderr=log
        ) as main:
            self.main = main.pid
            self.starts += 1
            if self.unit.started and not self._follows(environment, log):
                main.kill()
            if main.poll() is None:
                self.active.set()
            while main.poll() is None and not self._ending.is_set():
                time.sleep(POLL_SECONDS)
            self.active.clear()
            with suppress(subprocess.TimeoutExpired):
                main.wait(20 if self._ending.is_set() else None)
            # The group ends with its main process in both modes that the units use.
            assert self.unit.kill_mode in ("control-group", "mixed")
            for pid in group(main.pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def _follows(self, environment: Mapping[str, str], log: int) -> bool:
        """Whether ExecStartPost ended well. As in systemd, it is waited for where the main process died meanwhile."""
        with subprocess.Popen(
            self.unit.started, cwd=self.unit.folder, env=environment, stdout=log, stderr=log
        ) as after:
            while after.poll() is None:
                if self._ending.wait(POLL_SECONDS):
                    after.kill()
            return after.returncode == 0


@contextmanager
def supervised(units: Sequence[Unit], logs: Path) -> Iterator[Mapping[str, Service]]:
    """The units, started in their order and kept alive for the length of a block; by name."""
    logs.mkdir(exist_ok=True)
    services: dict[str, Service] = {}
    for unit in sorted(units, key=lambda unit: len(unit.after)):
        before = [services[name] for name in unit.after if name in services]
        services[unit.name] = Service(unit, before, logs / f"{unit.name}.log")
    try:
        for service in services.values():
            service.start()
        yield services
    finally:
        for service in services.values():
            service.end()
        for service in services.values():
            service.join(60)

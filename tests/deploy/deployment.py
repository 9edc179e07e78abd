"""The deployment of deploy/vm on this machine: its units, a Postgres, and a pooler where pgbouncer is installed.

What belongs here: the processes, how each is found, and what keeps them alive. What does not: what happens to them.
"""

import os
import re
import shutil
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psutil
import psycopg

from resources.postgres import embedded
from tests.deploy.units import Service, Unit, group, parsed, supervised

ROOT = Path(__file__).resolve().parents[2]
UNITS = ("clearlift-code", "clearlift-runs", "clearlift-daemon", "clearlift-webserver")
PORTS = (4000, 4001, 3000)
PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
POOLER = """[databases]
* = host=/proc/self/cwd port=5432 user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
ignore_startup_parameters = extra_float_digits
"""


def free_ports(number: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody uses now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports: list[int] = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def until(true: Callable[[], object], seconds: float = 60, pause: float = 0.1) -> None:
    """Wait for something that must happen. The time is only the end of patience."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(pause)


def moved(folder: Path) -> None:
    """Put deploy/vm and the programs below `folder`, as the docs put them below /opt, with free ports."""
    place = folder / "opt" / "clearlift"
    place.mkdir(parents=True, exist_ok=True)
    for name in (".venv", "dagster_home"):
        (place / name).symlink_to(ROOT / name)
    ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    (place / "deploy" / "vm").mkdir(parents=True)
    source = ROOT / "deploy" / "vm"
    for file in (path for path in source.rglob("*") if path.is_file()):
        target = place / "deploy" / "vm" / file.relative_to(source)
        target.parent.mkdir(exist_ok=True)
        text = re.sub(r"\b(4000|4001|3000)\b", lambda found: str(ports[int(found[0])]), file.read_text())
        target.write_text(text.replace("/opt/clearlift", str(place)))


class Postgres:
    """A server that somebody else keeps alive: killed, it is back after some seconds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ending = threading.Event()
        self._keeper = threading.Thread(target=self._keep, daemon=True)

    def url(self, database: str, port: int | None = None) -> str:
        """Over the server's socket, or through a pooler at `port`."""
        if port is not None:
            return f"postgresql://postgres@127.0.0.1:{port}/{database}"
        return self._server.replace("@/postgres?", f"@/{database}?")

    @property
    def socket_folder(self) -> str:
        return parse_qs(urlsplit(self._server).query)["host"][0]

    def kill(self) -> None:
        """kill -9 of the postmaster."""
        os.kill(int((self.folder / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)

    def __enter__(self) -> "Postgres":
        self._server = embedded.start(self.folder)
        with psycopg.connect(self._server, autocommit=True) as admin:
            admin.execute("create database dagster")
            admin.execute("create database clearlift")
            admin.execute("create database growth")
        self._keeper.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._keeper.join()
        embedded.stop(self.folder)

    def _keep(self) -> None:
        while not self._ending.wait(5):
            embedded.start(self.folder)


class Deployment:
    """The running processes by name."""

    def __init__(self, folder: Path, postgres: Postgres, pooler_port: int | None) -> None:
        self.folder, self.postgres, self.pooler_port = folder, postgres, pooler_port
        self.place = folder / "opt" / "clearlift"
        self.services: Mapping[str, Service] = {}

    @property
    def urls(self) -> dict[str, str]:
        """The settings of Postgres: the run history's direct, the stores' through the pooler where there is one."""
        return {
            "CLEARLIFT_DAGSTER_POSTGRES_URL": self.postgres.url("dagster").replace("://", "+psycopg2://"),
            "CLEARLIFT_POSTGRES_DSN": self.postgres.url("clearlift", self.pooler_port),
            "CLEARLIFT_POSTGRES__GROWTH": self.postgres.url("growth", self.pooler_port),
        }

    def units(self) -> list[Unit]:
        """The units as the files say."""
        return [Unit.of(name, self.place / "deploy" / "vm") for name in UNITS]

    def runs(self) -> list[int]:
        """The processes of runs: those that the run server's process of loaded definitions made."""
        found = []
        main = self.services["clearlift-runs"].main
        for pid in group(main):
            with suppress(psutil.NoSuchProcess):
                parent = psutil.Process(pid).parent()
                if parent is not None and "multiprocessing.forkserver" in " ".join(parent.cmdline()):
                    found.append(pid)
        return found

    @property
    def well(self) -> bool:
        """Whether every unit is started."""
        return all(service.active.is_set() for service in self.services.values())


@contextmanager
def deployed(folder: Path) -> Iterator[Deployment]:
    """Postgres, the pooler, and the files of the units, for the length of a block. The units are not started."""
    moved(folder)
    with ExitStack() as stack:
        postgres = stack.enter_context(Postgres(folder / "pg"))
        if PGBOUNCER is None:
            yield Deployment(folder, postgres, None)
            return
        (port,) = free_ports(1)
        configuration = folder / "pgbouncer.ini"
        account = "user = nobody\n" if os.geteuid() == 0 else ""
        configuration.write_text(POOLER.format(port=port) + account)
        restart = parsed(ROOT / "deploy" / "vm" / "restart.conf")["Service"]
        unit = Unit(
            "pgbouncer",
            [PGBOUNCER, str(configuration)],
            [],
            [],
            None,
            Path(postgres.socket_folder),  # as nobody it may not pass the folders above, so it works in this one
            restart["Restart"],
            float(restart["RestartSec"]),
            "control-group",
        )
        pooler = stack.enter_context(supervised([unit], folder / "logs"))
        deployment = Deployment(folder, postgres, port)
        deployment.services = pooler
        yield deployment


@contextmanager
def running(deployment: Deployment) -> Iterator[None]:
    """The units of the deployment, started in their order and kept alive for the length of a block."""
    pooler = deployment.services
    with supervised(deployment.units(), deployment.folder / "logs") as services:
        deployment.services = {**pooler, **services}
        for service in services.values():
            assert service.active.wait(180), service.log.read_text()[-4000:]
        yield

"""A RabbitMQ of a test's own on loopback: Debian's packages, as `make engines` unpacks them. No fixtures here."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.deploy.deployment import ROOT, free_ports, until

UNPACKED = ROOT / ".engines" / "rabbitmq" / "usr" / "lib"
# One thread that does not spin: the machine has other work.
ERLANG = "-start_epmd false -kernel inet_dist_use_interface {127,0,0,1} +S 1:1 +sbwt none"


class Broker:
    """A broker that can be killed and started again over the same data. url: for its clients."""

    def __init__(self, folder: Path, configuration: str) -> None:
        (self._program,) = UNPACKED.glob("rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server")
        self._port, nodes, self._names = free_ports(3)
        self.url = f"pyamqp://guest:guest@127.0.0.1:{self._port}//"
        folder.mkdir()
        (folder / "rabbitmq.conf").write_text(f"listeners.tcp.1 = 127.0.0.1:{self._port}\n{configuration}")
        self._folder = folder
        self._environment = {
            "PATH": f"{UNPACKED / 'erlang' / 'bin'}:{os.defpath}",
            "HOME": str(folder),
            "ERL_EPMD_PORT": str(self._names),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": "test@localhost",
            "RABBITMQ_DIST_PORT": str(nodes),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": ERLANG,
        }
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start it, and wait until it listens."""
        for command, port in ((UNPACKED / "erlang" / "bin" / "epmd", self._names), (self._program, self._port)):
            with (self._folder / "out").open("ab") as out:
                process = subprocess.Popen(
                    [command], env=self._environment, cwd=self._folder, stdout=out, stderr=out, start_new_session=True
                )
            self._running.append(process)
            until(lambda process=process, port=port: _opened(port) or process.poll() is not None, 240)  # type: ignore[misc]
            assert process.poll() is None, (self._folder / "out").read_text()

    def kill(self) -> None:
        """As by `kill -9`, or by a machine that is gone."""
        while self._running:
            process = self._running.pop()
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def rabbitmq(folder: Path, configuration: str) -> Iterator[Broker]:
    """A broker with these settings, for the length of a block."""
    if not UNPACKED.exists():
        pytest.skip("RabbitMQ is not there: run `make engines` on a machine with apt")
    broker = Broker(folder, configuration)
    try:
        broker.start()
        yield broker
    finally:
        broker.kill()


def _opened(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0

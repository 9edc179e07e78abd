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


@contextmanager
def rabbitmq(folder: Path, configuration: str) -> Iterator[str]:
    """The URL of a broker with these settings, for the length of a block."""
    if not UNPACKED.exists():
        pytest.skip("RabbitMQ is not there: run `make engines` on a machine with apt")
    (program,) = UNPACKED.glob("rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server")
    listening, nodes, names = free_ports(3)
    folder.mkdir()
    (folder / "rabbitmq.conf").write_text(f"listeners.tcp.1 = 127.0.0.1:{listening}\n{configuration}")
    environment = {
        "PATH": f"{UNPACKED / 'erlang' / 'bin'}:{os.defpath}",
        "HOME": str(folder),
        "ERL_EPMD_PORT": str(names),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODENAME": "test@localhost",
        "RABBITMQ_DIST_PORT": str(nodes),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": ERLANG,
    }
    began: list[subprocess.Popen[bytes]] = []
    try:
        with (folder / "out").open("wb") as out:
            for command, port in (([UNPACKED / "erlang" / "bin" / "epmd"], names), ([program], listening)):
                process = subprocess.Popen(
                    command, env=environment, cwd=folder, stdout=out, stderr=out, start_new_session=True
                )
                began.append(process)
                until(lambda process=process, port=port: _opened(port) or process.poll() is not None, 240)  # type: ignore[misc]
                assert process.poll() is None, (folder / "out").read_text()
        yield f"pyamqp://guest:guest@127.0.0.1:{listening}//"
    finally:
        for process in began:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _opened(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0

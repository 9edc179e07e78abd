"""A real webserver process for a test: its address, and requests to it. No fixtures here."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests
from requests.adapters import HTTPAdapter

START_SECONDS = 120
DAGSTER_YAML = "telemetry: {enabled: false}\n"
MUTATION = "mutation { setNuxSeen }"


@dataclass(frozen=True)
class Webserver:
    """A webserver on loopback; `home` is its DAGSTER_HOME."""

    port: int
    home: Path

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    def send(
        self, method: str, path: str, headers: Mapping[str, str | None] | None = None, *, by: str = "", body: str = ""
    ) -> requests.Response:
        """One request, from the address `by` of this machine where one is named; no redirect is followed."""
        with requests.Session() as session:
            session.trust_env = False
            if by:
                session.mount("http://", _From(by))
            return session.request(
                method, self.url + path, headers=dict(headers or {}), data=body, timeout=30, allow_redirects=False
            )

    def changed(self) -> bool:
        """Whether the mutation was made, since the last look."""
        seen = self.home / ".nux" / "nux.yaml"
        was_there = seen.exists()
        seen.unlink(missing_ok=True)
        return was_there


class _From(HTTPAdapter):
    def __init__(self, address: str) -> None:
        self._address = address
        super().__init__()

    def init_poolmanager(self, *arguments: object, **options: object) -> None:
        super().init_poolmanager(*arguments, source_address=(self._address, 0), **options)  # type: ignore[arg-type]


@contextmanager
def webserver(folder: Path, settings: Mapping[str, str], *options: str) -> Iterator[Webserver]:
    """A webserver without a code location, with these CLEARLIFT_ variables and no others."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dagster.yaml").write_text(DAGSTER_YAML)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("CLEARLIFT_", "DAGSTER_"))}
    command = ["-m", "clearlift_pipelines.webserver", "--empty-workspace", "--port", str(port), *options]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            [sys.executable, *command],
            cwd=folder,
            env={**plain, **settings, "DAGSTER_HOME": str(folder)},
            stdout=log,
            stderr=log,
        ) as process,
    ):
        try:
            served = Webserver(port, folder)
            deadline = time.monotonic() + START_SECONDS
            while not _answers(served):
                assert process.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.1)
            yield served
        finally:
            process.kill()


def _answers(served: Webserver) -> bool:
    try:
        return served.send("GET", "/server_info").ok
    except requests.ConnectionError:
        return False

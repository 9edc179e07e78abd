"""Fixtures of several stores' tests: Cloudflare's local runtime, moto's S3 (one for each test process), stand-ins."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from moto.server import ThreadedMotoServer

from resources.cloudflare import RATE, api_session
from resources.http import Patience, Session
from resources.pacing import Pacing
from tests.standin.cloudflare import TOKEN, Cloudflare
from tests.standin.loopback import faults_of, read_seconds
from tests.standin.waits import Waits
from tests.workerd.local_runtime import Workerd, running, skip_without_runtime


@pytest.fixture(scope="session")
def workerd(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workerd]:
    """Cloudflare's own runtime on loopback; mark its tests with xdist_group("workerd"), so that it starts only once."""
    skip_without_runtime(request, "the tests")
    with running(tmp_path_factory.mktemp("workerd")) as stores:
        yield stores


@pytest.fixture(scope="session")
def s3_url() -> Iterator[str]:
    """moto's S3 with an empty bucket `lake`. It has storage classes, conditional puts and multipart uploads."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    assert requests.put(f"{url}/lake", timeout=10).ok
    yield url
    server.stop()


@pytest.fixture
def waits() -> Waits:
    """The time of a session and a stand-in, from 2026-11-01 on."""
    return Waits(1_793_491_200.0)


@pytest.fixture
def cloudflare_api(tmp_path: Path, waits: Waits) -> Iterator[Cloudflare]:
    """A stand-in for Cloudflare's API, which fails when a test says so."""
    api = Cloudflare(tmp_path / "cloudflare", waits.clock)
    with api.loopback:
        yield api
    api.close()


@pytest.fixture
def patience(request: pytest.FixtureRequest) -> Patience:
    """The time-outs in real seconds: short if the test's parameters delay an answer."""
    spec = getattr(request.node, "callspec", None)
    return Patience(read=read_seconds(faults_of(spec.params if spec else {})))


@pytest.fixture
def cloudflare_session(waits: Waits, patience: Patience) -> Iterator[Session]:
    """A session with the stand-in's token, which waits in the time of `waits`."""
    pacing = Pacing(RATE, clock=waits.clock, sleep=waits.sleep)
    session = api_session(TOKEN, pacing, patience=patience, clock=waits.clock, sleep=waits.sleep, jitter=lambda: 0.5)
    yield session
    session.close()

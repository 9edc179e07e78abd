"""The rooms of the object store: a folder, moto's S3, and Cloudflare's own runtime where it can be installed."""

import logging
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from moto.server import ThreadedMotoServer

from resources.r2 import ObjectStore


@pytest.fixture(scope="session")
def s3_url() -> Iterator[str]:
    """moto's S3 with an empty bucket `lake`. It knows storage classes, conditional puts and multipart uploads."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    assert requests.put(f"{url}/lake", timeout=10).ok
    yield url
    server.stop()


@pytest.fixture
def s3_store(s3_url: str) -> ObjectStore:
    """A store of its own in moto's bucket."""
    return ObjectStore.bucket(s3_url, "lake", "key", "secret", prefix=uuid.uuid4().hex)


@pytest.fixture(
    params=["folder", "moto", pytest.param("workerd", marks=pytest.mark.xdist_group("workerd"))],
)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    """An empty store in each of the rooms."""
    if request.param == "folder":
        return ObjectStore.folder(tmp_path / "objects")
    if request.param == "moto":
        made: ObjectStore = request.getfixturevalue("s3_store")
        return made
    local = request.getfixturevalue("workerd")
    return ObjectStore.bucket(
        local.s3_endpoint,
        local.bucket,
        local.access_key_id,
        local.secret_access_key,
        prefix=uuid.uuid4().hex,
        storage_classes=False,
    )

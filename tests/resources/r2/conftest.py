"""The rooms of the object store: a folder, moto's S3, and Cloudflare's own runtime where it can be installed."""

import uuid
from pathlib import Path

import pytest

from resources.r2 import ObjectStore

PART_BYTES = 5 * 1024 * 1024


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Uploads in the smallest parts that S3 takes, to move fewer bytes."""
    monkeypatch.setattr("resources.r2.object_store.PART_BYTES", PART_BYTES)


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

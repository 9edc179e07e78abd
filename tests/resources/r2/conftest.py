"""The rooms of the object store: a folder, moto's S3, and Cloudflare's own runtime if it can be installed."""

import uuid
from pathlib import Path

import pytest

from resources.r2 import Bucket, BucketObjectStore, FolderObjectStore, ObjectStore
from tests.workerd.local_runtime import Workerd

PART_BYTES = 5 * 1024 * 1024


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Uploads in the smallest parts that S3 takes, to move fewer bytes."""
    monkeypatch.setattr("resources.r2.objects.PART_BYTES", PART_BYTES)


def lake_bucket(url: str, secret: str = "secret") -> Bucket:
    """The bucket `lake` at a URL of moto's S3, or at a server in front of it."""
    return Bucket(endpoint=url, name="lake", access_key_id="my-key", secret_access_key=secret)


def workerd_bucket(local: Workerd, secret: str | None = None) -> Bucket:
    """The bucket of Cloudflare's local runtime."""
    return Bucket(
        endpoint=local.s3_endpoint,
        name=local.bucket,
        access_key_id=local.access_key_id,
        secret_access_key=secret or local.secret_access_key,
    )


@pytest.fixture
def s3_store(s3_url: str) -> BucketObjectStore:
    """A store with a prefix of its own in moto's bucket."""
    return BucketObjectStore(lake_bucket(s3_url), prefix=uuid.uuid4().hex)


@pytest.fixture(
    params=["folder", "moto", pytest.param("workerd", marks=pytest.mark.xdist_group("workerd"))],
)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    """An empty store in each of the rooms."""
    if request.param == "folder":
        return FolderObjectStore(tmp_path / "objects")
    if request.param == "moto":
        moto_store: BucketObjectStore = request.getfixturevalue("s3_store")
        return moto_store
    local = request.getfixturevalue("workerd")
    return BucketObjectStore(workerd_bucket(local), prefix=uuid.uuid4().hex, storage_classes=False)

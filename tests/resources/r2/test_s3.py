"""The real room only: storage classes, signed URLs, parts, credentials, and engines that read a bucket over S3."""

import io
import uuid
from collections.abc import Iterator

import polars as pl
import pyarrow.parquet as pq
import pytest
import requests
from pyiceberg.io.pyarrow import PyArrowFileIO

from resources.r2 import BucketObjectStore, ObjectStore, ObjectStoreError
from tests.resources.r2.conftest import PART_BYTES, lake_bucket, workerd_bucket
from tests.standin.loopback import Loopback, Reply, Request


def test_storage_class_reaches_the_store(s3_store: ObjectStore) -> None:
    s3_store.put("cold", b"x", storage_class="STANDARD_IA")
    s3_store.put("big", [bytes(PART_BYTES), b"1"], storage_class="STANDARD_IA")
    s3_store.put("warm", b"x")
    assert s3_store.put_if_absent("first", b"x", storage_class="STANDARD_IA")
    assert not s3_store.put_if_absent("first", b"y", storage_class="STANDARD_IA")
    seen = {
        key: requests.get(s3_store.signed_url(key, 60), timeout=10).headers.get("x-amz-storage-class")
        for key in ("cold", "big", "first", "warm")
    }
    assert seen == {"cold": "STANDARD_IA", "big": "STANDARD_IA", "first": "STANDARD_IA", "warm": None}


def test_signed_urls_give_one_object(store: ObjectStore) -> None:
    store.put("a b/é+1.txt", b"signed")
    url = store.signed_url("a b/é+1.txt", 60)
    if url.startswith("file://"):
        pytest.skip("a folder signs nothing")
    assert requests.get(url, timeout=10).content == b"signed"
    assert "X-Amz-Expires=60" in url
    assert requests.put(store.signed_url("up", 60, "PUT"), data=b"sent", timeout=10).ok
    assert store.get("up") == b"sent"


@pytest.mark.parametrize("seconds", [0, -1, 7 * 24 * 3600 + 1])
def test_signed_urls_have_an_end(store: ObjectStore, seconds: int) -> None:
    with pytest.raises(ValueError, match="between 1 s and 7 days"):
        store.signed_url("k", seconds)


@pytest.mark.xdist_group("workerd")
def test_a_url_of_another_key_is_refused(request: pytest.FixtureRequest) -> None:
    local = request.getfixturevalue("workerd")
    store = BucketObjectStore(workerd_bucket(local), prefix=uuid.uuid4().hex)
    store.put("mine", b"1")
    store.put("other", b"2")
    assert requests.get(store.signed_url("mine", 60).replace("/mine", "/other"), timeout=10).status_code == 403
    stranger = BucketObjectStore(workerd_bucket(local, "a-wrong-secret"), retries=0)
    with pytest.raises(ObjectStoreError, match="get mine: ") as raised:
        stranger.get("mine")
    assert "a-wrong-secret" not in str(raised.value)


def test_parts_are_equal_but_the_last() -> None:
    parts: list[int] = []

    def keep(request: Request) -> Reply:
        if "partNumber" in request.query:
            parts.append(len(request.body))
            return Reply(b"", headers={"ETag": '"e"'})
        if request.method == "POST" and "uploads" in request.query:
            return Reply(b"<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>")
        return Reply(b"<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>")

    with Loopback(keep) as loopback:
        store = BucketObjectStore(lake_bucket(loopback.url))
        store.put("big", (bytes(1_111_111) for _ in range(13)))
    assert sum(parts) == 13 * 1_111_111
    assert sorted(parts)[1:] == [PART_BYTES] * (len(parts) - 1)
    assert len(parts) == 3


def test_a_failed_stream_leaves_no_upload_behind(s3_url: str, s3_store: ObjectStore) -> None:
    def failing() -> Iterator[bytes]:
        yield bytes(PART_BYTES * 2)
        raise ValueError("the source broke")

    with pytest.raises(ValueError, match="the source broke"):
        s3_store.put("k", failing())
    key = s3_store.uri("k").removeprefix("s3://lake/")
    assert key not in requests.get(f"{s3_url}/lake?uploads", timeout=10).text


def test_the_environment_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "from-the-environment")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "from-the-environment")
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
    monkeypatch.setenv("AWS_REQUEST_PAYER", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with Loopback(lambda request: Reply(b"", headers={"ETag": '"e"'})) as loopback:
        BucketObjectStore(lake_bucket(loopback.url)).put("k", b"1")
        sent = {name.lower(): value for name, value in loopback.requests[0].headers.items()}
    assert "Credential=my-key/" in sent["authorization"]
    assert "from-the-environment" not in str(sent)
    assert "x-amz-request-payer" not in sent


def test_no_secret_is_shown(s3_url: str) -> None:
    store = BucketObjectStore(lake_bucket(s3_url, "the-secret"), prefix="a/b/")
    assert repr(store) == "BucketObjectStore('s3://lake/a/b')"
    assert "the-secret" not in repr(vars(store))


def test_uris(s3_url: str) -> None:
    store = BucketObjectStore(lake_bucket(s3_url), prefix="a/b/")
    assert store.uri() == "s3://lake/a/b"
    assert store.uri("c/d.parquet") == "s3://lake/a/b/c/d.parquet"
    assert BucketObjectStore(lake_bucket(s3_url)).uri("c") == "s3://lake/c"


def test_other_engines_read_the_bucket(s3_store: ObjectStore) -> None:
    frame = pl.DataFrame({"id": [1, 2, 3]})
    table = io.BytesIO()
    frame.write_parquet(table)
    s3_store.put("t/part.parquet", table.getvalue())
    uri = s3_store.uri("t/part.parquet")

    read = pq.read_table(uri.removeprefix("s3://"), filesystem=s3_store.arrow_filesystem())
    assert read.column("id").to_pylist() == [1, 2, 3]
    with PyArrowFileIO(s3_store.iceberg_properties()).new_input(uri).open() as stream:
        assert pl.read_parquet(stream.read()).equals(frame)

"""A store that is far away: how many requests the lake sends it. Each costs a round trip, and some are charged for."""

import json
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pyiceberg.catalog.sql import SqlCatalog

from resources.lake import Lake, LakeTable, PartitionKey
from resources.lake.file_io import IMPLEMENTATION, LONGEST_IN_ONE, LakeFileIO
from resources.lake.writing import BYTES_AT_ONCE, _Room
from resources.r2 import Bucket, BucketObjectStore, ObjectStoreError
from tests.resources.lake.readings import DAY, READINGS, ids, readings
from tests.standin import far_s3
from tests.standin.far_s3 import Served

FILES = 40


@pytest.fixture(scope="module")
def far() -> Iterator[Served]:
    """A store that waits 20 ms before each answer."""
    with far_s3.served() as server:
        server.wait(20)
        yield server


@pytest.fixture
def bucket(far: Served) -> Bucket:
    return Bucket(endpoint=far.url, name="lake", access_key_id="key", secret_access_key="secret")


@pytest.fixture
def far_table(bucket: Bucket, tmp_path: Path) -> Iterator[LakeTable]:
    """A table whose catalog is near and whose files are far."""
    properties = {**IMPLEMENTATION, **bucket.iceberg_properties()}
    root = f"s3://lake/{tmp_path.name}"
    catalog = SqlCatalog("far", uri=f"sqlite:///{tmp_path}/catalog.db", warehouse=root, **properties)
    yield Lake(lambda: catalog, nullcontext, root, bucket.polars_options()).ensure(READINGS)
    catalog.close()


def test_a_data_file_is_one_request_and_a_commit_is_three(far: Served, far_table: LakeTable) -> None:
    parts = [
        (PartitionKey(f"site{n:02}", DAY), readings(PartitionKey(f"site{n:02}", DAY), f"id{n:02}"))
        for n in range(FILES)
    ]
    loads = 1  # this catalog reads the metadata at each load, which the product's own does not
    far.reset()
    files = far_table.write(parts)
    assert far.counts() == {"A PUT": FILES, "B GET": loads}
    far.reset()
    far_table.append(files, "one")
    assert far.counts()["A PUT"] == 3  # manifest, manifest list, metadata
    assert "B HEAD" not in far.counts()
    assert ids(far_table) == [f"id{n:02}" for n in range(FILES)]


def test_files_are_on_their_way_at_once(far: Served, far_table: LakeTable, monkeypatch: pytest.MonkeyPatch) -> None:
    """With room for one file, each waits for the one before: it takes as many round trips as there are files."""
    keys = [PartitionKey(f"site{n:02}", DAY) for n in range(FILES)]
    waiting = max_waiting = 0
    put = BucketObjectStore.put

    def counted(*args: object, **options: object) -> None:
        nonlocal waiting, max_waiting
        waiting += 1
        max_waiting = max(max_waiting, waiting)
        put(*args, **options)  # type: ignore[arg-type]
        waiting -= 1

    monkeypatch.setattr(BucketObjectStore, "put", counted)
    far_table.write((key, readings(key, "a")) for key in keys)
    assert max_waiting > 1
    monkeypatch.setattr("resources.lake.writing.BYTES_AT_ONCE", 1)
    waiting = max_waiting = 0
    far_table.write((key, readings(key, "a")) for key in keys[:4])
    assert max_waiting == 1


def test_what_is_on_its_way_fits_the_room(far_table: LakeTable, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[int] = []
    take = _Room.take

    def watched(room: _Room, size: int) -> None:
        take(room, size)
        held.append(room._taken)

    monkeypatch.setattr(_Room, "take", watched)
    key = PartitionKey("site", DAY)
    rows = readings(key, *(f"id{n:05}" for n in range(1_000)))
    monkeypatch.setattr("resources.lake.writing.BYTES_AT_ONCE", 3 * rows.to_arrow().nbytes)
    far_table.write((PartitionKey(f"site{n}", DAY), rows) for n in range(12))
    assert max(held) <= 3 * rows.to_arrow().nbytes < BYTES_AT_ONCE


def test_a_failure_ends_the_writing(far_table: LakeTable, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = []

    def refused(_: BucketObjectStore, key: str, *__: object) -> None:
        begun.append(key)
        raise ObjectStoreError(f"put {key}: the server answers 403")

    monkeypatch.setattr(BucketObjectStore, "put", refused)
    monkeypatch.setattr("resources.lake.writing.BYTES_AT_ONCE", 1)
    key = PartitionKey("site", DAY)
    with pytest.raises(ObjectStoreError, match="403"):
        far_table.write((key, readings(key, "a")) for _ in range(9))
    assert len(begun) == 1


def test_a_footer_has_field_ids_and_nothing_of_arrows_own(far_table: LakeTable, bucket: Bucket) -> None:
    key = PartitionKey("site", DAY)
    (file,) = far_table.write([(key, readings(key, "a").with_columns(note=None))])
    footer = pq.read_metadata(file.file_path.removeprefix("s3://"), filesystem=bucket.arrow_filesystem())
    assert b"ARROW:schema" not in (footer.metadata or {})
    assert "note" not in footer.schema.names  # null in all rows
    schema = pq.read_schema(file.file_path.removeprefix("s3://"), filesystem=bucket.arrow_filesystem())
    ids_of = {field.name: (field.metadata or {})[b"PARQUET:field_id"] for field in schema}
    assert [ids_of[name] for name in ("site", "at", "id")] == [b"1", b"2", b"3"]
    assert file.file_size_in_bytes == BucketObjectStore(bucket).head(file.file_path.removeprefix("s3://lake/")).size


def test_a_file_of_metadata_is_never_written_over(bucket: Bucket) -> None:
    files = LakeFileIO(bucket.iceberg_properties())
    location = "s3://lake/metadata/00001.metadata.json"
    with files.new_output(location).create() as stream:
        stream.write(b"first")
    with pytest.raises(FileExistsError), files.new_output(location).create() as stream:
        stream.write(b"second")
    with files.new_input(location).open() as stream:
        assert stream.read() == b"first"


def test_a_long_file_goes_in_parts(far: Served, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resources.lake.file_io.LONGEST_IN_ONE", 6 * 2**20)
    location, piece = "s3://lake/long.bin", bytes(range(256)) * 4096
    far.reset()
    output = LakeFileIO(bucket.iceberg_properties()).new_output(location)
    with output.create(overwrite=True) as stream:
        for _ in range(12):
            stream.write(piece)
    assert far.counts()["A POST"] == 2  # the beginning and the end of a multipart upload
    assert len(output) == 12 * len(piece) < LONGEST_IN_ONE
    assert BucketObjectStore(bucket).get("long.bin") == piece * 12


def test_a_write_that_fails_sends_nothing(far: Served, bucket: Bucket) -> None:
    far.reset()
    output = LakeFileIO(bucket.iceberg_properties()).new_output("s3://lake/half.json")
    with suppress(ZeroDivisionError), output.create() as stream:
        stream.write(json.dumps({}).encode())
        _ = 1 / 0
    assert not output.exists()
    assert "A PUT" not in far.counts()

"""Damaged data files: with any bytes in their place, the error names them; a store that is away is no damage."""

from pathlib import Path
from typing import Any
from unittest.mock import patch

import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from resources.lake import DamagedFilesError, DataFile, LakeTable
from resources.lake.proof import names
from resources.lake.reading import Reader
from tests.examples import examples
from tests.resources.lake.readings import NORTH, readings, written


def local(path: str) -> Path:
    return Path(path.removeprefix("file://"))


@examples(50, 500)
@given(at=st.floats(0, 1, exclude_max=True), put=st.binary(min_size=1, max_size=40), cut=st.booleans())
@example(at=0.0, put=b"PAR1", cut=True)
@example(at=0.99, put=bytes(40), cut=False)
def test_whatever_bytes_are_there_are_rows_or_a_named_file(table: LakeTable, at: float, put: bytes, cut: bool) -> None:
    file, whole = written(table, "a", "b", "c"), written(table, "d")
    path = local(file.file_path)
    content = path.read_bytes()
    start = int(at * len(content))
    path.write_bytes(content[:start] + put + (b"" if cut else content[start + len(put) :]))

    rows = named = None
    try:
        with table.named([whole, file]):
            rows = table.read([whole, file]).collect()
    except DamagedFilesError as error:
        named = error
    if named is not None:
        assert [damaged.file_path for damaged in named.files] == [file.file_path]
        assert path.name in named.reason
        assert named.partitions == {NORTH}
    else:
        expected = pl.concat([readings(NORTH, "d"), readings(NORTH, "a", "b", "c")])
        assert rows is not None
        assert rows.height == 4
        assert table.is_whole(file) == rows.equals(expected.select(rows.columns))
    assert table.is_whole(whole)


@pytest.mark.parametrize("raised", [pl.exceptions.PanicException, pl.exceptions.SchemaError, FileNotFoundError])
def test_any_error_of_the_reader_names_the_damaged_file(table: LakeTable, raised: type[BaseException]) -> None:
    file, whole = written(table, "a"), written(table, "b")
    local(file.file_path).write_bytes(b"")

    with pytest.raises(DamagedFilesError) as named, table._proof(table.load()).naming([file, whole]):
        raise raised("at row 7")
    assert named.value.files == (file,)
    with pytest.raises(raised), table.named([whole]):
        raise raised("of something else")


def test_a_store_that_cannot_be_reached_says_nothing_about_files(table: LakeTable) -> None:
    file = written(table, "a")

    def unreachable(self: Reader, sources: Any) -> pl.LazyFrame:
        raise ConnectionRefusedError("object-store error: Generic S3 error")

    with patch.object(Reader, "read", unreachable), pytest.raises(ConnectionRefusedError), table.named([file]):
        pass


def test_a_required_column_is_never_filled_in(table: LakeTable) -> None:
    file = written(table, "a", "b")
    pq.write_table(pq.read_table(local(file.file_path), partitioning=None).drop_columns(["id"]), local(file.file_path))

    with pytest.raises(DamagedFilesError), table.named([file]):
        table.read([file]).select("id").collect()
    with table.named([file]):
        assert table.read([file]).select("note").collect().height == 2


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("site=north/year=2025/month=10/day=10/a.parquet", "site=north/year=2025/month=10/day=10/a.parquet"),
        ("site=north/at_day=2025-10-10/a.parquet", "site=north/at_day=2025-10-10/a.parquet"),
        ("a.parquet", "a.parquet"),
    ],
)
def test_a_file_is_named_from_its_first_partition_folder_on(path: str, name: str) -> None:
    file = DataFile.from_args(file_path=f"file:///some/where/data/readings/{path}")

    assert names([file]) == name

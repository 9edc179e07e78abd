"""Another writer's row-level deletes, as other engines than pyiceberg commit them. No fixtures here."""

import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.manifest import DataFileContent, FileFormat, ManifestContent, ManifestWriter, ManifestWriterV2
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.table.snapshots import Operation
from pyiceberg.table.update.snapshot import _FastAppendFiles

from resources.lake import DataFile, LakeTable

_FIELDS: "list[pa.Field[Any]]" = [
    pa.field("file_path", pa.string(), nullable=False, metadata={"PARQUET:field_id": "2147483546"}),
    pa.field("pos", pa.int64(), nullable=False, metadata={"PARQUET:field_id": "2147483545"}),
]
DELETES = pa.schema(_FIELDS)
PATH_ID = 2147483546


class _DeletesManifest(ManifestWriterV2):
    def content(self) -> ManifestContent:
        return ManifestContent.DELETES

    @property
    def _meta(self) -> dict[str, str]:
        return {**super()._meta, "content": "deletes"}


class _AppendDeletes(_FastAppendFiles):
    def new_manifest_writer(self, spec: PartitionSpec) -> ManifestWriter:
        return _DeletesManifest(spec, self.schema(), self.new_manifest_output(), self._snapshot_id, self._compression)


def delete_rows(table: LakeTable, file: DataFile, *positions: int) -> None:
    """Delete rows of a live data file by their positions."""
    delete_positions(table, {file: positions})


def delete_positions(table: LakeTable, positions: Mapping[DataFile, Sequence[int]]) -> None:
    """Delete rows of data files of one partition by their positions, with one delete file."""
    rows = [(file.file_path, position) for file, of_file in positions.items() for position in sorted(of_file)]
    content = pa.table({"file_path": [path for path, _ in rows], "pos": [at for _, at in rows]}, schema=DELETES)
    # Engines record the bounds of the paths: alike where the deletes are of one file.
    paths = sorted({path.encode() for path, _ in rows})
    bounds = {"lower_bounds": {PATH_ID: paths[0]}, "upper_bounds": {PATH_ID: paths[-1]}} if paths else {}
    _commit(table, next(iter(positions)), content, DataFileContent.POSITION_DELETES, **bounds)


def delete_equal(table: LakeTable, file: DataFile, keys: pl.DataFrame) -> None:
    """Delete the rows with some values from the partition of a live data file, by columns of the table."""
    layout = table.layout
    fields = [layout.by_id.field(name) for name in keys.columns]
    content = keys.to_arrow().cast(pa.schema(fields))
    ids = [column.field.field_id for column in layout.columns if column.name in keys.columns]
    _commit(table, file, content, DataFileContent.EQUALITY_DELETES, equality_ids=ids)


def delete_files(table: LakeTable) -> list[DataFile]:
    """The delete files that the current snapshot names."""
    live = table.load()
    snapshot = live.current_snapshot()
    assert snapshot is not None
    manifests = [m for m in snapshot.manifests(live.io) if m.content == ManifestContent.DELETES]
    return [entry.data_file for manifest in manifests for entry in manifest.fetch_manifest_entry(live.io)]


def _commit(table: LakeTable, beside: DataFile, content: pa.Table, kind: DataFileContent, **described: Any) -> None:
    live = table.load()
    path = f"{beside.file_path.rpartition('/')[0]}/deletes-{uuid.uuid4()}.parquet"
    local = Path(path.removeprefix("file://"))
    pq.write_table(content, local)
    entry = DataFile.from_args(
        content=kind,
        file_path=path,
        file_format=FileFormat.PARQUET,
        partition=beside.partition,
        record_count=content.num_rows,
        file_size_in_bytes=local.stat().st_size,
        **described,
    )
    entry.spec_id = beside.spec_id
    with live.transaction() as transaction:
        producer = _AppendDeletes(operation=Operation.APPEND, transaction=transaction, io=live.io)
        producer.append_data_file(entry)
        producer.commit()

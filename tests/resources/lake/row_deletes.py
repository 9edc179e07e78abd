"""Another writer's row-level delete, as other engines than pyiceberg commit it: a position delete file. No fixtures."""

import uuid
from pathlib import Path
from typing import Any

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
    live = table.load()
    path = f"{file.file_path.rpartition('/')[0]}/deletes-{uuid.uuid4()}.parquet"
    local = Path(path.removeprefix("file://"))
    pq.write_table(
        pa.table({"file_path": [file.file_path] * len(positions), "pos": list(positions)}, schema=DELETES), local
    )
    entry = DataFile.from_args(
        content=DataFileContent.POSITION_DELETES,
        file_path=path,
        file_format=FileFormat.PARQUET,
        partition=file.partition,
        record_count=len(positions),
        file_size_in_bytes=local.stat().st_size,
    )
    entry.spec_id = live.metadata.default_spec_id
    with live.transaction() as transaction:
        producer = _AppendDeletes(operation=Operation.APPEND, transaction=transaction, io=live.io)
        producer.append_data_file(entry)
        producer.commit()

"""Data files: the path of one, the manifest entry that a commit adds for it, and what the entry says.

A file has its final name before a commit names it. A file that no commit names is an orphan.
"""

import hashlib
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pyarrow.parquet as pq
from pyiceberg.io.pyarrow import (
    compute_statistics_plan,
    data_file_statistics_from_parquet_metadata,
    parquet_path_to_id_mapping,
)
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.schema import Schema
from pyiceberg.typedef import Record

from resources.declined import DeclinedError

_EPOCH = date(1970, 1, 1)
# Of the 255 bytes that a folder's name has on the usual file systems.
LONGEST_TENANT = 200

__all__ = [
    "DataFile",
    "Entries",
    "FileInfo",
    "ForeignPartitionError",
    "PartitionKey",
    "Source",
    "bounds",
    "deletes",
    "location",
    "null_columns",
    "raw",
]


@dataclass(frozen=True, order=True)
class PartitionKey:
    """One partition: the tenant's value and a UTC day."""

    tenant: str
    day: date

    @classmethod
    def of(cls, file: DataFile) -> "PartitionKey":
        tenant, day = file.partition[0], file.partition[1]
        return cls(str(tenant), _EPOCH + timedelta(days=_days(day)))

    def record(self) -> Record:
        return Record(self.tenant, (self.day - _EPOCH).days)


def _days(value: Any) -> int:
    # The value of a day() partition is days since the epoch; some readers return it as a date.
    return (value - _EPOCH).days if isinstance(value, date) else int(value)


def location(base: str, key: PartitionKey, *, tenant_column: str, prefix: str, fingerprint: str) -> str:
    """`base/tenant_column=…/year=…/month=…/day=…/prefix-uuid-fingerprint.parquet`.

    The tenant is percent-encoded; one that is too long for a folder's name is `sha256-` and its hash.
    """
    day = key.day
    tenant = quote(key.tenant, safe="")
    if len(tenant) > LONGEST_TENANT:
        tenant = f"sha256-{hashlib.sha256(key.tenant.encode()).hexdigest()}"
    return (
        f"{base}/{tenant_column}={tenant}/year={day.year:04d}/month={day.month:02d}/day={day.day:02d}/"
        f"{prefix}-{uuid.uuid4()}-{fingerprint}.parquet"
    )


class Entries:
    """Makes the manifest entries of written files of one table: partition, size, rows, bounds of `time`, and the
    columns that are all null.

    The table's own settings of metrics do not count: another engine may have changed them, and bounds of other columns
    show personal data.
    """

    def __init__(self, schema: Schema, time: str, spec_id: int) -> None:
        self._spec_id = spec_id
        self._ids = {field.name: field.field_id for field in schema.fields}
        self._plan = compute_statistics_plan(schema, metrics(time))
        self._mapping = parquet_path_to_id_mapping(schema)

    def of(self, key: PartitionKey, path: str, footer: pq.FileMetaData, size: int) -> DataFile:
        """The entry of one file by its footer."""
        statistics = data_file_statistics_from_parquet_metadata(
            parquet_metadata=footer, stats_columns=self._plan, parquet_column_mapping=self._mapping
        )
        described = statistics.to_serialized_dict()
        # No planning uses these numbers, and they take half of the time to write a commit over 1,000 files.
        described["column_sizes"] = None
        filled = _filled(footer)
        # A count shows no personal data, so it is recorded for columns without bounds too.
        described["null_value_counts"].update(
            {field_id: footer.num_rows for name, field_id in self._ids.items() if name not in filled}
        )
        file = DataFile.from_args(
            content=DataFileContent.DATA,
            file_path=path,
            file_format=FileFormat.PARQUET,
            partition=key.record(),
            file_size_in_bytes=size,
            sort_order_id=None,
            equality_ids=None,
            key_metadata=None,
            **described,
        )
        # Not an argument, because it is no part of the stored entry; a replacement reads it.
        file.spec_id = self._spec_id
        return file


def metrics(time: str) -> dict[str, str]:
    """The table properties by which only the time has bounds in manifests.

    A manifest with bounds shows the first 16 characters of values, of user ids and addresses too. Planning uses only
    the partition and the bounds of the time.
    """
    return {"write.metadata.metrics.default": "none", f"write.metadata.metrics.column.{time}": "full"}


def _filled(footer: pq.FileMetaData) -> set[str]:
    """Columns that may have a value. The footer shows which are absent or null in every row."""
    filled = set()
    for group in map(footer.row_group, range(footer.num_row_groups)):
        for column in map(group.column, range(group.num_columns)):
            statistics = column.statistics
            if statistics is None or statistics.null_count != column.num_values:
                filled.add(column.path_in_schema)
    return filled


def null_columns(files: Iterable[DataFile]) -> set[int]:
    """Field ids of the columns that are recorded as null in every row of every file."""
    recorded = [{i for i, n in (file.null_value_counts or {}).items() if n == file.record_count} for file in files]
    return set.intersection(*recorded) if recorded else set()


def bounds(file: DataFile, field_id: int) -> tuple[datetime | None, datetime | None]:
    """Lowest and highest recorded time of a timestamptz column, UTC; None where the writer recorded none."""

    def time(raw: bytes | None) -> datetime | None:
        if raw is None:
            return None
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int.from_bytes(raw, "little", signed=True))

    return time((file.lower_bounds or {}).get(field_id)), time((file.upper_bounds or {}).get(field_id))


class ForeignPartitionError(DeclinedError):
    """A data file of a partition spec that is not ours has rows of several tenants or days."""


@dataclass(frozen=True)
class FileInfo:
    """A live data file: partition, rows, bytes, time bounds (UTC, both inclusive, or None).

    `partition` is None for a file of a partition spec that does not say tenant and day. `deletes` are the delete files
    that apply to it; `rows` counts the deleted rows too.
    """

    file: DataFile
    partition: PartitionKey | None
    rows: int
    bytes: int
    lowest: datetime | None
    highest: datetime | None
    deletes: tuple[DataFile, ...] = ()

    @property
    def key(self) -> PartitionKey:
        """The tenant and day of all its rows.

        Raises:
            ForeignPartitionError: its partition spec does not say them.
        """
        if self.partition is None:
            raise ForeignPartitionError(
                f"{self.path.rpartition('/')[2]} was written under another partition spec",
                "`clearlift compact` writes its rows under ours",
            )
        return self.partition

    @property
    def has_deletes(self) -> bool:
        """Whether rows of it were deleted one by one."""
        return bool(self.deletes)

    @property
    def path(self) -> str:
        return self.file.file_path


Source = FileInfo | DataFile
"""What rows are read from: a live file without the rows that were deleted from it, or a file with all its rows."""


def raw(source: Source) -> DataFile:
    """The data file alone."""
    return source.file if isinstance(source, FileInfo) else source


def deletes(source: Source) -> tuple[DataFile, ...]:
    """The delete files that apply to it."""
    return source.deletes if isinstance(source, FileInfo) else ()

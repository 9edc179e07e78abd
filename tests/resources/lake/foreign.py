"""Another engine at work on a table, through pyiceberg's public interface: it knows nothing of us. No fixtures here."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import polars as pl
import pyarrow as pa
from pyiceberg.io.pyarrow import _dataframe_to_data_files
from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC
from pyiceberg.table import Table, Transaction
from pyiceberg.table.snapshots import Operation
from pyiceberg.transforms import Transform
from pyiceberg.types import IcebergType

from resources.lake import LakeTable, commit


@contextmanager
def without_copies() -> Iterator[None]:
    """The other engine looks at the table's metadata instead of copying all of it each time.

    It writes the same, in a third of the time.
    """
    with patch.object(Transaction, "table_metadata", commit._Uncopied.table_metadata):
        yield


def append(table: LakeTable, rows: pl.DataFrame) -> None:
    """Add rows whose columns have the names that the table has now. Columns that they lack are null."""
    live = table.load()
    fields = [live.schema().as_arrow().field(name) for name in rows.columns]
    live.append(rows.to_arrow().cast(pa.schema(fields)))


def add_column(table: LakeTable, name: str, kind: IcebergType) -> None:
    with table.load().update_schema() as update:
        update.add_column(name, kind)


def rename_column(table: LakeTable, name: str, new: str) -> None:
    with table.load().update_schema() as update:
        update.rename_column(name, new)


def drop_column(table: LakeTable, name: str) -> None:
    with table.load().update_schema(allow_incompatible_changes=True) as update:
        update.delete_column(name)


def partition_by(table: LakeTable, *fields: tuple[str, Transform[Any, Any], str]) -> None:
    """Change the partition spec to that of the fields: column, transform, name."""
    live = table.load()
    with live.update_spec() as update:
        for field in live.spec().fields:
            update.remove_field(field.name)
        for column, transform, name in fields:
            update.add_field(column, transform, name)
    assert fields or live.spec().fields == UNPARTITIONED_PARTITION_SPEC.fields


def merge(load: Callable[[], Table]) -> None:
    """Put all rows into new files with names of its own, as a catalog's own compaction does."""
    live = load()
    with live.transaction() as transaction:
        merged = commit._ReplaceFiles(operation=Operation.OVERWRITE, transaction=transaction, io=live.io)
        for task in live.scan().plan_files():
            merged.delete_data_file(task.file)
        for file in _dataframe_to_data_files(live.metadata, live.scan().to_arrow(), live.io):
            file.spec_id = live.metadata.default_spec_id
            merged.append_data_file(file)
        merged.commit()


def roll_back(table: LakeTable, snapshot_id: int) -> None:
    """What an operator does after a bad commit."""
    table.load().manage_snapshots().rollback_to_snapshot(snapshot_id).commit()


def expire(table: LakeTable, snapshot_ids: Iterable[int]) -> None:
    table.load().maintenance.expire_snapshots().by_ids(list(snapshot_ids)).commit()

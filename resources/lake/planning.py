"""Planning: which data files of a snapshot may hold rows that match a filter, and which delete files apply to each.

What belongs here: reading Iceberg's manifests. What does not: reading data files, and applying deletes (deletes.py).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from pyiceberg.expressions import BooleanExpression
from pyiceberg.expressions.visitors import ResidualEvaluator, UnpartitionedResidualEvaluator
from pyiceberg.manifest import DataFile, DataFileContent, ManifestContent, ManifestEntry
from pyiceberg.table import ManifestGroupPlanner, Table
from pyiceberg.table.delete_file_index import DeleteFileIndex
from pyiceberg.table.snapshots import Snapshot
from pyiceberg.typedef import Record


class SnapshotGoneError(ValueError):
    """The snapshot is no longer kept."""


@dataclass(frozen=True)
class Planned:
    """A live data file, and the delete files that apply to it: positions, deletion vectors, equality."""

    file: DataFile
    deletes: tuple[DataFile, ...]


class _Planner(ManifestGroupPlanner):
    """pyiceberg's planner, with equality deletes, and without the part of the filter that is left for each file's rows.

    We apply the whole filter to the rows. Working out the rest takes four fifths of the time: without it, 1,000 files
    are planned in 0.15 s instead of 0.7 s.
    """

    def _build_residual_evaluator(self, spec_id: int) -> Callable[[DataFile], ResidualEvaluator]:  # noqa: ARG002
        whole = UnpartitionedResidualEvaluator(self.table_metadata.schema(), self.row_filter)
        return lambda _: whole

    def planned(self, snapshot: Snapshot) -> Iterator[Planned]:
        """The files of a snapshot."""
        data: list[ManifestEntry] = []
        positions, equality = DeleteFileIndex(), _EqualityDeletes(self._unpartitioned())
        for entry in chain.from_iterable(self.plan_manifest_entries(snapshot.manifests(self.io))):
            match entry.data_file.content:
                case DataFileContent.DATA:
                    data.append(entry)
                case DataFileContent.POSITION_DELETES:
                    positions.add_delete_file(entry, partition_key=entry.data_file.partition)
                case DataFileContent.EQUALITY_DELETES:
                    equality.add(entry)
        for entry in data:
            file, sequence = entry.data_file, entry.sequence_number or 0
            by_position = positions.for_data_file(sequence, file, partition_key=file.partition)
            deletes = [*by_position, *equality.of(file, sequence)]
            yield Planned(file, tuple(sorted(deletes, key=lambda delete: delete.file_path)))

    def _unpartitioned(self) -> set[int]:
        return {spec.spec_id for spec in self.table_metadata.partition_specs if spec.is_unpartitioned()}


class _EqualityDeletes:
    """Equality deletes apply to older data of their partition, and those of an unpartitioned spec to all older data."""

    def __init__(self, unpartitioned: set[int]) -> None:
        self._unpartitioned = unpartitioned
        self._found: dict[tuple[int, Record] | None, list[ManifestEntry]] = defaultdict(list)

    def add(self, entry: ManifestEntry) -> None:
        file = entry.data_file
        spec_id = file.spec_id or 0
        self._found[None if spec_id in self._unpartitioned else (spec_id, file.partition)].append(entry)

    def of(self, file: DataFile, sequence: int) -> Iterator[DataFile]:
        if not self._found:
            return
        for entry in (*self._found.get(None, ()), *self._found.get((file.spec_id or 0, file.partition), ())):
            if (entry.sequence_number or 0) > sequence:
                yield entry.data_file


def plan(table: Table, row_filter: BooleanExpression, snapshot_id: int | None = None) -> Iterable[Planned]:
    """Data files with their delete files that may hold rows of `row_filter`, as they are now or were at a snapshot.

    Raises:
        SnapshotGoneError: the snapshot is no longer kept.
    """
    metadata = table.metadata
    snapshot = metadata.current_snapshot() if snapshot_id is None else metadata.snapshot_by_id(snapshot_id)
    if snapshot is None:
        if snapshot_id is None:
            return []
        raise SnapshotGoneError(f"snapshot {snapshot_id} is no longer kept")
    return list(_Planner(metadata, table.io, row_filter).planned(snapshot))


def has_deletes(table: Table) -> bool:
    """Whether rows of the table may be deleted one by one."""
    snapshot = table.metadata.current_snapshot()
    return snapshot is not None and any(m.content == ManifestContent.DELETES for m in snapshot.manifests(table.io))

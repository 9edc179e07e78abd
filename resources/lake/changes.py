"""The history of a table as its kept snapshots show it: what each commit did, and whether an old one is still in it.

Other engines expire snapshots, and operators roll back. What belongs here: reading that from metadata and manifests.
What does not: what a follower does about it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from pyiceberg.manifest import DataFile, DataFileContent, ManifestEntryStatus
from pyiceberg.table import Table
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.snapshots import Operation, Snapshot


@dataclass(frozen=True)
class SnapshotInfo:
    """One commit: its number in the sequence, its time and operation, the data files and delete files that it touched.

    `deletes` are the delete files that it added; those that it removed had no effect any more.
    """

    id: int
    sequence: int
    at_ms: int
    operation: str
    summary: Mapping[str, str]
    added: tuple[DataFile, ...]
    removed: tuple[DataFile, ...]
    deletes: tuple[DataFile, ...] = ()


@dataclass(frozen=True)
class LiveFile:
    """A live data file or delete file of a snapshot, and the sequence number of the commit that added its rows."""

    file: DataFile
    sequence: int

    @property
    def is_data(self) -> bool:
        return bool(self.file.content == DataFileContent.DATA)


def lineage(metadata: TableMetadata) -> list[Snapshot]:
    """The current snapshot and its kept ancestors, newest first. A rollback leaves its snapshots out of it."""
    by_id = {s.snapshot_id: s for s in metadata.snapshots}
    found: list[Snapshot] = []
    current = metadata.current_snapshot_id
    while current is not None and current in by_id:
        found.append(by_id[current])
        current = by_id[current].parent_snapshot_id
    return found


@dataclass(frozen=True)
class History:
    """The commits that led to the current snapshot, as far as they are kept."""

    table: Table

    @cached_property
    def snapshots(self) -> Sequence[Snapshot]:
        """Newest first."""
        return lineage(self.table.metadata)

    @cached_property
    def ids(self) -> frozenset[int]:
        return frozenset(snapshot.snapshot_id for snapshot in self.snapshots)

    @property
    def head(self) -> tuple[int | None, int]:
        """The current snapshot's id and sequence number; (None, 0) without a snapshot."""
        return (self.snapshots[0].snapshot_id, _sequence(self.snapshots[0])) if self.snapshots else (None, 0)

    @property
    def newest(self) -> int:
        """The sequence number of the current snapshot; 0 without one."""
        return self.head[1]

    @property
    def oldest(self) -> int:
        """The sequence number from which on the history is whole: 0 if nothing of it has expired."""
        return _sequence(self.snapshots[-1]) if self.has_expired else 0

    @property
    def has_expired(self) -> bool:
        """Whether commits before the oldest kept one are not known any more. The first commit of a table is number 1.

        pyiceberg takes the parent away from a snapshot whose parent it expires, other engines do not.
        """
        return bool(self.snapshots) and _sequence(self.snapshots[-1]) > 1

    def holds(self, snapshot_id: int, sequence: int | None) -> bool:
        """Whether a commit is part of the table: kept, or too old to be kept. Without a sequence number it is if kept.

        An unknown commit with a sequence number that is still kept was rolled back.
        """
        if snapshot_id in self.ids:
            return True
        if self.table.metadata.snapshot_by_id(snapshot_id) is not None:
            return False
        return sequence is None or sequence < self.oldest

    def fork(self, snapshot_id: int) -> int | None:
        """The newest ancestor of a kept snapshot that is still part of the table; None where it is not known."""
        metadata = self.table.metadata
        current: int | None = snapshot_id
        while current is not None and current not in self.ids:
            snapshot = metadata.snapshot_by_id(current)
            current = snapshot.parent_snapshot_id if snapshot is not None else None
        return current

    def after(self, snapshot_id: int | None) -> Iterator[SnapshotInfo]:
        """The commits after a snapshot, oldest first; all kept ones if it is None or no ancestor of the newest."""
        chain = []
        for snapshot in self.snapshots:
            if snapshot.snapshot_id == snapshot_id:
                break
            chain.append(snapshot)
        return (of(self.table, snapshot) for snapshot in reversed(chain))

    def files(self) -> Iterator[LiveFile]:
        """All live files of the oldest kept snapshot."""
        for manifest in self.snapshots[-1].manifests(self.table.io):
            for entry in manifest.fetch_manifest_entry(self.table.io):
                yield LiveFile(entry.data_file, entry.sequence_number or 0)


def of(table: Table, snapshot: Snapshot) -> SnapshotInfo:
    """What a kept snapshot's commit did."""
    added, removed, deletes = list[DataFile](), list[DataFile](), list[DataFile]()
    for manifest in snapshot.manifests(table.io):
        if manifest.added_snapshot_id != snapshot.snapshot_id:
            continue
        for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=False):
            if entry.snapshot_id != snapshot.snapshot_id:
                continue
            is_data = entry.data_file.content == DataFileContent.DATA
            if entry.status == ManifestEntryStatus.ADDED:
                (added if is_data else deletes).append(entry.data_file)
            elif entry.status == ManifestEntryStatus.DELETED and is_data:
                removed.append(entry.data_file)
    summary = snapshot.summary
    return SnapshotInfo(
        snapshot.snapshot_id,
        _sequence(snapshot),
        snapshot.timestamp_ms,
        (summary.operation if summary else Operation.APPEND).value,
        dict(summary.additional_properties) if summary else {},
        tuple(added),
        tuple(removed),
        tuple(deletes),
    )


def _sequence(snapshot: Snapshot) -> int:
    return snapshot.sequence_number or 0

"""The commits of a table as its kept snapshots show them: what each did, and which data files it added and removed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pyiceberg.manifest import DataFile, DataFileContent, ManifestEntryStatus
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Operation


@dataclass(frozen=True)
class SnapshotInfo:
    """One commit: its number in the sequence, its time and operation, and the data files that it added and removed."""

    id: int
    sequence: int
    at_ms: int
    operation: str
    summary: Mapping[str, str]
    added: tuple[DataFile, ...]
    removed: tuple[DataFile, ...]


def changes(table: Table, after: int | None) -> Iterator[SnapshotInfo]:
    """See `LakeTable.changes`."""
    by_id = {s.snapshot_id: s for s in table.metadata.snapshots}
    chain = []
    current = table.metadata.current_snapshot_id
    while current is not None and current != after and current in by_id:
        chain.append(by_id[current])
        current = by_id[current].parent_snapshot_id
    for snapshot in reversed(chain):
        added, removed = [], []
        for manifest in snapshot.manifests(table.io):
            if manifest.added_snapshot_id != snapshot.snapshot_id:
                continue
            for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=False):
                if entry.snapshot_id != snapshot.snapshot_id or entry.data_file.content != DataFileContent.DATA:
                    continue
                if entry.status == ManifestEntryStatus.ADDED:
                    added.append(entry.data_file)
                elif entry.status == ManifestEntryStatus.DELETED:
                    removed.append(entry.data_file)
        summary = snapshot.summary
        yield SnapshotInfo(
            snapshot.snapshot_id,
            snapshot.sequence_number or 0,
            snapshot.timestamp_ms,
            (summary.operation if summary else Operation.APPEND).value,
            dict(summary.additional_properties) if summary else {},
            tuple(added),
            tuple(removed),
        )

"""Moments of a table: which snapshot was current then, and since when its kept snapshots say so.

What does not belong here: who needs which snapshot, and when they expire (expiry.py).
"""

from datetime import UTC, datetime

from pyiceberg.table import Table
from pyiceberg.table.metadata import TableMetadata


def earliest(metadata: TableMetadata) -> datetime | None:
    """The first moment from which on every state of the table is still kept; None for a table without a snapshot."""
    kept = {snapshot.snapshot_id for snapshot in metadata.snapshots}
    first = None
    for entry in reversed(metadata.snapshot_log):
        if entry.snapshot_id not in kept:
            break
        first = entry.timestamp_ms
    return None if first is None else datetime.fromtimestamp(first / 1000, UTC)


def set_back(table: Table, at: datetime) -> Table:
    """The table with the snapshot as its current one that was so at a moment, which `earliest` does not come after."""
    milliseconds = int(at.timestamp() * 1000)
    then = [entry.snapshot_id for entry in table.metadata.snapshot_log if entry.timestamp_ms <= milliseconds]
    if then and then[-1] != table.metadata.current_snapshot_id:
        table.manage_snapshots().set_current_snapshot(snapshot_id=then[-1]).commit()
    return table.refresh()

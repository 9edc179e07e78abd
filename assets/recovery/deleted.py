"""The events of one organisation and day that were deleted, as far as the kept snapshots of the lake show it.

What does not belong here: whether the rest is what is missing (rebuild.py).
"""

from collections.abc import Sequence

import polars as pl

from resources.lake import DamagedFilesError, DataFile, LakeTable, PartitionKey


def deleted(table: LakeTable, key: PartitionKey) -> frozenset[str]:
    """The ids of events that a kept commit took out of the partition, and that no later one brought back.

    A commit whose files cannot be read any more shows nothing.
    """
    gone = set[str]()
    for commit in table.changes(None):
        removed = _ids(table, key, commit.removed)
        added = _ids(table, key, commit.added)
        if removed is not None and added is not None:
            gone = (gone | removed) - added
    return frozenset(gone)


def _ids(table: LakeTable, key: PartitionKey, files: Sequence[DataFile]) -> set[str] | None:
    # A file of another partition spec may have rows of it too.
    layout = table.layout
    own = [file for file in files if layout.partition(file) in (key, None)]
    try:
        with table.named(own):
            return set(table.read(own).select(pl.col("event_id")).collect(engine="streaming")["event_id"])
    except DamagedFilesError:
        return None

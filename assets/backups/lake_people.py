"""Erased people in a lake that is restored: their rows, the texts of others that name them, and the snapshots and files
that still have them.

What belongs here: leaving them out of a table that nobody else sees yet. What does not: erasing what is live.
"""

import uuid
from datetime import UTC, datetime, timedelta

from pyiceberg.table.refs import MAIN_BRANCH, SnapshotRefType

from assets.apps.personal import Holding
from assets.privacy.erased_texts import NamedPeople, without_names
from assets.privacy.tombstones import Tombstones
from assets.rows.lake import partitions
from assets.rows.lake_columns import as_lines, as_stored, lake_columns
from resources.lake import DataFile, FileInfo, LakeTable
from resources.lake.expiry import expire
from resources.lake.sweep import remove, survey


def erase(table: LakeTable, entry: Holding, erased: Tombstones, *, alone: bool) -> int:
    """Take the rows of erased people out of a table, their names out of texts of others, and all snapshots before;
    returns how many rows of theirs there were.

    alone: nobody else writes below the table, so that files which no snapshot names any more are removed at once.
    """
    if not erased.hashes:
        return 0
    people = NamedPeople(erased)
    columns, layout = lake_columns(table.layout), table.layout
    old: list[FileInfo] = []
    new: list[DataFile] = []
    gone = 0
    for file in table.files():
        with table.named([file]):
            rows = as_lines(table.read([file]), columns).collect(engine="streaming")
        kept = erased.kept(rows, columns, entry.tombstoned)
        left = without_names(kept, columns, entry, people)
        if not left.equals(rows):
            gone += rows.height - left.height
            old.append(file)
            new += table.write(partitions(as_stored(left, layout), table.spec))
    if old:
        table.replace(old, new, str(uuid.uuid4()))
    _forget_the_rest(table)
    if alone:
        remove(table, survey(table, datetime.now(UTC) + timedelta(days=1)))
    return gone


def _forget_the_rest(table: LakeTable) -> None:
    """Only the current snapshot stays: any other one may have rows of these people, also behind a tag or branch."""
    live = table.load()
    with live.manage_snapshots() as change:
        for name, ref in live.metadata.refs.items():
            if name != MAIN_BRANCH:
                change.remove_tag(name) if ref.snapshot_ref_type == SnapshotRefType.TAG else change.remove_branch(name)
    current = {snapshot.snapshot_id for snapshot in [live.current_snapshot()] if snapshot is not None}
    expire(table, lambda _: current)

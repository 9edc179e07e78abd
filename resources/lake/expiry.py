"""Expiry: snapshots of a table that nobody needs any more leave its metadata. Which those are is the caller's to say.

No file is removed here: what only an expired snapshot named is left to the sweep (sweep.py).
"""

import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import zip_longest

from pyiceberg.table import Transaction
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.update import RemoveSnapshotsUpdate

from resources.lake import commit
from resources.lake.table import LakeTable

# pyiceberg looks for each expired snapshot among all: 500 of 5,000 take 0.4 s, 5,000 at once would take 40 s.
EXPIRED_A_COMMIT = 500


@dataclass(frozen=True)
class Snapshot:
    """A kept snapshot. `until` is when another took its place, so that nobody began to read it after; None while the
    table is read from it. `refs` are the branches and tags that point to it, `commit_id` is the commit that made it.
    """

    id: int
    at: datetime
    until: datetime | None
    commit_id: str | None
    refs: tuple[str, ...]


Keep = Callable[[Sequence[Snapshot]], Collection[int]]


def snapshots(table: LakeTable) -> list[Snapshot]:
    """The kept snapshots, oldest first."""
    return _listed(table.load().metadata)


def expire(table: LakeTable, keep: Keep) -> list[int]:
    """Expire the snapshots that `keep` does not name, as it judges the table that the commit meets; returns their ids.

    What a branch or tag points to stays, whatever `keep` says.
    """
    expired: list[int] = []
    while gone := _expire_some(table, keep):
        expired += gone
    return expired


def _expire_some(table: LakeTable, keep: Keep) -> list[int]:
    gone: list[int] = []

    def build(transaction: Transaction) -> None:
        listed = _listed(transaction.table_metadata)
        kept = set(keep(listed))
        gone[:] = [s.id for s in listed if s.id not in kept and not s.refs][:EXPIRED_A_COMMIT]
        if gone:
            transaction._apply((RemoveSnapshotsUpdate.model_validate({"snapshot-ids": gone}),))

    # An expiry that landed without an answer finds nothing of it left: there is no snapshot to know it by.
    commit.land(table.load, table.lock, build, str(uuid.uuid4()))
    return list(gone)


def _listed(metadata: TableMetadata) -> list[Snapshot]:
    ordered = sorted(metadata.snapshots, key=lambda s: (s.sequence_number or 0, s.timestamp_ms))
    refs: dict[int, list[str]] = {}
    for name, ref in metadata.refs.items():
        refs.setdefault(ref.snapshot_id, []).append(name)
    listed = []
    for snapshot, following in zip_longest(ordered, ordered[1:]):
        current = following is None or snapshot.snapshot_id == metadata.current_snapshot_id
        summary = snapshot.summary
        listed.append(
            Snapshot(
                snapshot.snapshot_id,
                _instant(snapshot.timestamp_ms),
                None if current or following is None else _instant(following.timestamp_ms),
                summary.additional_properties.get(commit.COMMIT_ID) if summary is not None else None,
                tuple(sorted(refs.get(snapshot.snapshot_id, ()))),
            )
        )
    return listed


def _instant(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)

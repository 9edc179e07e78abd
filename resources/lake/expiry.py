"""Expiry: removal of snapshots from a table's metadata. The caller says which ones it keeps.

What does not belong here: removal of files. A file that only an expired snapshot named is left to sweep.py.
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

# pyiceberg searches all snapshots for each expired one: 500 of 5,000 take 0.4 s, 5,000 at once would take 40 s.
EXPIRED_A_COMMIT = 500


@dataclass(frozen=True)
class KeptSnapshot:
    """A snapshot in the metadata.

    `until` is the time of the next one; no new reader opens it after that. None for the current snapshot. `refs` are
    the branches and tags that point to it, `commit_id` is the commit that made it.
    """

    id: int
    at: datetime
    until: datetime | None
    commit_id: str | None
    refs: tuple[str, ...]


Keep = Callable[[Sequence[KeptSnapshot]], Collection[int]]


def snapshots(table: LakeTable) -> list[KeptSnapshot]:
    """The kept snapshots, oldest first."""
    return _listed(table.load().metadata)


def expire(table: LakeTable, keep: Keep) -> list[int]:
    """Expire the snapshots that `keep` does not name; returns their ids.

    `keep` is called for each commit, with the table as it is then. A snapshot with a branch or tag always stays.
    """
    expired: list[int] = []
    while some := _expire_some(table, keep):
        expired += some
    return expired


def _expire_some(table: LakeTable, keep: Keep) -> list[int]:
    expired: list[int] = []

    def build(transaction: Transaction) -> None:
        listed = _listed(transaction.table_metadata)
        kept = set(keep(listed))
        expired[:] = [s.id for s in listed if s.id not in kept and not s.refs][:EXPIRED_A_COMMIT]
        if expired:
            transaction._apply((RemoveSnapshotsUpdate.model_validate({"snapshot-ids": expired}),))

    # If an expiry landed and the answer was lost, the next try finds nothing left to expire.
    commit.land(table.load, table.lock, build, str(uuid.uuid4()))
    return list(expired)


def _listed(metadata: TableMetadata) -> list[KeptSnapshot]:
    ordered = sorted(metadata.snapshots, key=lambda s: (s.sequence_number or 0, s.timestamp_ms))
    refs: dict[int, list[str]] = {}
    for name, ref in metadata.refs.items():
        refs.setdefault(ref.snapshot_id, []).append(name)
    listed = []
    for snapshot, following in zip_longest(ordered, ordered[1:]):
        current = following is None or snapshot.snapshot_id == metadata.current_snapshot_id
        summary = snapshot.summary
        listed.append(
            KeptSnapshot(
                snapshot.snapshot_id,
                _time(snapshot.timestamp_ms),
                None if current or following is None else _time(following.timestamp_ms),
                summary.additional_properties.get(commit.COMMIT_ID) if summary is not None else None,
                tuple(sorted(refs.get(snapshot.snapshot_id, ()))),
            )
        )
    return listed


def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)

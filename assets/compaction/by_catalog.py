"""What the catalog's own compaction did, where an app leaves compaction to it: Basin Catalog merges files hourly.

It says nothing of rows, so that nothing of it is proved here. What belongs here: looking at the table. What does not:
merging (rewrite.py), which `clearlift compact` still does by hand.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from assets.compaction.plan import MIB, CompactionPolicy, Group, plan
from assets.compaction.rewrite import COMPACTION, WRITER, candidate
from assets.windows import DAY, midnight
from resources.lake import FileInfo, LakeTable

# Its smallest target is 64 MiB, and it runs hourly: a day that ended a day ago has few files below that.
SMALL = CompactionPolicy(target_bytes=64 * MIB, min_files=16)


@dataclass(frozen=True)
class Seen:
    """The table as it is now. merges: kept commits in which another writer merged files, merged_at: the newest of them.

    files: live data files of the days that were looked at. small: those that are worth a merge. apart: those of another
    partition spec than ours, which our own compaction alone writes again.
    """

    merges: int
    merged_at: datetime | None
    files: int
    small: int
    apart: int


def seen(table: LakeTable, since: datetime | None, org: str | None) -> Seen:
    """What it did in the kept history, and the files of the days from `since` on."""
    files = table.files(since, None, None if org is None else [org])
    merged = [
        snapshot
        for snapshot in table.history().snapshots
        if snapshot.summary is not None
        and snapshot.summary.operation.value == "replace"
        and snapshot.summary.additional_properties.get(WRITER) != COMPACTION
    ]
    newest = max((snapshot.timestamp_ms for snapshot in merged), default=None)
    return Seen(
        len(merged),
        datetime.fromtimestamp(newest / 1000, UTC) if newest is not None else None,
        len(files),
        sum(len(group.files) for group in _worth(files)),
        sum(1 for info in files if info.partition is None),
    )


def behind(table: LakeTable, now: datetime, days: int) -> list[Group]:
    """Groups of small files of whole days: those that ended a day ago or earlier, at most `days` back."""
    until = midnight(now.date()) - DAY
    return _worth(table.files(until - days * DAY, until))


def _worth(files: Iterable[FileInfo]) -> list[Group]:
    return plan((candidate(info) for info in files if info.partition is not None), SMALL)

"""Which files to merge: the small files of a partition, and those with deleted rows, packed into groups. Pure.

File sizes go in, groups come out. What does not belong here: how a group is rewritten (rewrite.py).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from assets.windows import DAY, midnight

MIB = 2**20


@dataclass(frozen=True)
class CompactionPolicy:
    """What is worth merging.

    target_bytes: the size of a finished file. min_files: fewer small files than this wait for more. finished: a file of
    at least this share of the target stays as it is. min_gain: the other files of a group make at least this share of
    its largest file, else the largest waits. Without it, every hour would rewrite the whole day so far: 24 times the
    bytes of a day instead of some 5 times.
    """

    target_bytes: int = 1024 * MIB
    min_files: int = 4
    finished: float = 0.75
    min_gain: float = 0.25


@dataclass(frozen=True)
class Candidate:
    """A live file. `lowest` is the time of its earliest event, where it is recorded.

    has_deletes: rows of it were deleted one by one, which a rewrite makes final.
    """

    path: str
    tenant: str
    day: date
    rows: int
    bytes: int
    lowest: datetime | None
    has_deletes: bool = False


@dataclass(frozen=True)
class Group:
    """Files of one partition that become one file, in the order of their earliest events."""

    tenant: str
    day: date
    files: tuple[Candidate, ...]

    @property
    def bytes(self) -> int:
        return sum(f.bytes for f in self.files)

    @property
    def rows(self) -> int:
        return sum(f.rows for f in self.files)


def plan(candidates: Iterable[Candidate], policy: CompactionPolicy = CompactionPolicy()) -> list[Group]:
    """Groups that are worth a rewrite, those that save the most files first."""
    partitions: dict[tuple[str, date], list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        if candidate.has_deletes or candidate.bytes < policy.finished * policy.target_bytes:
            partitions[candidate.tenant, candidate.day].append(candidate)
    groups = [
        Group(tenant, day, tuple(worth))
        for (tenant, day), files in partitions.items()
        for pack in _pack(files, policy)
        if len(worth := _worth(pack, policy)) >= policy.min_files or any(file.has_deletes for file in worth)
    ]
    return sorted(groups, key=lambda group: (-len(group.files), group.tenant, group.day))


def heavy(groups: Iterable[Group], least: int) -> set[Group]:
    """The groups of days of which all groups together have at least so many bytes."""
    by_day: dict[date, list[Group]] = defaultdict(list)
    for group in groups:
        by_day[group.day].append(group)
    return {group for of_day in by_day.values() if sum(g.bytes for g in of_day) >= least for group in of_day}


def planned_since(hour: str | None) -> datetime | None:
    """From which day on the run of an hour plans: the day before. None, for all days: at midnight, or without an hour.

    `hour` is a partition key. A plan reads one entry of every file, 0.15 ms each: with the whole history, that would
    come to cost more than the hour itself. Files that arrive for older days wait for midnight.
    """
    if hour is None:
        return None
    at = datetime.strptime(hour, "%Y-%m-%d-%H:%M").replace(tzinfo=UTC)
    return None if at.hour == 0 else midnight(at.date()) - DAY


def _pack(files: Iterable[Candidate], policy: CompactionPolicy) -> list[list[Candidate]]:
    """Fill groups up to the target, in order of time, so that each new file covers a range of the day."""
    packs: list[list[Candidate]] = []
    size = 0
    for file in sorted(files, key=_by_time):
        if not packs or size + file.bytes > policy.target_bytes:
            packs.append([])
            size = 0
        packs[-1].append(file)
        size += file.bytes
    return packs


def _worth(files: Sequence[Candidate], policy: CompactionPolicy) -> list[Candidate]:
    """Leave out the largest file as long as the others are too small beside it; none of a pack with deleted rows."""
    if any(file.has_deletes for file in files):
        return sorted(files, key=_by_time)
    by_size = sorted(files, key=lambda f: f.bytes)
    total = sum(f.bytes for f in by_size)
    while len(by_size) > 1 and total - by_size[-1].bytes < policy.min_gain * by_size[-1].bytes:
        total -= by_size.pop().bytes
    return sorted(by_size, key=_by_time)


def _by_time(file: Candidate) -> tuple[float, str]:
    return (file.lowest.timestamp() if file.lowest else float("-inf"), file.path)

"""Which files to merge: bin-packing a partition's small files into groups, each worth its rewriting.

Pure: file sizes in, groups out. How a group is rewritten is told in rewrite.py.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

MIB = 2**20


@dataclass(frozen=True)
class Policy:
    """What is worth merging.

    target_bytes: size of a finished file. min_files: fewer small files than this are left to gather.
    finished: share of the target from which a file is left alone. min_gain: the small files of a group must together
    make at least this share of its largest file, else that one waits: without it, every hour would rewrite the whole
    day so far (24 times a day's bytes instead of some 5).
    """

    target_bytes: int = 1024 * MIB
    min_files: int = 4
    finished: float = 0.75
    min_gain: float = 0.25


@dataclass(frozen=True)
class Candidate:
    """A live file as the plan sees it. `lowest` is its earliest recorded event."""

    path: str
    tenant: str
    day: date
    rows: int
    bytes: int
    lowest: datetime | None


@dataclass(frozen=True)
class Group:
    """Files of one partition that become one file, ordered by their lowest timestamp."""

    tenant: str
    day: date
    files: tuple[Candidate, ...]

    @property
    def bytes(self) -> int:
        return sum(f.bytes for f in self.files)

    @property
    def rows(self) -> int:
        return sum(f.rows for f in self.files)


def plan(candidates: Iterable[Candidate], policy: Policy = Policy()) -> list[Group]:
    """Groups worth rewriting, the most files saved first."""
    partitions: dict[tuple[str, date], list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        if candidate.bytes < policy.finished * policy.target_bytes:
            partitions[candidate.tenant, candidate.day].append(candidate)
    groups = [
        Group(tenant, day, tuple(worth))
        for (tenant, day), files in partitions.items()
        for packed in _pack(files, policy)
        if len(worth := _worth(packed, policy)) >= policy.min_files
    ]
    return sorted(groups, key=lambda g: (-len(g.files), g.tenant, g.day))


def _pack(files: Iterable[Candidate], policy: Policy) -> list[list[Candidate]]:
    """Fill groups up to the target in order of time, so that each output covers a stretch of the day."""
    packs: list[list[Candidate]] = []
    size = 0
    for file in sorted(files, key=_by_time):
        if not packs or size + file.bytes > policy.target_bytes:
            packs.append([])
            size = 0
        packs[-1].append(file)
        size += file.bytes
    return packs


def _worth(files: Sequence[Candidate], policy: Policy) -> list[Candidate]:
    """Leave out the largest files while the rest are too little beside them."""
    by_size = sorted(files, key=lambda f: f.bytes)
    total = sum(f.bytes for f in by_size)
    while len(by_size) > 1 and total - by_size[-1].bytes < policy.min_gain * by_size[-1].bytes:
        total -= by_size.pop().bytes
    return sorted(by_size, key=_by_time)


def _by_time(file: Candidate) -> tuple[float, str]:
    return (file.lowest.timestamp() if file.lowest else float("-inf"), file.path)

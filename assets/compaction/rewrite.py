"""Rewrites planned groups: streams them, drops doubles, proves the result, and replaces exactly the files it read.

Rows that others deleted one by one stay out. Files that another engine wrote under another partition spec are first
written again under ours. A rewrite counts once, because a run plans again from what is live: a killed run leaves only
files that nothing names, and the sources of a commit that landed are not there any more. What does not belong here:
which files are worth it (plan.py), and how a table writes, proves and commits (resources/lake).
"""

import time
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from typing import Self

import polars as pl

from assets.compaction.merge_elsewhere import Merge, can_merge, merge_elsewhere
from assets.compaction.plan import Candidate, CompactionPolicy, Group, heavy, plan
from assets.other_engine import Elsewhere
from assets.progress import Progress, silent
from assets.rooms import Rooms
from resources.counts import counted
from resources.declined import DeclinedError
from resources.lake import (
    DamagedFilesError,
    FileInfo,
    LakeTable,
    PartitionKey,
    Rewritten,
    SourcesGoneError,
    TableSpec,
)
from resources.lake.checksum import MODULUS

REPLANS = 3
# The property of a commit with the doubles that it dropped, because a follower of the table counts those hours again.
DOUBLES = "clearlift.doubles"
WRITER, COMPACTION = "clearlift.writer", "compaction"
_FOREIGN = "\0foreign"


class GroupsLeftError(DeclinedError):
    """Groups were left as they are, because files of theirs are damaged. All others were rewritten (`done`)."""

    def __init__(self, done: "Compacted") -> None:
        together = DeclinedError.together(done.left)
        super().__init__(
            f"{counted(done.groups, 'group')} rewritten, {len(done.left)} left: {together.reason}", together.next_step
        )
        self.done = done


@dataclass
class Compacted:
    """What a compaction did: groups, files, bytes and row checksums before and after, rows, doubles that it dropped.

    elsewhere: groups that another engine rewrote. left: why groups stay as they are, with their damaged files.
    """

    groups: int = 0
    files_before: int = 0
    files_after: int = 0
    bytes_before: int = 0
    bytes_after: int = 0
    checksum_before: int = 0
    checksum_after: int = 0
    rows: int = 0
    doubles: int = 0
    elsewhere: int = 0
    seconds: float = 0.0
    snapshots: list[int] = field(default_factory=list)
    partitions: list[tuple[str, date]] = field(default_factory=list)
    left: list[DeclinedError] = field(default_factory=list)

    @classmethod
    def together(cls, several: Iterable[Self]) -> Self:
        """What was done in several tables."""
        done = cls()
        for one in several:
            for each in fields(cls):
                setattr(done, each.name, getattr(done, each.name) + getattr(one, each.name))
        done.checksum_before %= MODULUS
        done.checksum_after %= MODULUS
        return done

    def add(self, old: Iterable[FileInfo], new: Sequence[Rewritten], snapshot: int) -> None:
        """Count a commit."""
        self.groups += len(new)
        for info in old:
            self.files_before += 1
            self.bytes_before += info.bytes
        for made in new:
            self.files_after += bool(made.rows)
            self.bytes_after += made.info.bytes if made.rows else 0
            self.checksum_before = (self.checksum_before + made.before.checksum) % MODULUS
            self.checksum_after = (self.checksum_after + made.after.checksum) % MODULUS
            self.rows += made.rows
            self.doubles += made.dropped
            self.partitions.append((made.info.key.tenant, made.info.key.day))
        self.snapshots.append(snapshot)

    @property
    def mb_per_second(self) -> float:
        return self.bytes_before / 1e6 / self.seconds if self.seconds else 0.0


@dataclass
class Compaction:
    """The engine of one table.

    groups_per_commit: so many groups are committed at a time; a kill loses the work on these at most. parallel: so many
    of them are rewritten at once, each with a few row groups in memory. polars uses all cores for one of them; the
    others use the time between writing and reading back. elsewhere: rewrites the groups of heavy days, where there is
    another engine.
    """

    table: LakeTable
    policy: CompactionPolicy = field(default_factory=CompactionPolicy)
    groups_per_commit: int = 64
    parallel: int = 3
    progress: Progress = silent
    elsewhere: Elsewhere | None = None

    @classmethod
    def of(cls, rooms: Rooms, spec: TableSpec, elsewhere: Elsewhere | None = None) -> Self:
        """The engine of a table of the lake."""
        return cls(rooms.lake.table(spec), progress=rooms.progress("groups compacted"), elsewhere=elsewhere)

    def plan(self, since: datetime | None = None, until: datetime | None = None, org: str | None = None) -> list[Group]:
        """Groups that are worth a rewrite, of the days of [since, until) and of one organisation, or of all."""
        return self._plan(info for info in self._files(since, until, org) if info.partition is not None)

    def foreign(self, since: datetime | None = None, until: datetime | None = None, org: str | None = None) -> int:
        """The number of files that a run would write again first, because their partition spec is not ours."""
        return sum(1 for info in self._files(since, until, org) if info.partition is None)

    def run(self, since: datetime | None = None, until: datetime | None = None, org: str | None = None) -> Compacted:
        """Rewrite what is worth it. Plan again when another writer has replaced a source meanwhile.

        Raises:
            GroupsLeftError: files of some groups are damaged; all other groups were rewritten and committed.
            SourcesGoneError: other writers replaced sources each time.
        """
        done = Compacted()
        started = time.perf_counter()
        for attempt in range(REPLANS):
            done.left.clear()
            try:
                files = self._files(since, until, org)
                if self._conform([info for info in files if info.partition is None], done):
                    files = self._files(since, until, org)
                files = [info for info in files if info.partition is not None]
                self._rewrite(self._plan(files), files, done)
                break
            except SourcesGoneError:
                if attempt == REPLANS - 1:
                    raise
        done.seconds = time.perf_counter() - started
        if done.left:
            raise GroupsLeftError(done)
        return done

    def _plan(self, files: Iterable[FileInfo]) -> list[Group]:
        return plan([candidate(f) for f in files], self.policy)

    def _conform(self, files: Sequence[FileInfo], done: Compacted) -> bool:
        """Write the rows of files of another partition spec again under ours, a file a commit; whether there were any.

        A damaged one stays as it is.
        """
        for info in files:
            try:
                parts = self.table.rewrite_apart(info)
            except DamagedFilesError as error:
                done.left.append(error)
                continue
            properties = {WRITER: COMPACTION, DOUBLES: "0"}
            snapshot = self.table.replace([info], [part.file for part in parts], str(uuid.uuid4()), properties)
            done.add([info], parts, snapshot)
        return bool(files)

    def _rewrite(self, groups: Sequence[Group], files: Iterable[FileInfo], done: Compacted) -> None:
        """Rewrite by the listing of the plan, updated by our own commits. The commit finds what others changed."""
        partitions: dict[PartitionKey, list[FileInfo]] = defaultdict(list)
        for info in files:
            partitions[info.key].append(info)
        waiting = {f.path for group in groups for f in group.files}
        for_other = heavy(groups, self.elsewhere.from_bytes) if self.elsewhere is not None else set[Group]()
        self.progress(0, len(groups))
        for start in range(0, len(groups), self.groups_per_commit):
            self._rewrite_set(groups[start : start + self.groups_per_commit], partitions, waiting, done, for_other)
            self.progress(min(start + self.groups_per_commit, len(groups)), len(groups))

    def _rewrite_set(
        self,
        groups: Sequence[Group],
        partitions: dict[PartitionKey, list[FileInfo]],
        waiting: set[str],
        done: Compacted,
        for_other: Collection[Group],
    ) -> None:
        old: list[FileInfo] = []
        new: list[Rewritten] = []
        keepers: list[FileInfo] = []
        tasks: list[Merge] = []
        for group in groups:
            paths = {f.path for f in group.files}
            partition = partitions[PartitionKey(group.tenant, group.day)]
            # A double stays in a file that is not rewritten, else in the first group that has it.
            others = [f for f in partition if f.path not in waiting]
            waiting -= paths
            by_path = {f.path: f for f in partition}
            tasks.append(Merge(group, [by_path[f.path] for f in group.files], others))
        given = [t for t in tasks if t.group in for_other and can_merge(self.table, t)]
        found = merge_elsewhere(self.table, given, self.elsewhere) if self.elsewhere is not None and given else {}
        with ThreadPoolExecutor(self.parallel) as workers:
            merges = [workers.submit(self._merge, t) for t in tasks if t.group not in found]
        ours = iter(merges)
        for task in tasks:
            try:
                rewritten = found[task.group] if task.group in found else next(ours).result()
            except DamagedFilesError as error:
                group = task.group
                done.left.append(DeclinedError(f"{group.tenant} {group.day}: {error.reason}", error.next_step))
                continue
            old += task.sources
            new.append(rewritten)
            if rewritten.dropped:
                keepers += task.others
        if not new:
            return
        replaced = {info.path for info in old}
        keepers = [info for info in keepers if info.path not in replaced]
        for empty in (r for r in new if not r.rows):
            self.table.discard(empty.file)
        files = [r.file for r in new if r.rows]
        properties = {WRITER: COMPACTION, DOUBLES: str(sum(r.dropped for r in new))}
        snapshot = self.table.replace(old, files, str(uuid.uuid4()), properties, keepers)
        for rewritten in new:
            key = rewritten.info.key
            made = [rewritten.info] if rewritten.rows else []
            partitions[key] = [f for f in partitions[key] if f.path not in replaced] + made
        done.add(old, new, snapshot)
        done.elsewhere += len(found)

    def _merge(self, task: Merge) -> Rewritten:
        """One group as one file, with each id once in the partition.

        Doubles come from other writers only. So a group that is all of its partition is streamed, and its distinct ids
        are counted meanwhile. It is written a second time, without doubles, in the rare case that it has some.
        """
        key, group, sources, others = task.key, task.group, task.sources, task.others
        if not others:
            rewritten = self.table.rewrite(key, sources, distinct=self.table.spec.id)
            if rewritten.distinct == rewritten.before.rows == rewritten.rows:
                return rewritten
            self.table.discard(rewritten.file)
        with self.table.named(info.file for info in [*sources, *others]):
            single, left = self._without_doubles(sources, others)
        rewritten = self.table.rewrite(key, sources, single)
        if single is not None and rewritten.rows != left:
            raise RuntimeError(f"{group.tenant} {group.day}: {left} rows became {rewritten.rows}")
        return rewritten

    def _without_doubles(
        self, sources: Sequence[FileInfo], others: Sequence[FileInfo]
    ) -> tuple[pl.LazyFrame | None, int]:
        """The rows of the sources without doubles and those in `others` (None: all), and how many these are."""
        rows, row_id = self.table.read(sources), self.table.spec.id
        stay = self.table.read(others).select(row_id)
        doubled = (
            pl.concat([rows.select(row_id), stay])
            .group_by(row_id)
            .len()
            .filter(pl.col("len") > 1)
            .select(row_id)
            .collect(engine="streaming")
        )
        if doubled.is_empty():
            return None, 0
        elsewhere = stay.join(doubled.lazy(), on=row_id, how="semi").unique().collect(engine="streaming")
        kept = rows.join(elsewhere.lazy(), on=row_id, how="anti", maintain_order="left")
        single = kept.join(doubled.lazy(), on=row_id, how="anti", maintain_order="left")
        # Of a double inside the group, the row of the ingest stays, not that of another writer. Of several rows, the
        # earliest stays, so that two compactions would keep the same row.
        marked = pl.concat(
            self.table.read(f for f in sources if self.table.wrote(f.file) is ours).with_columns(
                pl.lit(not ours).alias(_FOREIGN)
            )
            for ours in (True, False)
        )
        first = (
            marked.join(doubled.lazy(), on=row_id, how="semi")
            .join(elsewhere.lazy(), on=row_id, how="anti", maintain_order="left")
            .collect()
            .sort(_FOREIGN, self.table.spec.time, maintain_order=True)
            .unique(row_id, keep="first", maintain_order=True)
            .drop(_FOREIGN)
        )
        frame = pl.concat([single, first.lazy()])
        return frame, int(frame.select(pl.len()).collect(engine="streaming").item())

    def _files(self, since: datetime | None, until: datetime | None, org: str | None) -> list[FileInfo]:
        return self.table.files(since, until, None if org is None else [org])


def candidate(info: FileInfo) -> Candidate:
    """A live file as plans see it."""
    key = info.key
    return Candidate(info.path, key.tenant, key.day, info.rows, info.bytes, info.lowest, info.has_deletes)

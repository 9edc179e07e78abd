"""Rewriting planned groups: stream, drop doubles, prove, and put the new files in the place of exactly the old ones.

Exactly-once comes from planning anew: a killed run leaves orphans only, and one that landed has no sources left.
"""

import time
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime

import polars as pl

from assets.compaction.plan import Candidate, Group, Policy, plan
from assets.progress import Progress, silent
from resources.lake import DamagedFilesError, DataFile, FileInfo, LakeTable, PartitionKey, Rewritten, SourcesGoneError
from resources.lake.checksum import MODULUS

REPLANS = 3
# Said by the commit's summary, so that whoever follows the table knows that its hours lost rows.
DOUBLES = "clearlift.doubles"
_FOREIGN = "\0foreign"


class GroupsLeftError(RuntimeError):
    """Groups that were left as they are, as files of theirs are damaged; all others were rewritten (`done`)."""

    def __init__(self, done: "Compacted") -> None:
        super().__init__(f"{done.groups} groups were rewritten, {len(done.left)} left: {'; '.join(done.left)}")
        self.done = done


@dataclass
class Compacted:
    """What a compaction did: groups, files, bytes and row checksums before and after, rows, doubles dropped.

    `left` says of which groups files are damaged: these stay as they are.
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
    seconds: float = 0.0
    snapshots: list[int] = field(default_factory=list)
    partitions: list[tuple[str, date]] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    @property
    def mb_per_second(self) -> float:
        return self.bytes_before / 1e6 / self.seconds if self.seconds else 0.0


@dataclass
class Compaction:
    """The engine over one table.

    A set of at most `groups_per_commit` groups is committed at a time, so that a kill loses one set's work at most;
    `parallel` of them are rewritten at once, each holding a few row groups in memory: polars spreads one over all
    cores, the others fill the gaps between writing and reading back.
    """

    table: LakeTable
    policy: Policy = field(default_factory=Policy)
    groups_per_commit: int = 64
    parallel: int = 3
    progress: Progress = silent

    def plan(self, since: datetime | None = None, until: datetime | None = None, org: str | None = None) -> list[Group]:
        """Groups worth rewriting among the days of [since, until) and of one organisation, or all."""
        return self._plan(self._files(since, until, org))

    def run(self, since: datetime | None = None, until: datetime | None = None, org: str | None = None) -> Compacted:
        """Rewrite what is worth it. When another writer took a source away meanwhile, plan anew.

        Raises:
            GroupsLeftError: files of some groups are damaged; everything else was rewritten and committed.
        """
        done = Compacted()
        started = time.perf_counter()
        for attempt in range(REPLANS):
            done.left.clear()
            try:
                files = self._files(since, until, org)
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
        return plan([_candidate(f) for f in files if not f.has_deletes], self.policy)

    def _rewrite(self, groups: Sequence[Group], files: Iterable[FileInfo], done: Compacted) -> None:
        """Rewrite by the listing that was planned with, kept true to our own commits; others' the commit finds."""
        partitions: dict[PartitionKey, list[FileInfo]] = defaultdict(list)
        for info in files:
            partitions[info.key].append(info)
        waiting = {f.path for group in groups for f in group.files}
        self.progress(0, len(groups))
        for start in range(0, len(groups), self.groups_per_commit):
            self._rewrite_set(groups[start : start + self.groups_per_commit], partitions, waiting, done)
            self.progress(min(start + self.groups_per_commit, len(groups)), len(groups))

    def _rewrite_set(
        self,
        groups: Sequence[Group],
        partitions: dict[PartitionKey, list[FileInfo]],
        waiting: set[str],
        done: Compacted,
    ) -> None:
        old: list[DataFile] = []
        new: list[Rewritten] = []
        keepers: list[DataFile] = []
        doubles = 0
        work: list[tuple[Group, list[DataFile], list[FileInfo]]] = []
        for group in groups:
            paths = {f.path for f in group.files}
            partition = partitions[PartitionKey(group.tenant, group.day)]
            # What another writer deleted of a file, row by row, its bytes still hold: neither merge it nor rely on it.
            whole = [f for f in partition if not f.has_deletes]
            # A double stays where it will not be rewritten, else in the first group that holds it.
            others = [f for f in whole if f.path not in waiting]
            waiting -= paths
            by_path = {f.path: f.file for f in whole}
            work.append((group, [by_path[f.path] for f in group.files], others))
        with ThreadPoolExecutor(self.parallel) as workers:
            merges = [workers.submit(self._merge, *each) for each in work]
        for (group, sources, others), merge in zip(work, merges, strict=True):
            try:
                rewritten = merge.result()
            except DamagedFilesError as error:
                done.left.append(f"{group.tenant} {group.day}: {error}")
                continue
            old += sources
            new.append(rewritten)
            if dropped := group.rows - rewritten.rows:
                keepers += [f.file for f in others]
                doubles += dropped
        if not new:
            return
        keepers = [f for f in keepers if f not in old]
        properties = {"clearlift.writer": "compaction", DOUBLES: str(doubles)}
        snapshot = self.table.replace(old, [r.file for r in new], str(uuid.uuid4()), properties, keepers)
        replaced = {f.file_path for f in old}
        for rewritten in new:
            key = rewritten.info.key
            partitions[key] = [f for f in partitions[key] if f.path not in replaced] + [rewritten.info]
        done.groups += len(new)
        done.files_before += len(old)
        done.files_after += len(new)
        done.bytes_before += sum(f.file_size_in_bytes for f in old)
        done.bytes_after += sum(r.info.bytes for r in new)
        done.checksum_before = (done.checksum_before + sum(r.before.checksum for r in new)) % MODULUS
        done.checksum_after = (done.checksum_after + sum(r.after.checksum for r in new)) % MODULUS
        done.rows += sum(r.rows for r in new)
        done.doubles += doubles
        done.snapshots.append(snapshot)
        done.partitions += [(r.info.key.tenant, r.info.key.day) for r in new]

    def _merge(self, group: Group, sources: Sequence[DataFile], others: Sequence[FileInfo]) -> Rewritten:
        """One group as one file, each event_id once in the partition.

        Doubles come from other writers only. So a group that is all of its partition streams through, its ids looked at
        on the way, and is written again without doubles in the rare case that there were some.
        """
        key = PartitionKey(group.tenant, group.day)
        if not others:
            rewritten = self.table.rewrite(key, sources, distinct="event_id")
            if rewritten.distinct == group.rows == rewritten.rows:
                return rewritten
            self.table.discard(rewritten.file)
        with self.table.named([*sources, *(f.file for f in others)]):
            single, dropped = self._without_doubles(group, sources, others)
        rewritten = self.table.rewrite(key, sources, single)
        if rewritten.rows + dropped != group.rows:
            raise RuntimeError(f"{group.tenant} {group.day}: {group.rows} rows became {rewritten.rows}")
        return rewritten

    def _without_doubles(
        self, group: Group, sources: Sequence[DataFile], others: Sequence[FileInfo]
    ) -> tuple[pl.LazyFrame | None, int]:
        """The group's rows but those that `others` hold and but doubles (None: all of them); how many that drops."""
        rows = self.table.read(f.file_path for f in sources)
        stay = self.table.read(f.path for f in others).select("event_id")
        doubled = (
            pl.concat([rows.select("event_id"), stay])
            .group_by("event_id")
            .len()
            .filter(pl.col("len") > 1)
            .select("event_id")
            .collect(engine="streaming")
        )
        if doubled.is_empty():
            return None, 0
        elsewhere = stay.join(doubled.lazy(), on="event_id", how="semi").unique().collect(engine="streaming")
        kept = rows.join(elsewhere.lazy(), on="event_id", how="anti", maintain_order="left")
        single = kept.join(doubled.lazy(), on="event_id", how="anti", maintain_order="left")
        # Of a double inside the group the ingested row stays, not another writer's; of several the earliest, so that
        # two compactors would keep the same one.
        marked = pl.concat(
            self.table.read(f.file_path for f in sources if self.table.wrote(f) is ours).with_columns(
                pl.lit(not ours).alias(_FOREIGN)
            )
            for ours in (True, False)
        )
        first = (
            marked.join(doubled.lazy(), on="event_id", how="semi")
            .join(elsewhere.lazy(), on="event_id", how="anti", maintain_order="left")
            .collect()
            .sort(_FOREIGN, "timestamp", maintain_order=True)
            .unique("event_id", keep="first", maintain_order=True)
            .drop(_FOREIGN)
        )
        frame = pl.concat([single, first.lazy()])
        return frame, group.rows - int(frame.select(pl.len()).collect(engine="streaming").item())

    def _files(self, since: datetime | None, until: datetime | None, org: str | None) -> list[FileInfo]:
        return self.table.files(since, until, None if org is None else [org])


def _candidate(info: FileInfo) -> Candidate:
    return Candidate(info.path, info.key.tenant, info.key.day, info.rows, info.bytes, info.lowest)

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
from resources.lake import DataFile, FileInfo, LakeTable, PartitionKey, Rewritten, SourcesGoneError

REPLANS = 3
# Said by the commit's summary, so that whoever follows the table knows that its hours lost rows.
DOUBLES = "clearlift.doubles"


@dataclass
class Compacted:
    """What a compaction did: groups, files and bytes before and after, rows, doubles dropped, hours they fell on."""

    groups: int = 0
    files_before: int = 0
    files_after: int = 0
    bytes_before: int = 0
    bytes_after: int = 0
    rows: int = 0
    doubles: int = 0
    seconds: float = 0.0
    snapshots: list[int] = field(default_factory=list)
    partitions: list[tuple[str, date]] = field(default_factory=list)

    @property
    def mb_per_second(self) -> float:
        return self.bytes_before / 1e6 / self.seconds if self.seconds else 0.0


@dataclass
class Compaction:
    """The engine over one table.

    A set of at most `groups_per_commit` groups is committed at a time, so that a kill loses one set's work at most;
    `parallel` of them are rewritten at once, each holding a few row groups in memory.
    """

    table: LakeTable
    policy: Policy = field(default_factory=Policy)
    groups_per_commit: int = 64
    parallel: int = 2
    progress: Progress = silent

    def plan(self, since: datetime | None = None, until: datetime | None = None, org: str | None = None) -> list[Group]:
        """Groups worth rewriting among the days of [since, until) and of one organisation, or all."""
        return self._plan(self._files(since, until, org))

    def run(self, since: datetime | None = None, until: datetime | None = None, org: str | None = None) -> Compacted:
        """Rewrite what is worth it. When another writer took a source away meanwhile, plan anew."""
        done = Compacted()
        started = time.perf_counter()
        for attempt in range(REPLANS):
            try:
                files = self._files(since, until, org)
                self._rewrite(self._plan(files), files, done)
                break
            except SourcesGoneError:
                if attempt == REPLANS - 1:
                    raise
        done.seconds = time.perf_counter() - started
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
        new: list[FileInfo] = []
        keepers: list[DataFile] = []
        rows = doubles = 0
        work: list[tuple[Group, list[DataFile], list[FileInfo]]] = []
        for group in groups:
            paths = {f.path for f in group.files}
            partition = partitions[PartitionKey(group.tenant, group.day)]
            # What another writer deleted of a file, row by row, its bytes still hold: neither merge it nor rely on it.
            whole = [f for f in partition if not f.has_deletes]
            # A double stays where it will not be rewritten, else in the first group that holds it.
            others = [f for f in whole if f.path not in waiting]
            waiting -= paths
            sources = [f.file for f in whole if f.path in paths]
            old += sources
            work.append((group, sources, others))
        with ThreadPoolExecutor(self.parallel) as workers:
            for (group, _, others), rewritten in zip(work, workers.map(lambda w: self._merge(*w), work), strict=True):
                dropped = group.rows - rewritten.rows
                if dropped:
                    keepers += [f.file for f in others]
                new.append(rewritten.info)
                rows += rewritten.rows
                doubles += dropped
        keepers = [f for f in keepers if f not in old]
        properties = {"clearlift.writer": "compaction", DOUBLES: str(doubles)}
        snapshot = self.table.replace(old, [i.file for i in new], str(uuid.uuid4()), properties, keepers)
        replaced = {f.file_path for f in old}
        for info in new:
            partitions[info.key] = [f for f in partitions[info.key] if f.path not in replaced] + [info]
        done.groups += len(groups)
        done.files_before += len(old)
        done.files_after += len(new)
        done.bytes_before += sum(f.file_size_in_bytes for f in old)
        done.bytes_after += sum(i.bytes for i in new)
        done.rows += rows
        done.doubles += doubles
        done.snapshots.append(snapshot)
        done.partitions += [(g.tenant, g.day) for g in groups]

    def _merge(self, group: Group, sources: Sequence[DataFile], others: Sequence[FileInfo]) -> Rewritten:
        """One group as one file, each event_id once in the partition.

        Doubles come from other writers only. So a group that is all of its partition streams through, its ids looked at
        on the way, and is written again without doubles in the rare case that there were some.
        """
        key = PartitionKey(group.tenant, group.day)
        if not others:
            ids: list[pl.Series] = []
            rows = self.table.read(f.path for f in group.files)
            rewritten = self.table.rewrite(key, rows, lambda batch: ids.append(batch["event_id"].hash()), sources)
            if pl.concat(ids).n_unique() == group.rows == rewritten.rows:
                return rewritten
            self.table.discard(rewritten.file)
        frame, dropped = self._without_doubles(group, others)
        rewritten = self.table.rewrite(key, frame, sources=sources)
        if rewritten.rows + dropped != group.rows:
            raise RuntimeError(f"{group.tenant} {group.day}: {group.rows} rows became {rewritten.rows}")
        return rewritten

    def _without_doubles(self, group: Group, others: Sequence[FileInfo]) -> tuple[pl.LazyFrame, int]:
        """The group's rows without those that `others` hold and without doubles, and how many rows that drops."""
        rows = self.table.read(f.path for f in group.files)
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
            return rows, 0
        elsewhere = stay.join(doubled.lazy(), on="event_id", how="semi").unique().collect(engine="streaming")
        kept = rows.join(elsewhere.lazy(), on="event_id", how="anti", maintain_order="left")
        single = kept.join(doubled.lazy(), on="event_id", how="anti", maintain_order="left")
        # Of a double inside the group the earliest stays, so that two compactors would keep the same one.
        first = (
            kept.join(doubled.lazy(), on="event_id", how="semi")
            .collect()
            .sort("timestamp", maintain_order=True)
            .unique("event_id", keep="first", maintain_order=True)
        )
        frame = pl.concat([single, first.lazy()])
        return frame, group.rows - int(frame.select(pl.len()).collect(engine="streaming").item())

    def _files(self, since: datetime | None, until: datetime | None, org: str | None) -> list[FileInfo]:
        return self.table.files(since, until, None if org is None else [org])


def _candidate(info: FileInfo) -> Candidate:
    return Candidate(info.path, info.key.tenant, info.key.day, info.rows, info.bytes, info.lowest)

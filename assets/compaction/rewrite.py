"""Rewriting planned groups: stream, drop doubles, prove, and put the new files in the place of exactly the old ones.

Exactly-once comes from planning anew: a killed run leaves orphans only, and one that landed has no sources left.
"""

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time

import polars as pl

from assets.compaction.plan import Candidate, Group, Policy, plan
from assets.progress import Progress, silent
from resources.lake import DataFile, FileInfo, LakeTable, PartitionKey, SourcesGoneError

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
    """The engine over one table. A set of at most `groups_per_commit` groups is committed at a time."""

    table: LakeTable
    policy: Policy = field(default_factory=Policy)
    groups_per_commit: int = 64
    progress: Progress = silent

    def plan(self, since: datetime | None = None, until: datetime | None = None, org: str | None = None) -> list[Group]:
        """Groups worth rewriting among the days of [since, until) and of one organisation, or all."""
        return plan([_candidate(f) for f in self._files(since, until, org) if not f.has_deletes], self.policy)

    def run(self, since: datetime | None = None, until: datetime | None = None, org: str | None = None) -> Compacted:
        """Rewrite what is worth it. When another writer took a source away meanwhile, plan anew."""
        done = Compacted()
        started = time.perf_counter()
        for attempt in range(REPLANS):
            try:
                self._rewrite(self.plan(since, until, org), done)
                break
            except SourcesGoneError:
                if attempt == REPLANS - 1:
                    raise
        done.seconds = time.perf_counter() - started
        return done

    def _rewrite(self, groups: Sequence[Group], done: Compacted) -> None:
        waiting = {f.path for group in groups for f in group.files}
        for start in range(0, len(groups), self.groups_per_commit):
            self._rewrite_set(groups[start : start + self.groups_per_commit], waiting, done)
            self.progress(min(start + self.groups_per_commit, len(groups)), len(groups))

    def _rewrite_set(self, groups: Sequence[Group], waiting: set[str], done: Compacted) -> None:
        old: list[DataFile] = []
        new: list[DataFile] = []
        keepers: list[DataFile] = []
        rows = doubles = 0
        for group in groups:
            paths = {f.path for f in group.files}
            partition = self._partition(group)
            sources = {f.path: f.file for f in partition if f.path in paths}
            if len(sources) < len(paths):
                raise SourcesGoneError(f"{len(paths) - len(sources)} files of {group.tenant} {group.day} are gone")
            # A double stays where it will not be rewritten, else in the first group that holds it.
            others = [f for f in partition if f.path not in waiting]
            waiting -= paths
            frame, dropped = self._without_doubles(group, others)
            if dropped:
                keepers += [f.file for f in others]
            rewritten = self.table.rewrite(PartitionKey(group.tenant, group.day), frame)
            if rewritten.rows + dropped != group.rows:
                raise RuntimeError(f"{group.tenant} {group.day}: {group.rows} rows became {rewritten.rows}")
            old += sources.values()
            new.append(rewritten.file)
            rows += rewritten.rows
            doubles += dropped
        keepers = [f for f in keepers if f not in old]
        properties = {"clearlift.writer": "compaction", DOUBLES: str(doubles)}
        snapshot = self.table.replace(old, new, str(uuid.uuid4()), properties, keepers)
        done.groups += len(groups)
        done.files_before += len(old)
        done.files_after += len(new)
        done.bytes_before += sum(f.file_size_in_bytes for f in old)
        done.bytes_after += sum(f.file_size_in_bytes for f in new)
        done.rows += rows
        done.doubles += doubles
        done.snapshots.append(snapshot)
        done.partitions += [(g.tenant, g.day) for g in groups]

    def _without_doubles(self, group: Group, others: Sequence[FileInfo]) -> tuple[pl.LazyFrame, int]:
        """The group's rows without those that `others` hold and without doubles, and how many rows that drops.

        Ids are read alone first: doubles come from other writers only, and a group without any streams through.
        """
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

    def _partition(self, group: Group) -> list[FileInfo]:
        start = datetime.combine(group.day, clock_time(), UTC)
        key = PartitionKey(group.tenant, group.day)
        return [f for f in self._files(start, start + timedelta(days=1), group.tenant) if f.key == key]

    def _files(self, since: datetime | None, until: datetime | None, org: str | None) -> list[FileInfo]:
        return self.table.files(since, until, None if org is None else [org])


def _candidate(info: FileInfo) -> Candidate:
    return Candidate(info.path, info.key.tenant, info.key.day, info.rows, info.bytes, info.lowest)

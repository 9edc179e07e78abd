"""One lake table: which files are live, commits to it, and its history.

What does not belong here: rows and the files that hold them (contents.py), how a commit lands (commit.py).
"""

import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial

import polars as pl
from pyiceberg.expressions import AlwaysTrue, And, BooleanExpression, GreaterThanOrEqual, In, LessThan, Reference
from pyiceberg.expressions.literals import literal
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table

from resources.lake import changes, commit, data_file, planning
from resources.lake.changes import History, SnapshotInfo
from resources.lake.data_file import FileInfo, PartitionKey, Source
from resources.lake.handover import Handover
from resources.lake.layout import Layout, writable


@dataclass(frozen=True)
class Totals:
    """The live data files of a table: rows, files, bytes."""

    rows: int
    files: int
    bytes: int


class LakeTable(Handover):
    """A handle of one table: its contents, commits to it, and its history."""

    def examined(self) -> list[str]:
        """What other engines changed and we live with, one clause each.

        Raises:
            LayoutError: the table cannot be read or written as it is now.
        """
        table = self._load()
        layout = self._layout(table)
        writable(table.metadata, ".".join(table.name()))
        other = [] if table.metadata.default_spec_id == layout.spec_id else ["the partition spec of their own writes"]
        return [*layout.carried, *other]

    def head(self) -> tuple[int | None, int]:
        """The current snapshot's id and sequence number, which each commit raises; (None, 0) without a snapshot."""
        return self.history().head

    def totals(self) -> Totals:
        """Rows, files and bytes of the table by its last commit's summary; without one, counted from the files."""
        snapshot = self._load().metadata.current_snapshot()
        if snapshot is None:
            return Totals(0, 0, 0)
        summary = snapshot.summary.additional_properties if snapshot.summary is not None else {}
        try:
            return Totals(
                int(summary["total-records"]) - int(summary.get("total-position-deletes", "0")),
                int(summary["total-data-files"]),
                int(summary["total-files-size"]),
            )
        except KeyError:
            live = self.files()
            return Totals(sum(f.rows for f in live), len(live), sum(f.bytes for f in live))

    def files(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        tenants: Iterable[str] | None = None,
        snapshot_id: int | None = None,
    ) -> list[FileInfo]:
        """Data files that may hold rows of the half-open window [since, until) and of `tenants`.

        The files of now, or those of a snapshot that is still kept.
        """
        table = self._load()
        return self._planned(table, since, until, tenants, snapshot_id)

    def _planned(
        self,
        table: Table,
        since: datetime | None = None,
        until: datetime | None = None,
        tenants: Iterable[str] | None = None,
        snapshot_id: int | None = None,
    ) -> list[FileInfo]:
        layout = self._layout(table)
        planned = planning.plan(table, self._filter(layout, since, until, tenants), snapshot_id)
        return [self._info(layout, of.file, of.deletes) for of in planned]

    def scan(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        tenants: Iterable[str] | None = None,
        snapshot_id: int | None = None,
    ) -> pl.LazyFrame:
        """Rows of the half-open window [since, until) and of `tenants`, lazily, with every column of the table.

        The rows of now, or those of a snapshot that is still kept.
        """
        tenants = None if tenants is None else list(tenants)
        frame = self.read(self.files(since, until, tenants, snapshot_id))
        if since is not None:
            frame = frame.filter(pl.col(self.spec.time) >= since)
        if until is not None:
            frame = frame.filter(pl.col(self.spec.time) < until)
        if tenants is not None:
            frame = frame.filter(pl.col(self.spec.tenant).is_in(tenants))
        return frame

    def append(
        self,
        files: Iterable[DataFile],
        commit_id: str,
        properties: Mapping[str, str] | None = None,
        behind: str | None = None,
        upon: tuple[int | None, int] | None = None,
    ) -> int:
        """Add data files in one snapshot, once for a `commit_id`; returns the snapshot's id.

        `behind` is the value of `fence`, `upon` that of `head`, when the caller's work began.

        Raises:
            FencedOffError: the fence has another value now; nothing was changed.
            RolledBackError: the table was rolled back since; nothing was changed.
        """
        given = properties or {}
        return commit.append(self._pinned, self._lock, files, commit_id, given, behind=behind, upon=upon)

    def fence(self) -> str:
        """The fence's value for `append`. `settled` changes it; then an append behind the old value never lands."""
        return commit.fence(self._load())

    def replace(
        self,
        old: Iterable[Source],
        new: Iterable[DataFile],
        commit_id: str,
        properties: Mapping[str, str] | None = None,
        relied_on: Iterable[Source] = (),
    ) -> int:
        """Replace exactly `old` by `new` in one snapshot; returns its id. Delete files that only `old` had go with it.

        Raises:
            SourcesGoneError: one of `old` or `relied_on` is no longer live or has lost rows since it was planned;
                nothing was changed.
        """
        old, relied_on = list(old), list(relied_on)
        needed = [*map(data_file.raw, old), *map(data_file.raw, relied_on)]
        live = partial(self._of_partitions, needed)
        return commit.replace(self._pinned, self._lock, old, new, commit_id, properties or {}, live, relied_on)

    def drop(
        self,
        partitions: Mapping[PartitionKey, Collection[DataFile]],
        commit_id: str,
        properties: Mapping[str, str] | None = None,
    ) -> set[PartitionKey]:
        """Remove, in one snapshot, the partitions that hold exactly the given files; returns these partitions."""
        if not partitions:
            return set()
        live = partial(self._live, {key.day for key in partitions}, {key.tenant for key in partitions})
        return commit.drop(self._pinned, self._lock, partitions, live, commit_id, properties or {})

    def _of_partitions(self, files: Iterable[DataFile], table: Table) -> Iterable[FileInfo]:
        """The live files of the partitions of some files; all of the table where one of them is of another spec."""
        keys = [self._layout(table).partition(file) for file in files]
        known = [key for key in keys if key is not None]
        if len(known) < len(keys):
            return self._planned(table)
        return self._live({key.day for key in known}, {key.tenant for key in known}, table)

    def _live(self, days: Collection[date], tenants: Collection[str], table: Table) -> Iterable[FileInfo]:
        start = datetime.combine(min(days), time(), UTC)
        return self._planned(table, start, datetime.combine(max(days), time(), UTC) + timedelta(days=1), tenants)

    def _pinned(self) -> Table:
        """The table, to commit files of our partition spec, though another may be the default by now."""
        table = self._load()
        update = {"default_spec_id": self._layout(table).spec_id}
        table.metadata = table.metadata.model_copy(update=update)
        return table

    def landed(self, commit_id: str) -> int | None:
        """The snapshot of a commit id; 0 if it landed and the snapshot expired, None if it did not land."""
        return commit.landed(self._load(), commit_id)

    def settled(self, commit_id: str) -> int | None:
        """As `landed`, but final: an append behind the fence that has not landed yet never will."""
        if (snapshot := self.landed(commit_id)) is not None:
            return snapshot
        commit.fence_off(self._load, self._lock, commit_id)
        return self.landed(commit_id)

    def fence_off(self) -> int:
        """Make an empty commit, after which no append behind the fence of before lands; its snapshot's id."""
        return commit.fence_off(self._load, self._lock, str(uuid.uuid4()))

    def removed_by(self, snapshot_id: int) -> Sequence[DataFile]:
        """The data files that a kept snapshot's commit removed."""
        table = self._load()
        snapshot = table.metadata.snapshot_by_id(snapshot_id)
        return changes.of(table, snapshot).removed if snapshot is not None else ()

    def history(self) -> History:
        """The commits that led to the table as it is now."""
        return History(self._load())

    def renumbered(self) -> History:
        """The history, with a newest commit that has a higher number than all that were rolled back.

        What was built from these has their numbers, and would seem to be newer than what the table holds.
        """
        table = self._load()
        history = History(table)
        if history.newest + 1 < table.metadata.next_sequence_number():
            commit.fence_off(self._load, self._lock, str(uuid.uuid4()))
            history = self.history()
        return history

    def sequence(self, snapshot_id: int) -> int | None:
        """The sequence number of a kept snapshot."""
        snapshot = self._load().metadata.snapshot_by_id(snapshot_id)
        return snapshot.sequence_number if snapshot is not None else None

    def changes(self, after: int | None) -> Iterator[SnapshotInfo]:
        """Commits after snapshot `after`, oldest first; all kept ones if it is None or no ancestor of the newest."""
        return self.history().after(after)

    def _filter(
        self, layout: Layout, since: datetime | None, until: datetime | None, tenants: Iterable[str] | None
    ) -> BooleanExpression:
        terms: list[BooleanExpression] = []
        if since is not None:
            terms.append(GreaterThanOrEqual(term=Reference(layout.time.name), value=literal(since.isoformat())))
        if until is not None:
            terms.append(LessThan(term=Reference(layout.time.name), value=literal(until.isoformat())))
        if tenants is not None:
            terms.append(In(term=Reference(layout.tenant.name), values={literal(t) for t in tenants}))
        return And(*terms) if len(terms) > 1 else (terms[0] if terms else AlwaysTrue())

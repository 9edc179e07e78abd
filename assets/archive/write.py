"""Archiving a quarter: read the source, put parts, read them back, compare, write the manifest, seal.

A run that is killed anywhere and run again ends the same: parts are named by their content, a manifest is put where
there is none, and the registry has how far a revision came. One process at a time writes a quarter. What belongs here:
this order. What does not: how rows are read, and the formats of parts and manifests.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import groupby

import polars as pl

from assets.apps import App
from assets.apps.lifecycle import Lifecycle
from assets.archive import parts
from assets.archive.commands import command
from assets.archive.layout import bucket_of, split
from assets.archive.manifest import BucketManifest, Part, instant, merged
from assets.archive.parts import PART_BYTES, DamagedPartError, PartWriter
from assets.archive.quarters import Quarter
from assets.archive.registry import Revision
from assets.archive.revisions import Revisions
from assets.archive.sealed import manifest_of, rows_within
from assets.archive.tables import source_of
from assets.progress import Progress, silent
from assets.rooms import Clock, Rooms
from assets.rows.columns import schema, text_of
from assets.rows.known import KnownRows
from assets.rows.source import RowSlice, Source
from assets.windows import DAY
from resources.declined import DeclinedError
from resources.lake import DamagedFilesError
from resources.lake.checksum import Tally
from resources.postgres import Postgres
from resources.r2 import ObjectStore

WORKERS = 2


class BucketsLeftError(DeclinedError):
    """Buckets were left as they are, because data files of the lake that hold their rows are damaged."""

    def __init__(self, damaged: Sequence[DamagedFilesError]) -> None:
        together = DeclinedError.together(damaged)
        super().__init__(f"not archived: {together.reason}", together.next_step)


class NotDueError(DeclinedError):
    """The quarter is not old enough to be archived."""


@dataclass
class Archived:
    """What a run did: parts put, their rows, bytes packed and unpacked, seconds.

    sealed: buckets that got a revision. nothing_new: buckets whose live rows were read and are all archived.
    not_looked_at: sealed buckets of which nothing was read, because their source says that it is as before, or holds
    none of their rows any more.
    """

    sealed: int = 0
    nothing_new: int = 0
    not_looked_at: int = 0
    parts: int = 0
    rows: int = 0
    packed_bytes: int = 0
    line_bytes: int = 0
    seconds: float = 0.0
    read_back_seconds: float = 0.0
    buckets: list[str] = field(default_factory=list)


@dataclass
class _Bucket:
    """A bucket while parts of it are written."""

    name: str
    folder: str
    revision: int
    writer: PartWriter


@dataclass
class Archiver:
    """The archive of one table. `open_source` opens the table for the window that is to be read."""

    app: str
    lifecycle: Lifecycle
    open_source: Callable[[Quarter], Source]
    store: ObjectStore
    postgres: Postgres
    clock: Clock
    progress: Progress = silent
    part_bytes: int = PART_BYTES

    @classmethod
    def of(cls, rooms: Rooms, app: App, entry: Lifecycle) -> "Archiver":
        """The archive of a table, over the stores of the rooms."""
        return cls(
            app=app.name,
            lifecycle=entry,
            open_source=source_of(rooms, app, entry),
            store=rooms.object_store,
            postgres=rooms.postgres,
            clock=rooms.clock,
            progress=rooms.progress(f"{entry.table}: archived"),
        )

    def __post_init__(self) -> None:
        self.revisions = Revisions(self.app, self.lifecycle.table, self.store, self.postgres, self.clock)
        self.registry = self.revisions.registry

    def run(self, quarter: Quarter) -> Archived:
        """Archive what of the quarter is not archived yet.

        Raises:
            NotDueError: its youngest rows are not old enough.
            BucketsLeftError: live rows of some buckets cannot be read; all others were archived.
            RowsChangedError: the source changed while it was read; what was sealed stays sealed, run again.
        """
        policy = self.lifecycle.archive
        if policy is None:
            raise ValueError(f"{self.app} {self.lifecycle.table}: not archived: {self.lifecycle.not_archived}")
        if not quarter.is_due(self.clock(), policy.after_days):
            table, day = self.lifecycle.table, quarter.window.end + policy.after_days * DAY
            raise NotDueError(
                f"{quarter} of {self.app} {table} is archived once its last row is {policy.after_days} days old",
                f"from {day:%Y-%m-%d} on, {command('run', self.app, table, quarter)}",
            )
        started = time.perf_counter()
        done = Archived()
        with self.registry.lock(quarter), ThreadPoolExecutor(WORKERS) as workers:
            self.revisions.settle(quarter)
            source = self.open_source(quarter)
            try:
                slices = source.slices(quarter.window)
                prior = {r.bucket: r for r in self.registry.sealed(quarter)}
                seen, looked_at, left = 0, set[str](), list[DamagedFilesError]()
                for tenant, group in groupby(slices, key=lambda s: s.tenant):
                    run = _Run(self, quarter, source, prior, workers, done)
                    of_tenant = list(group)
                    try:
                        looked_at |= run.write(tenant, of_tenant)
                    except DamagedFilesError as error:
                        left.append(error)
                    seen += len(of_tenant)
                    self.progress(seen, len(slices))
                done.nothing_new = len(looked_at.difference(done.buckets))
                done.not_looked_at = len(prior.keys() - looked_at)
            finally:
                source.close()
        if left:
            raise BucketsLeftError(left)
        done.seconds = time.perf_counter() - started
        return done


class _Run:
    """The slices of one bucket, or of many at once, on their way into parts."""

    def __init__(
        self,
        archive: Archiver,
        quarter: Quarter,
        source: Source,
        prior: dict[str, Revision],
        workers: Executor,
        done: Archived,
    ) -> None:
        assert archive.lifecycle.archive is not None
        self._policy = archive.lifecycle.archive
        self._archive = archive
        self._quarter = quarter
        self._source = source
        self._prior = prior
        self._workers = workers
        self._done = done
        self._schema = schema(source.columns)
        self._buckets: dict[str, _Bucket] = {}
        self._manifests: dict[str, BucketManifest] = {}

    def write(self, tenant: str | None, slices: Sequence[RowSlice]) -> set[str]:
        """Put the rows of slices that are not archived yet, and seal each bucket that got some. The buckets of the rows
        that were read.
        """
        bucket = None if tenant is None else bucket_of(tenant, self._policy.buckets)
        before = self._prior.get(bucket) if bucket is not None else None
        changed = [s for s in slices if s.version is None or before is None or before.slices.get(s.name) != s.version]
        looked_at = {name for slice_ in changed for name in self._take(slice_)}
        for taken in self._buckets.values():
            self._seal(taken, slices)
        if before is not None and bucket not in self._buckets:
            versions = _versions(slices)
            if versions != before.slices:
                self._archive.registry.note(self._quarter, before.bucket, before.number, versions)
        return looked_at

    def _take(self, slice_: RowSlice) -> Iterable[str]:
        known: dict[str, KnownRows] = {}
        window = instant(slice_.window.start), instant(slice_.window.end)
        for frame in self._source.read(slice_):
            column = next(c for c in self._source.columns if c.name == self._policy.bucket)
            for bucket, rows in split(frame, text_of(column), self._policy.buckets).items():
                if bucket not in known:
                    known[bucket] = KnownRows.newest(self._archived(bucket, slice_), self._archive.lifecycle.key)
                late = known[bucket].late(rows)
                if not late.is_empty():
                    self._bucket(bucket).writer.add(late, window)
        return known

    def _archived(self, bucket: str, slice_: RowSlice) -> Iterator[tuple[int, pl.DataFrame]]:
        """Rows of the bucket that were archived before and may be of the slice's window, with their revision."""
        manifest = self._manifest(bucket)
        if manifest is not None:
            folder = self._folder(bucket)
            yield from rows_within(self._archive.store, folder, manifest, self._source.columns, slice_.window)

    def _seal(self, bucket: _Bucket, slices: Sequence[RowSlice]) -> None:
        archive = self._archive
        new = bucket.writer.close()
        started = time.perf_counter()
        self._read_back(bucket, new)
        self._done.read_back_seconds += time.perf_counter() - started
        before = self._manifest(bucket.name)
        manifest = BucketManifest(
            app=archive.app,
            table=archive.lifecycle.table,
            store=archive.lifecycle.store,
            quarter=str(self._quarter),
            bucket=bucket.name,
            revision=bucket.revision,
            columns=merged(before.columns if before else (), self._source.columns),
            key=archive.lifecycle.key,
            parts=(*(before.parts if before else ()), *new),
            snapshot=self._source.snapshot,
            slices=_versions(slices),
            code_version=archive.revisions.code,
            made_at=archive.revisions.now,
            unknown=before.unknown if before else {},
            unknown_of_columns=before.unknown_of_columns if before else {},
        )
        archive.revisions.seal(self._quarter, manifest)
        self._done.sealed += 1
        self._done.buckets.append(bucket.name)
        self._done.parts += len(new)
        self._done.rows += sum(p.rows for p in new)
        self._done.packed_bytes += sum(p.packed_bytes for p in new)
        self._done.line_bytes += sum(p.line_bytes for p in new)

    def _read_back(self, bucket: _Bucket, new: Sequence[Part]) -> None:
        """Read every new part whole and compare its rows, as values, with those that came from the source."""
        tally = Tally(self._schema)
        try:
            for part in new:
                for frame in parts.read(self._archive.store, bucket.folder, part, self._source.columns):
                    tally.add(frame)
            if tally != bucket.writer.tally:
                raise DamagedPartError(bucket.folder, f"{bucket.writer.tally} went in, {tally} came back")
        except DamagedPartError as error:
            # No manifest names them, and the next run puts them again.
            self._archive.store.delete(f"{bucket.folder}/{part.name}" for part in new)
            again = command("run", self._archive.app, self._archive.lifecycle.table, self._quarter)
            raise DamagedPartError(error.key, error.wrong, again) from None

    def _bucket(self, name: str) -> _Bucket:
        if name not in self._buckets:
            archive, folder = self._archive, self._folder(name)
            revision = archive.revisions.begin(self._quarter, name, self._prior.get(name), self._source.snapshot)
            writer = PartWriter(
                archive.store,
                folder,
                self._source.columns,
                revision=revision,
                workers=self._workers,
                part_bytes=archive.part_bytes,
            )
            self._buckets[name] = _Bucket(name, folder, revision, writer)
        return self._buckets[name]

    def _manifest(self, bucket: str) -> BucketManifest | None:
        if bucket in self._prior and bucket not in self._manifests:
            self._manifests[bucket] = manifest_of(self._archive.store, self._folder(bucket), self._prior[bucket])
        return self._manifests.get(bucket)

    def _folder(self, bucket: str) -> str:
        return self._archive.revisions.folder(self._quarter, bucket)


def _versions(slices: Sequence[RowSlice]) -> dict[str, str]:
    return {s.name: s.version for s in slices if s.version is not None}

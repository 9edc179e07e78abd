"""Archiving a quarter: read the source, put parts, read them back, compare, write the manifest, seal.

A run that is killed anywhere and run again ends the same: parts are named by their content, a manifest is put where
there is none, and the registry has how far a revision came. One process at a time writes a quarter. What belongs here:
this order. What does not: how rows are read, and the formats of parts and manifests.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC
from importlib.metadata import version
from itertools import groupby

import polars as pl

from assets.apps import App
from assets.apps.lifecycle import Lifecycle
from assets.archive import parts
from assets.archive.layout import bucket_folder, bucket_of, manifest_name, split
from assets.archive.manifest import BucketManifest, Part, digest, instant, merged, parse
from assets.archive.parts import PART_BYTES, DamagedPartError, PartWriter
from assets.archive.quarters import Quarter
from assets.archive.registry import ArchiveRegistry, Revision
from assets.archive.sealed import manifest_of, rows_within
from assets.archive.tables import source_of
from assets.progress import Progress, silent
from assets.rooms import Clock, Rooms
from assets.rows.columns import schema, text_of
from assets.rows.known import KnownRows
from assets.rows.source import RowSlice, Source
from resources.lake.checksum import Tally
from resources.postgres import Postgres
from resources.r2 import ObjectStore

WORKERS = 2


class NotDueError(ValueError):
    """The quarter is not old enough to be archived."""


@dataclass
class Archived:
    """What a run did: buckets sealed and unchanged, parts put, their rows, bytes packed and unpacked, seconds."""

    sealed: int = 0
    unchanged: int = 0
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
        self.registry = ArchiveRegistry(self.postgres, self.app, self.lifecycle.table)
        self.code = f"clearlift-pipelines {version('clearlift-pipelines')}"

    def run(self, quarter: Quarter) -> Archived:
        """Archive what of the quarter is not archived yet.

        Raises:
            NotDueError: its youngest rows are not old enough.
            RowsChangedError: the source changed while it was read; what was sealed stays sealed, run again.
        """
        policy = self.lifecycle.archive
        if policy is None:
            raise ValueError(f"{self.app} {self.lifecycle.table}: not archived: {self.lifecycle.not_archived}")
        if not quarter.is_due(self.clock(), policy.after_days):
            raise NotDueError(
                f"{quarter} of {self.app} {self.lifecycle.table} is archived once its last row is "
                f"{policy.after_days} days old"
            )
        started = time.perf_counter()
        done = Archived()
        with self.registry.lock(quarter), ThreadPoolExecutor(WORKERS) as workers:
            self._settle(quarter)
            source = self.open_source(quarter)
            try:
                slices = source.slices(quarter.window)
                prior = {r.bucket: r for r in self.registry.sealed(quarter)}
                seen = 0
                for tenant, group in groupby(slices, key=lambda s: s.tenant):
                    run = _Run(self, quarter, source, prior, workers, done)
                    of_tenant = list(group)
                    run.write(tenant, of_tenant)
                    seen += len(of_tenant)
                    self.progress(seen, len(slices))
            finally:
                source.close()
        done.seconds = time.perf_counter() - started
        return done

    def _settle(self, quarter: Quarter) -> None:
        """Seal what a killed run left where its manifest is there; forget the rest, which is then written again."""
        for left in self.registry.unsettled(quarter):
            folder = bucket_folder(self.app, self.lifecycle.table, quarter, left.bucket)
            key = f"{folder}/{manifest_name(left.number)}"
            sha256 = left.manifest_sha256
            data = self.store.get(key) if sha256 is not None and self.store.exists(key) else b""
            if sha256 is not None and digest(data) == sha256:
                self.registry.seal(quarter, left.bucket, left.number, sha256, self.clock())
                sweep(self.store, folder, parse(data))
            else:
                self.registry.forget(quarter, left.bucket, left.number)


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

    def write(self, tenant: str | None, slices: Sequence[RowSlice]) -> None:
        """Put the rows of slices that are not archived yet, and seal each bucket that got some."""
        bucket = None if tenant is None else bucket_of(tenant, self._policy.buckets)
        before = self._prior.get(bucket) if bucket is not None else None
        changed = [s for s in slices if s.version is None or before is None or before.slices.get(s.name) != s.version]
        for slice_ in changed:
            self._take(slice_)
        for taken in self._buckets.values():
            self._seal(taken, slices)
        if before is not None and bucket not in self._buckets:
            self._done.unchanged += 1
            versions = _versions(slices)
            if versions != before.slices:
                self._archive.registry.note(self._quarter, before.bucket, before.number, versions)

    def _take(self, slice_: RowSlice) -> None:
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

    def _archived(self, bucket: str, slice_: RowSlice) -> Iterator[tuple[int, pl.DataFrame]]:
        """Rows of the bucket that were archived before and may be of the slice's window, with their revision."""
        manifest = self._manifest(bucket)
        if manifest is not None:
            folder = self._folder(bucket)
            yield from rows_within(self._archive.store, folder, manifest, self._source.columns, slice_.window)

    def _seal(self, bucket: _Bucket, slices: Sequence[RowSlice]) -> None:
        archive, registry = self._archive, self._archive.registry
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
            code_version=archive.code,
            made_at=instant(archive.clock().astimezone(UTC)),
        )
        data = manifest.to_json()
        sha256 = digest(data)
        registry.verified(self._quarter, manifest, sha256)
        key = f"{bucket.folder}/{manifest_name(bucket.revision)}"
        archive.store.put_if_absent(key, data, storage_class="STANDARD_IA")
        if digest(archive.store.get(key)) != sha256:
            raise DamagedPartError(f"{key}: another manifest is there than the one that was written")
        registry.seal(self._quarter, bucket.name, bucket.revision, sha256, archive.clock())
        sweep(archive.store, bucket.folder, manifest)
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
                raise DamagedPartError(f"{bucket.folder}: {bucket.writer.tally} went in, {tally} came back")
        except DamagedPartError:
            # No manifest names them, and the next run puts them again.
            self._archive.store.delete(f"{bucket.folder}/{part.name}" for part in new)
            raise

    def _bucket(self, name: str) -> _Bucket:
        if name not in self._buckets:
            archive, folder = self._archive, self._folder(name)
            before = self._prior.get(name)
            revision = before.number + 1 if before else 1
            while archive.store.exists(f"{folder}/{manifest_name(revision)}"):
                revision += 1
            snapshot = self._source.snapshot
            archive.registry.begin(self._quarter, name, revision, archive.clock(), snapshot, archive.code)
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
        return bucket_folder(self._archive.app, self._archive.lifecycle.table, self._quarter, bucket)


def sweep(store: ObjectStore, folder: str, manifest: BucketManifest) -> None:
    """Delete parts that a killed run put and that no manifest names."""
    named = {f"{folder}/{part.name}" for part in manifest.parts}
    listed = [info.key for info in store.list(folder)]
    store.delete(k for k in listed if k.rpartition("/")[2].startswith("part-") and k not in named)


def _versions(slices: Sequence[RowSlice]) -> dict[str, str]:
    return {s.name: s.version for s in slices if s.version is not None}

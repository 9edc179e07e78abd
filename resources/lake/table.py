"""One lake table: which files hold what, reading them as frames, writing new ones, and the changes since a snapshot."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import IO, cast

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.expressions import AlwaysTrue, And, BooleanExpression, GreaterThanOrEqual, In, LessThan, Reference
from pyiceberg.expressions.literals import literal
from pyiceberg.manifest import DataFile, DataFileContent, ManifestEntryStatus
from pyiceberg.table import FileScanTask, Table
from pyiceberg.table.snapshots import Operation

from resources.lake import commit, data_file, planning
from resources.lake.checksum import Tally, is_stamped
from resources.lake.columns import TableSpec
from resources.lake.data_file import FileInfo, PartitionKey
from resources.lake.proof import Proof
from resources.lake.vended import polars_options

# Large enough that a column chunk compresses well, small enough that an hour is read without most of its day, and
# that the encoder works in the processor's cache: 100,000 take a tenth longer and a fifth more memory.
ROW_GROUP_ROWS = 50_000


@dataclass(frozen=True)
class Rewritten:
    """A data file that was read back after writing.

    `before` is what its sources hold, `after` what it holds, `distinct` how many values the column has that was asked
    for (by their hashes, so that it may be one too few, never one too many).
    """

    info: FileInfo
    before: Tally
    after: Tally
    distinct: int

    @property
    def file(self) -> DataFile:
        return self.info.file

    @property
    def rows(self) -> int:
        return self.info.rows


@dataclass(frozen=True)
class Totals:
    """The live data files of a table: rows, files, bytes."""

    rows: int
    files: int
    bytes: int


@dataclass(frozen=True)
class SnapshotInfo:
    """One commit: its place in the sequence, what it did, when, and the data files that it added and took away."""

    id: int
    sequence: int
    at_ms: int
    operation: str
    summary: Mapping[str, str]
    added: tuple[DataFile, ...]
    removed: tuple[DataFile, ...]


class LakeTable:
    """A handle on one table. Every call sees the table as it is at that moment; the handle itself holds no state."""

    def __init__(
        self, spec: TableSpec, load: Callable[[], Table], lock: commit.Lock, storage_options: Mapping[str, str] | None
    ) -> None:
        self.spec = spec
        self._load = load
        self._lock = lock
        self._storage_options = storage_options
        self._arrow_schema = spec.arrow_schema()
        self._schema = pl.Schema(pl.from_arrow(self._arrow_schema.empty_table()).schema)  # type: ignore[union-attr]
        self._proof = Proof(self._schema, self.read)

    @property
    def load(self) -> Callable[[], Table]:
        """Load the Iceberg table as it is now, for what only Iceberg itself can answer."""
        return self._load

    @property
    def lock(self) -> commit.Lock:
        """What every commit to the table is made under."""
        return self._lock

    def head(self) -> tuple[int | None, int]:
        """The current snapshot's id and sequence number, which grows with every commit; (None, 0) when empty."""
        snapshot = self._load().metadata.current_snapshot()
        return (snapshot.snapshot_id, snapshot.sequence_number or 0) if snapshot else (None, 0)

    def totals(self) -> Totals:
        """What the table holds, as its last commit says; counted from its files where that commit does not say."""
        snapshot = self._load().metadata.current_snapshot()
        if snapshot is None:
            return Totals(0, 0, 0)
        said = snapshot.summary.additional_properties if snapshot.summary is not None else {}
        try:
            return Totals(
                int(said["total-records"]) - int(said.get("total-position-deletes", "0")),
                int(said["total-data-files"]),
                int(said["total-files-size"]),
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

        As they are now, or as they were at a snapshot that is still kept.
        """
        table = self._load()
        time_id = table.metadata.schema().find_field(self.spec.time).field_id
        return [
            FileInfo.of(task.file, time_id, has_deletes=bool(task.delete_files))
            for task in planning.plan(table, self._filter(since, until, tenants), snapshot_id)
        ]

    def scan(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        tenants: Iterable[str] | None = None,
    ) -> pl.LazyFrame:
        """Rows of the half-open window [since, until) and of `tenants`, lazily, with every column of the table."""
        tenants = None if tenants is None else list(tenants)
        files = self.files(since, until, tenants)
        if any(f.has_deletes for f in files):
            # Row-level deletes of another writer: polars' Iceberg reader applies them, the plain Parquet reader cannot.
            table = self._load()
            frame = pl.scan_iceberg(table, storage_options=self._options(table.metadata.location) or {})
        else:
            frame = self.read(f.path for f in files)
        if since is not None:
            frame = frame.filter(pl.col(self.spec.time) >= since)
        if until is not None:
            frame = frame.filter(pl.col(self.spec.time) < until)
        if tenants is not None:
            frame = frame.filter(pl.col(self.spec.tenant).is_in(tenants))
        return frame

    def read(self, paths: Iterable[str]) -> pl.LazyFrame:
        """All rows of the named data files, lazily, in the order of the files; columns that a file lacks are null."""
        paths = [p.removeprefix("file://") for p in paths]
        if not paths:
            return pl.LazyFrame(schema=self._schema)
        return pl.scan_parquet(
            paths,
            glob=False,
            hive_partitioning=False,  # otherwise the path's org_tag, year, month and day become columns
            schema=self._schema,
            missing_columns="insert",
            extra_columns="ignore",
            storage_options=self._options(paths[0]),
        )

    def _options(self, path: str) -> dict[str, str] | None:
        """polars' storage options: the lake's own, or made of the credentials that the catalog vends for the table."""
        if self._storage_options is None and path.startswith("s3://"):
            return polars_options(self._load().io.properties)
        return dict(self._storage_options) if self._storage_options else None

    def write(self, parts: Iterable[tuple[PartitionKey, pl.DataFrame]]) -> list[DataFile]:
        """Write each part, rows of one partition, as a data file; nothing sees it before a commit names it.

        Its name tells the checksum of its rows, by which a rewrite proves itself without reading them twice.
        """
        table = self._load()
        return [self._written(table, key, path) for key, path in self._sunk(table, parts)]

    def rewrite(
        self,
        key: PartitionKey,
        sources: Sequence[DataFile],
        rows: pl.LazyFrame | None = None,
        distinct: str | None = None,
    ) -> Rewritten:
        """Stream all rows of `sources`, files of one partition, or those `rows` of them, into a new data file.

        It is read back and compared with what the names of the sources say that was written to them; where they do not
        say it, or not all their rows stay, those are read once more before. Columns that are recorded as null in all of
        `sources` are neither read nor written: Iceberg reads a missing column as null, and a null costs half of what a
        text does.

        Raises:
            DamagedFilesError: the rows are not those that were written; the new file is left to the orphan sweep.
        """
        with self.named(sources):
            return self._rewrite(key, sources, rows, distinct)

    def _rewrite(
        self, key: PartitionKey, sources: Sequence[DataFile], rows: pl.LazyFrame | None, distinct: str | None
    ) -> Rewritten:
        table, proof = self._load(), self._proof
        absent = self._null_columns(table, sources)
        before = proof.told(sources, absent)
        everything = self.read(f.file_path for f in sources)
        if rows is None:
            rows, wanted = everything, before
        else:
            wanted = proof.counted(rows, absent)
            proof.require(proof.counted(everything, absent), before, sources)
        path = self._new_location(table, key, wanted)
        self._sink(rows, path, [name for name in self._schema if name not in absent]).collect(engine="streaming")
        after, values = proof.counted_with(self.read([path]), distinct, absent)
        proof.require(after, wanted, sources, path)
        time_id = table.metadata.schema().find_field(self.spec.time).field_id
        info = FileInfo.of(self._written(table, key, path), time_id, has_deletes=False)
        return Rewritten(info, before, after, values)

    def _null_columns(self, table: Table, files: Iterable[DataFile]) -> set[str]:
        recorded = data_file.null_columns(files)
        return {f.name for f in table.metadata.schema().fields if f.field_id in recorded and not f.required}

    def named(self, files: Iterable[DataFile]) -> AbstractContextManager[None]:
        """Around the reading of data files: an error that comes of damaged or missing ones is one that names them.

        Raises:
            DamagedFilesError: some of `files` are damaged or missing.
        """
        return self._proof.named(files)

    def wrote(self, file: DataFile) -> bool:
        """Whether a data file was written here; another writer's names tell no checksum."""
        return is_stamped(file.file_path)

    def discard(self, file: DataFile) -> None:
        """Remove a written data file that no commit has named or will name."""
        self._load().io.delete(file.file_path)

    def _sunk(
        self, table: Table, parts: Iterable[tuple[PartitionKey, pl.DataFrame]]
    ) -> Iterator[tuple[PartitionKey, str]]:
        for key, frame in parts:
            rows = frame.select(pl.col(name).cast(dtype) for name, dtype in self._schema.items())
            tally = Tally(self._schema)
            tally.add(rows)
            path = self._new_location(table, key, tally)
            self._sink(rows.lazy(), path, self._schema.names()).collect()
            yield key, path

    def _sink(self, rows: pl.LazyFrame, path: str, columns: Sequence[str]) -> pl.LazyFrame:
        return rows.select(columns).sink_parquet(
            path.removeprefix("file://"),
            compression="snappy",
            row_group_size=ROW_GROUP_ROWS,
            arrow_schema=pa.schema([self._arrow_schema.field(name) for name in columns]),
            storage_options=self._options(path),
            mkdir=True,
            lazy=True,
        )

    def _written(self, table: Table, key: PartitionKey, path: str) -> DataFile:
        source = table.io.new_input(path)
        with source.open() as stream:
            footer = pq.read_metadata(cast(IO[bytes], stream))
        return data_file.entry(table, key, path, footer, len(source))

    def _new_location(self, table: Table, key: PartitionKey, rows: Tally) -> str:
        base = table.metadata.properties.get("write.data.path") or f"{table.metadata.location.rstrip('/')}/data"
        return data_file.location(base, self.spec.tenant, key, self.spec.name, rows.stamp)

    def append(
        self,
        files: Iterable[DataFile],
        commit_id: str,
        properties: Mapping[str, str] | None = None,
        behind: str | None = None,
    ) -> int:
        """Add data files in one snapshot, once for a `commit_id`; returns the snapshot's id.

        Raises:
            FencedOffError: `fence` no longer says what it said when the work `behind` it began; nothing was changed.
        """
        return commit.append(self._load, self._lock, files, commit_id, properties or {}, behind=behind)

    def fence(self) -> str:
        """What an append may stand behind: `settled` moves it, and what stands behind the old one never lands."""
        return commit.fence(self._load())

    def replace(
        self,
        old: Iterable[DataFile],
        new: Iterable[DataFile],
        commit_id: str,
        properties: Mapping[str, str] | None = None,
        relied_on: Iterable[DataFile] = (),
    ) -> int:
        """Put `new` in the place of exactly `old` in one snapshot.

        Raises:
            SourcesGoneError: one of `old` or of `relied_on` is no longer live or has lost rows; nothing was changed.
        """
        return commit.replace(self._load, self._lock, old, new, commit_id, properties or {}, relied_on)

    def drop(
        self,
        partitions: Mapping[PartitionKey, Collection[DataFile]],
        commit_id: str,
        properties: Mapping[str, str] | None = None,
    ) -> set[PartitionKey]:
        """Take away, in one snapshot, those partitions that hold exactly the given files; gives which went."""
        if not partitions:
            return set()
        days, tenants = {key.day for key in partitions}, {key.tenant for key in partitions}
        start = datetime.combine(min(days), time(), UTC)
        end = datetime.combine(max(days), time(), UTC) + timedelta(days=1)

        def live(table: Table) -> Iterable[FileScanTask]:
            return planning.plan(table, self._filter(start, end, tenants), None)

        return commit.drop(self._load, self._lock, partitions, live, commit_id, properties or {})

    def landed(self, commit_id: str) -> int | None:
        """The snapshot that a commit id made, 0 where it landed and the snapshot expired, None where it did not."""
        return commit.landed(self._load(), commit_id)

    def settled(self, commit_id: str) -> int | None:
        """As `landed`, for good: what has not landed and stands behind the fence never will."""
        if (snapshot := self.landed(commit_id)) is not None:
            return snapshot
        commit.fence_off(self._load, self._lock, commit_id)
        return self.landed(commit_id)

    def removed_by(self, snapshot_id: int) -> Sequence[DataFile]:
        """The data files that a kept snapshot's commit took away."""
        made = self._load().metadata.snapshot_by_id(snapshot_id)
        parent = made.parent_snapshot_id if made is not None else None
        return next((each.removed for each in self.changes(parent) if each.id == snapshot_id), ())

    def bounds(self, file: DataFile) -> tuple[datetime | None, datetime | None]:
        """Recorded lowest and highest time of a data file."""
        return data_file.bounds(file, self._load().metadata.schema().find_field(self.spec.time).field_id)

    def changes(self, after: int | None) -> Iterator[SnapshotInfo]:
        """Commits after snapshot `after`, oldest first; all that are kept where it is None or no longer kept."""
        table = self._load()
        by_id = {s.snapshot_id: s for s in table.metadata.snapshots}
        chain = []
        current = table.metadata.current_snapshot_id
        while current is not None and current != after and current in by_id:
            chain.append(by_id[current])
            current = by_id[current].parent_snapshot_id
        for snapshot in reversed(chain):
            added, removed = [], []
            for manifest in snapshot.manifests(table.io):
                if manifest.added_snapshot_id != snapshot.snapshot_id:
                    continue
                for found in manifest.fetch_manifest_entry(table.io, discard_deleted=False):
                    if found.snapshot_id != snapshot.snapshot_id or found.data_file.content != DataFileContent.DATA:
                        continue
                    if found.status == ManifestEntryStatus.ADDED:
                        added.append(found.data_file)
                    elif found.status == ManifestEntryStatus.DELETED:
                        removed.append(found.data_file)
            summary = snapshot.summary
            yield SnapshotInfo(
                snapshot.snapshot_id,
                snapshot.sequence_number or 0,
                snapshot.timestamp_ms,
                (summary.operation if summary else Operation.APPEND).value,
                dict(summary.additional_properties) if summary else {},
                tuple(added),
                tuple(removed),
            )

    def _filter(
        self, since: datetime | None, until: datetime | None, tenants: Iterable[str] | None
    ) -> BooleanExpression:
        terms: list[BooleanExpression] = []
        if since is not None:
            terms.append(GreaterThanOrEqual(term=Reference(self.spec.time), value=literal(since.isoformat())))
        if until is not None:
            terms.append(LessThan(term=Reference(self.spec.time), value=literal(until.isoformat())))
        if tenants is not None:
            terms.append(In(term=Reference(self.spec.tenant), values={literal(t) for t in tenants}))
        return And(*terms) if len(terms) > 1 else (terms[0] if terms else AlwaysTrue())

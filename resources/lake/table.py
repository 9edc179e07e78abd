"""One lake table: its files, reading them as frames, writing new ones, commits, and the changes since a snapshot.

What does not belong here: how a commit lands (commit.py), how a rewrite is proved (proof.py).
"""

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
from pyiceberg.manifest import DataFile
from pyiceberg.table import FileScanTask, Table

from resources.lake import commit, data_file, planning
from resources.lake.changes import SnapshotInfo, changes
from resources.lake.checksum import Tally, has_fingerprint
from resources.lake.columns import TableSpec
from resources.lake.data_file import FileInfo, PartitionKey
from resources.lake.proof import Proof
from resources.r2 import polars_options

# Large enough for good compression. Small enough to read an hour without most of its day, and to encode within the
# processor's cache: 100,000 take a tenth more time and a fifth more memory.
ROW_GROUP_ROWS = 50_000


@dataclass(frozen=True)
class Rewritten:
    """A data file that was read back after writing.

    `before`: the rows of its sources. `after`: its own rows. `distinct`: the number of different values of the column
    that the caller named (by their hashes, so it may be too low, never too high).
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


class LakeTable:
    """A handle of one table. Every call loads the table as it is then; the handle has no state."""

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
        """Load the Iceberg table as it is now, for questions that only pyiceberg answers."""
        return self._load

    @property
    def lock(self) -> commit.Lock:
        """The lock of every commit to the table."""
        return self._lock

    def head(self) -> tuple[int | None, int]:
        """The current snapshot's id and sequence number, which each commit raises; (None, 0) without a snapshot."""
        snapshot = self._load().metadata.current_snapshot()
        return (snapshot.snapshot_id, snapshot.sequence_number or 0) if snapshot else (None, 0)

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
            # Another writer deleted rows one by one. polars' Iceberg reader applies that, its Parquet reader does not.
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
        """All rows of the named data files, lazily, in the order of the files. A column that a file lacks is null."""
        paths = [p.removeprefix("file://") for p in paths]
        if not paths:
            return pl.LazyFrame(schema=self._schema)
        return pl.scan_parquet(
            paths,
            glob=False,
            hive_partitioning=False,  # else the tenant, year, month and day of the path become columns
            schema=self._schema,
            missing_columns="insert",
            extra_columns="ignore",
            storage_options=self._options(paths[0]),
        )

    def _options(self, path: str) -> dict[str, str] | None:
        """polars' storage options: the lake's own, or from the credentials that the catalog vends with the table."""
        if self._storage_options is None and path.startswith("s3://"):
            return polars_options(self._load().io.properties)
        return dict(self._storage_options) if self._storage_options else None

    def write(self, parts: Iterable[tuple[PartitionKey, pl.DataFrame]]) -> list[DataFile]:
        """Write each part, rows of one partition, as a data file. No reader sees it before a commit names it.

        Its name has the fingerprint of its rows, so that a later rewrite can be proved without reading them twice.
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
        """Stream all rows of `sources`, files of one partition, or only their `rows`, into a new data file.

        The new file is read back and compared with the fingerprints of the sources. A source without one, or of which
        not all rows stay, is read once more before. Columns that are recorded as null in all of `sources` are neither
        read nor written, because Iceberg reads a missing column as null, and a null costs half as much as a text.

        Raises:
            DamagedFilesError: the rows are not those that were written. The sweep will remove the new file.
        """
        with self._proof.naming(sources):
            return self._rewrite(key, sources, rows, distinct)

    def _rewrite(
        self, key: PartitionKey, sources: Sequence[DataFile], rows: pl.LazyFrame | None, distinct: str | None
    ) -> Rewritten:
        table, proof = self._load(), self._proof
        absent = self._null_columns(table, sources)
        before = proof.written(sources, absent)
        everything = self.read(f.file_path for f in sources)
        if rows is None:
            rows, expected = everything, before
        else:
            expected = proof.counted(rows, absent)
            proof.require(proof.counted(everything, absent), before, sources)
        path = self._new_location(table, key, expected)
        self._sink(rows, path, [name for name in self._schema if name not in absent]).collect(engine="streaming")
        after, values = proof.counted_with(self.read([path]), distinct, absent)
        proof.require(after, expected, sources, path)
        time_id = table.metadata.schema().find_field(self.spec.time).field_id
        info = FileInfo.of(self._written(table, key, path), time_id, has_deletes=False)
        return Rewritten(info, before, after, values)

    def _null_columns(self, table: Table, files: Iterable[DataFile]) -> set[str]:
        recorded = data_file.null_columns(files)
        return {f.name for f in table.metadata.schema().fields if f.field_id in recorded and not f.required}

    def named(self, files: Iterable[DataFile]) -> AbstractContextManager[None]:
        """A block that reads data files, which have as many rows as the manifests say. An error names damaged ones.

        Raises:
            DamagedFilesError: some of `files` are damaged or missing.
        """
        return self._proof.named(files)

    def is_whole(self, file: DataFile) -> bool:
        """Whether a data file holds the rows that were written to it; the whole file is read."""
        return self._proof.is_whole(file)

    def written(self, files: Iterable[DataFile]) -> Tally | None:
        """The rows that were written to data files, by their names; None where a name does not say it."""
        total = Tally(self._schema)
        for file in files:
            if (tally := self._proof.by_name(file)) is None:
                return None
            total += tally
        return total

    def tally(self, rows: pl.DataFrame) -> Tally:
        """The tally of rows, as it would stand in the name of a data file of them."""
        tally = Tally(self._schema)
        tally.add(rows.select(pl.col(name).cast(dtype) for name, dtype in self._schema.items()))
        return tally

    def wrote(self, file: DataFile) -> bool:
        """Whether a data file was written here, by the fingerprint in its name; other writers' files have none."""
        return has_fingerprint(file.file_path)

    def discard(self, file: DataFile) -> None:
        """Remove a written data file that no commit names or will name."""
        self._load().io.delete(file.file_path)

    def _sunk(
        self, table: Table, parts: Iterable[tuple[PartitionKey, pl.DataFrame]]
    ) -> Iterator[tuple[PartitionKey, str]]:
        for key, frame in parts:
            rows = frame.select(pl.col(name).cast(dtype) for name, dtype in self._schema.items())
            path = self._new_location(table, key, self.tally(rows))
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
        return data_file.location(
            base, key, tenant_column=self.spec.tenant, prefix=self.spec.name, fingerprint=rows.fingerprint
        )

    def append(
        self,
        files: Iterable[DataFile],
        commit_id: str,
        properties: Mapping[str, str] | None = None,
        behind: str | None = None,
    ) -> int:
        """Add data files in one snapshot, once for a `commit_id`; returns the snapshot's id.

        `behind` is the value of `fence` when the caller's work began.

        Raises:
            FencedOffError: the fence has another value now; nothing was changed.
        """
        return commit.append(self._load, self._lock, files, commit_id, properties or {}, behind=behind)

    def fence(self) -> str:
        """The fence's value for `append`. `settled` changes it; then an append behind the old value never lands."""
        return commit.fence(self._load())

    def replace(
        self,
        old: Iterable[DataFile],
        new: Iterable[DataFile],
        commit_id: str,
        properties: Mapping[str, str] | None = None,
        relied_on: Iterable[DataFile] = (),
    ) -> int:
        """Replace exactly `old` by `new` in one snapshot; returns its id.

        Raises:
            SourcesGoneError: one of `old` or `relied_on` is no longer live or has lost rows; nothing was changed.
        """
        return commit.replace(self._load, self._lock, old, new, commit_id, properties or {}, relied_on)

    def drop(
        self,
        partitions: Mapping[PartitionKey, Collection[DataFile]],
        commit_id: str,
        properties: Mapping[str, str] | None = None,
    ) -> set[PartitionKey]:
        """Remove, in one snapshot, the partitions that hold exactly the given files; returns these partitions."""
        if not partitions:
            return set()
        days, tenants = {key.day for key in partitions}, {key.tenant for key in partitions}
        start = datetime.combine(min(days), time(), UTC)
        end = datetime.combine(max(days), time(), UTC) + timedelta(days=1)

        def live(table: Table) -> Iterable[FileScanTask]:
            return planning.plan(table, self._filter(start, end, tenants), None)

        return commit.drop(self._load, self._lock, partitions, live, commit_id, properties or {})

    def landed(self, commit_id: str) -> int | None:
        """The snapshot of a commit id; 0 if it landed and the snapshot expired, None if it did not land."""
        return commit.landed(self._load(), commit_id)

    def settled(self, commit_id: str) -> int | None:
        """As `landed`, but final: an append behind the fence that has not landed yet never will."""
        if (snapshot := self.landed(commit_id)) is not None:
            return snapshot
        commit.fence_off(self._load, self._lock, commit_id)
        return self.landed(commit_id)

    def removed_by(self, snapshot_id: int) -> Sequence[DataFile]:
        """The data files that a kept snapshot's commit removed."""
        snapshot = self._load().metadata.snapshot_by_id(snapshot_id)
        parent = snapshot.parent_snapshot_id if snapshot is not None else None
        return next((change.removed for change in self.changes(parent) if change.id == snapshot_id), ())

    def bounds(self, file: DataFile) -> tuple[datetime | None, datetime | None]:
        """Recorded lowest and highest time of a data file."""
        return data_file.bounds(file, self._load().metadata.schema().find_field(self.spec.time).field_id)

    def changes(self, after: int | None) -> Iterator[SnapshotInfo]:
        """Commits after snapshot `after`, oldest first; all kept ones if it is None or no longer kept."""
        return changes(self._load(), after)

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

"""The data files of one lake table: read as frames, written, rewritten and proved.

What belongs here: a handle's way to the table and to the rows in its files. What does not: which files are live, and
commits (table.py), how a rewrite is proved (proof.py), how a file is read (reading.py).
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import IO, cast

import polars as pl
import polars.selectors as cs
import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table

from resources.lake import commit, data_file
from resources.lake.checksum import Tally, has_fingerprint
from resources.lake.columns import TableSpec
from resources.lake.data_file import Entries, FileInfo, PartitionKey, Source
from resources.lake.layout import FIELD_IDS, Layout
from resources.lake.proof import Proof
from resources.lake.reading import Reader
from resources.lake.writing import ROW_GROUP_ROWS, Writer
from resources.r2 import polars_options


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

    @property
    def dropped(self) -> int:
        """Rows of the sources that were left out."""
        return self.before.rows - self.rows


class TableContents:
    """A handle that loads the table as it is at each call, and remembers only what schemas mean."""

    def __init__(
        self, spec: TableSpec, load: Callable[[], Table], lock: commit.Lock, storage_options: Mapping[str, str] | None
    ) -> None:
        self.spec = spec
        self._load = load
        self._lock = lock
        self._storage_options = storage_options
        self._layouts: dict[object, Layout] = {}

    @property
    def load(self) -> Callable[[], Table]:
        """Load the Iceberg table as it is now, for questions that only pyiceberg answers."""
        return self._load

    @property
    def lock(self) -> commit.Lock:
        """The lock of every commit to the table."""
        return self._lock

    @property
    def layout(self) -> Layout:
        """The columns of the table as it is now.

        Raises:
            LayoutError: the table is not as we need it.
        """
        return self._layout(self._load())

    def _layout(self, table: Table) -> Layout:
        # The id of a schema stands for its columns. To make a layout takes some milliseconds.
        metadata = table.metadata
        specs = tuple(s.spec_id for s in metadata.partition_specs)
        of = (metadata.table_uuid, metadata.current_schema_id, specs, metadata.properties.get(FIELD_IDS))
        if of not in self._layouts:
            self._layouts[of] = Layout.of(self.spec, metadata)
        return self._layouts[of]

    def _reader(self, table: Table) -> Reader:
        return Reader(self._layout(table), table.io, lambda path: self._options(table, path))

    def _proof(self, table: Table) -> Proof:
        reader = self._reader(table)
        layout = reader.layout
        outdated = partial(self._is_outdated, table, layout)
        ours = pl.Schema(list(layout.schema.items())[: len(self.spec.columns)])
        earlier = Proof(ours, reader.read, layout.partition, outdated) if ours != layout.schema else None
        return Proof(layout.schema, reader.read, layout.partition, outdated, earlier)

    def _is_outdated(self, table: Table, layout: Layout, file: DataFile) -> bool:
        """Whether a data file has values of a column that another engine dropped, by the field ids in the file."""
        if not layout.dropped:
            return False
        try:
            return bool(self._left_over(table, layout, file))
        except (pa.ArrowException, FileNotFoundError):
            return False  # who reads it finds that it is damaged

    def _left_over(self, table: Table, layout: Layout, file: DataFile) -> list[str]:
        """The columns of a data file, by its own names, that the table does not have any more."""
        with table.io.new_input(file.file_path).open() as stream:
            columns = pq.read_schema(cast(IO[bytes], stream))
        known = {c.field.field_id for c in layout.columns} | data_file.null_columns([file])
        ids = {column.name: (column.metadata or {}).get(b"PARQUET:field_id") for column in columns}
        return [name for name, field_id in ids.items() if field_id is not None and int(field_id) not in known]

    def info(self, file: DataFile) -> FileInfo:
        """What the manifest entry of a data file says, such as the bounds of its times."""
        return self._info(self.layout, file)

    def _info(self, layout: Layout, file: DataFile, deletes: tuple[DataFile, ...] = ()) -> FileInfo:
        lowest, highest = data_file.bounds(file, layout.time.field_id)
        key = layout.partition(file)
        return FileInfo(file, key, file.record_count, file.file_size_in_bytes, lowest, highest, deletes)

    def read(self, sources: Iterable[Source]) -> pl.LazyFrame:
        """All rows of data files, lazily, in the order of the files. A column that a file lacks is null.

        A `FileInfo` is read without the rows that were deleted from it, a `DataFile` with all of its rows.
        """
        return self._reader(self._load()).read(sources)

    def each(self, sources: Iterable[Source]) -> list[pl.LazyFrame]:
        """As `read`, a frame a file: to read many of them, the table is loaded once."""
        reader = self._reader(self._load())
        return [reader.read([source]) for source in sources]

    def texts(self, paths: Iterable[str]) -> list[pl.LazyFrame]:
        """The columns of text of Parquet files, a frame a file, by the file's own names. No commit needs to name them.

        Delete files have some too.
        """
        table = self._load()
        return [self._texts(table, path) for path in paths]

    def left_over_texts(self, files: Sequence[DataFile]) -> dict[str, pl.LazyFrame]:
        """The same, by path, of those columns that the table does not have any more; only of files that have some."""
        table = self._load()
        layout = self._layout(table)
        left = {file.file_path: self._left_over(table, layout, file) for file in files if layout.dropped}
        return {path: self._texts(table, path, names) for path, names in left.items() if names}

    def _texts(self, table: Table, path: str, names: Sequence[str] = ()) -> pl.LazyFrame:
        rows = pl.scan_parquet(
            path.removeprefix("file://"),
            glob=False,
            hive_partitioning=False,
            storage_options=self._options(table, path),
        )
        return rows.select(cs.string() & cs.by_name(*names) if names else cs.string())

    def _options(self, table: Table, path: str) -> dict[str, str] | None:
        """polars' storage options: the lake's own, or from the credentials that the catalog vends with the table."""
        if self._storage_options is None and path.startswith("s3://"):
            return polars_options(table.io.properties)
        return dict(self._storage_options) if self._storage_options else None

    def write(self, parts: Iterable[tuple[PartitionKey, pl.DataFrame]]) -> list[DataFile]:
        """Write each part, rows of one partition, as a data file. No reader sees it before a commit names it.

        Its name has the fingerprint of its rows, so that a later rewrite can be proved without reading them twice.
        """
        table = self._load()
        layout = self._layout(table)
        return Writer(table.io, layout, self._entries(table), partial(self._new_location, table)).written(parts)

    def rewrite(
        self,
        key: PartitionKey,
        sources: Sequence[Source],
        rows: pl.LazyFrame | None = None,
        distinct: str | None = None,
    ) -> Rewritten:
        """Stream the rows of `sources`, or only their `rows`, which are of one partition, into a new data file.

        The new file is read back and compared with the fingerprints of the sources. A source without one, or of which
        not all rows stay, is read once more before. Columns that are recorded as null in all of `sources` are neither
        read nor written, because Iceberg reads a missing column as null, and a null costs half as much as a text.

        Raises:
            DamagedFilesError: the rows are not those that were written. The sweep will remove the new file.
        """
        table = self._load()
        proof, files = self._proof(table), [data_file.raw(source) for source in sources]
        with proof.naming(files):
            return self._rewrite(table, proof, key, sources, rows, distinct)

    def rewrite_apart(self, info: FileInfo, rows: pl.LazyFrame | None = None) -> list[Rewritten]:
        """As `rewrite`, of one file with rows of several partitions: a new file a partition."""
        tenant, day = pl.col(self.spec.tenant), pl.col(self.spec.time).dt.date()
        with self.named([info.file]):
            rows = self.read([info]) if rows is None else rows
            keys = rows.select(tenant, day).unique().sort(self.spec.tenant, self.spec.time).collect(engine="streaming")
            count = int(rows.select(pl.len()).collect(engine="streaming").item())
        parts = [
            self.rewrite(PartitionKey(of, at), [info], rows.filter(tenant == of, day == at))
            for of, at in keys.iter_rows()
        ]
        if (written := sum(part.rows for part in parts)) != count:
            raise RuntimeError(f"{info.path.rpartition('/')[2]}: {count} rows became {written}")
        return parts

    def _rewrite(
        self,
        table: Table,
        proof: Proof,
        key: PartitionKey,
        sources: Sequence[Source],
        rows: pl.LazyFrame | None,
        distinct: str | None,
    ) -> Rewritten:
        reader, files = self._reader(table), [data_file.raw(source) for source in sources]
        absent = self._null_columns(reader.layout, files)
        before = proof.left(sources, absent)
        everything = reader.read(sources)
        if rows is None:
            rows, expected = everything, before
        else:
            expected = proof.counted(rows, absent)
            proof.require(proof.counted(everything, absent), before, files)
        path = self._new_location(table, key, expected)
        columns = [name for name in reader.layout.schema if name not in absent]
        self._sink(rows, path, columns, table).collect(engine="streaming")
        written = self._written(table, key, path)
        after, values = self._read_back(proof, written, expected, files, distinct, absent)
        return Rewritten(self._info(reader.layout, written), before, after, values)

    def _read_back(
        self,
        proof: Proof,
        written: DataFile,
        expected: Tally,
        files: Iterable[DataFile],
        distinct: str | None,
        absent: Collection[str],
    ) -> tuple[Tally, int]:
        after, values = proof.counted_with(proof.read([written]), distinct, absent)
        proof.require(after, expected, files, written.file_path)
        return after, values

    def _null_columns(self, layout: Layout, files: Iterable[DataFile]) -> set[str]:
        recorded = data_file.null_columns(files)
        return {c.name for c in layout.columns if c.field.field_id in recorded and not c.field.required}

    def named(self, files: Iterable[Source]) -> AbstractContextManager[None]:
        """A block that reads data files, which have as many rows as the manifests say. An error names damaged ones.

        Raises:
            DamagedFilesError: some of `files` are damaged or missing.
        """
        return self._proof(self._load()).named(files)

    def refuse_damaged(self, files: Iterable[Source]) -> None:
        """Read some files whole, and look whether they hold the rows that were written to them.

        Raises:
            DamagedFilesError: some do not.
        """
        self._proof(self._load()).refuse_damaged([data_file.raw(file) for file in files])

    def is_whole(self, file: DataFile) -> bool:
        """Whether a data file holds the rows that were written to it; the whole file is read."""
        return self._proof(self._load()).is_whole(file)

    def is_there(self, file: DataFile) -> bool:
        """Whether a data file lies in its place."""
        return self._load().io.new_input(file.file_path).exists()

    def written(self, files: Iterable[DataFile]) -> Tally | None:
        """The rows that were written to data files, by their names; None where a name does not say it."""
        proof = self._proof(self._load())
        tallies = [proof.by_name(file) for file in files]
        return None if None in tallies else sum(filter(None, tallies), Tally(proof.schema))

    def tally(self, rows: pl.DataFrame) -> Tally:
        """The tally of rows, as it would stand in the name of a data file of them."""
        schema = self.layout.schema
        tally = Tally(schema)
        tally.add(rows.select(pl.col(name).cast(schema[name]) for name in rows.columns))
        return tally

    def by_checksum(self, file: DataFile) -> bool:
        """Whether the name of a data file says which rows were written to it, not only how many."""
        proof = self._proof(self._load())
        return any(each.by_name(file) is not None for each in (proof, proof.earlier) if each is not None)

    def wrote(self, file: DataFile) -> bool:
        """Whether a data file was written here, by the fingerprint in its name; other writers' files have none."""
        return has_fingerprint(file.file_path)

    def discard(self, file: DataFile) -> None:
        """Remove a written data file that no commit names or will name."""
        self._load().io.delete(file.file_path)

    def _sink(self, rows: pl.LazyFrame, path: str, columns: Sequence[str], table: Table) -> pl.LazyFrame:
        layout = self._layout(table)
        names = [layout.live_names[name] for name in columns]
        return rows.select(pl.col(name).alias(live) for name, live in zip(columns, names, strict=True)).sink_parquet(
            path.removeprefix("file://"),
            compression="snappy",
            row_group_size=ROW_GROUP_ROWS,
            arrow_schema=pa.schema([layout.arrow.field(live) for live in names]),
            storage_options=self._options(table, path),
            mkdir=True,
            lazy=True,
        )

    def _written(self, table: Table, key: PartitionKey, path: str) -> DataFile:
        source = table.io.new_input(path)
        with source.open() as stream:
            footer = pq.read_metadata(cast(IO[bytes], stream))
        return self._entries(table).of(key, path, footer, len(source))

    def _entries(self, table: Table) -> Entries:
        layout = self._layout(table)
        return Entries(table.metadata.schema(), layout.time.name, layout.spec_id)

    def _new_location(self, table: Table, key: PartitionKey, rows: Tally) -> str:
        return data_file.location(
            self._base(table), key, tenant_column=self.spec.tenant, prefix=self.spec.name, fingerprint=rows.fingerprint
        )

    def _base(self, table: Table) -> str:
        return table.metadata.properties.get("write.data.path") or f"{table.metadata.location.rstrip('/')}/data"

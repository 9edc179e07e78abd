"""New data files of rows that are in memory: encoded, described and stored, several at once.

A file is one request, and its entry comes from the footer as it was written, because each further request costs as much
as the file itself: with its size and its footer asked for, a file took 270 ms on a store that is 60 ms away, and 5 ms
so. What does not belong here: files whose rows are too many for memory (contents.py).
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.io import FileIO
from pyiceberg.manifest import DataFile

from resources.chunks import chunked_by_size
from resources.lake.checksum import Tally, absent, row_hash
from resources.lake.data_file import Entries, PartitionKey
from resources.lake.layout import Layout

AT_ONCE = 32
# Of the rows of the files that are on their way. One file may have more.
BYTES_AT_ONCE = 64 * 2**20
# Large enough for good compression. Small enough to read an hour without most of its day, and to encode within the
# processor's cache: 100,000 take a tenth more time and a fifth more memory.
ROW_GROUP_ROWS = 50_000


@dataclass(frozen=True)
class Writer:
    """Writes data files of one table. location: where a file of a partition goes, by its rows."""

    io: FileIO
    layout: Layout
    entries: Entries
    location: Callable[[PartitionKey, Tally], str]

    def written(self, parts: Iterable[tuple[PartitionKey, pl.DataFrame]]) -> list[DataFile]:
        """A file for each part, in their order. After a failure no further one is begun."""
        room, tasks = _Room(BYTES_AT_ONCE), list[Future[DataFile]]()
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="lake-write") as pool:
            for part in self._parts(parts):
                size = part.rows.nbytes
                room.take(size)
                if room.has_failed:
                    break
                tasks.append(pool.submit(self._one, part))
                tasks[-1].add_done_callback(partial(room.give, size))
        return [task.result() for task in tasks]

    def _parts(self, parts: Iterable[tuple[PartitionKey, pl.DataFrame]]) -> Iterator["_Part"]:
        """The parts in Arrow's form with their tallies. Many small ones are made so at once, because to begin with any
        takes polars longer than 150 rows do.
        """
        schema = self.layout.schema
        ours = {column.name for column in self.layout.spec.columns}
        for some in chunked_by_size(parts, lambda part: part[1].height, most_size=ROW_GROUP_ROWS):
            frames = [rows for _, rows in some]
            rows = frames[0] if len(frames) == 1 else pl.concat(frames, how="diagonal_relaxed")
            # Columns of other engines may be missing, ours may not.
            given = ours | set(rows.columns)
            rows = rows.select(pl.col(name).cast(dtype) for name, dtype in schema.items() if name in given)
            hashes = rows.select(row_hash(schema, absent(schema, rows))).to_series()
            table, start = self._in_arrow(rows), 0
            for key, frame in some:
                checksum = int(hashes.slice(start, frame.height).sum())
                yield _Part(key, table.slice(start, frame.height), Tally(schema, frame.height, checksum))
                start += frame.height

    def _in_arrow(self, rows: pl.DataFrame) -> pa.Table:
        fields = [self.layout.arrow.field(self.layout.live_names[name]) for name in rows.columns]
        columns = rows.to_arrow(compat_level=pl.CompatLevel.oldest()).columns
        return pa.Table.from_arrays(
            [column.cast(field.type) for column, field in zip(columns, fields, strict=True)], schema=pa.schema(fields)
        )

    def _one(self, part: "_Part") -> DataFile:
        path = self.location(part.key, part.tally)
        content, footer = self._encoded(part.rows)
        with self.io.new_output(path).create(overwrite=True) as stream:
            stream.write(content)
        return self.entries.of(part.key, path, footer, len(content))

    def _encoded(self, rows: pa.Table) -> tuple[bytes, pq.FileMetaData]:
        # A column that is null in all rows is not written, because Iceberg reads a missing column as null.
        rows = rows.select([f.name for f in rows.schema if not f.nullable or rows[f.name].null_count < rows.num_rows])
        buffer = pa.BufferOutputStream()
        with pq.ParquetWriter(
            buffer,
            rows.schema,
            compression="snappy",
            # Arrow's own schema is half of a small file's footer, and the field ids are in Parquet's.
            store_schema=False,
            # Planning asks for the time alone, and the bounds of all columns are a third of a small file's work.
            write_statistics=[self.layout.time.name],
        ) as writer:
            writer.write_table(rows, ROW_GROUP_ROWS)
        return buffer.getvalue().to_pybytes(), writer.writer.metadata


@dataclass(frozen=True)
class _Part:
    key: PartitionKey
    rows: pa.Table
    tally: Tally


@dataclass
class _Room:
    """Room for so many bytes, and for one larger piece where there is nothing else."""

    bytes: int
    has_failed: bool = False
    _taken: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def take(self, size: int) -> None:
        """Wait until there is room."""
        with self._changed:
            self._changed.wait_for(lambda: not self._taken or self._taken + size <= self.bytes or self.has_failed)
            self._taken += size

    def give(self, size: int, task: Future[DataFile]) -> None:
        """Give back the room of a task that has ended."""
        with self._changed:
            self._taken -= size
            self.has_failed = self.has_failed or task.exception() is not None
            self._changed.notify()

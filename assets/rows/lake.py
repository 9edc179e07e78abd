"""Rows of a lake table: read a tenant and day at a time as of one snapshot, written in one commit."""

import hashlib
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import polars as pl

from assets.rows.columns import RowColumn
from assets.rows.known import KnownRows
from assets.rows.lake_columns import as_lines, as_stored, lake_columns
from assets.rows.source import RowsChangedError, RowSlice
from assets.rows.target import Into
from assets.windows import Window, day_window
from resources.declined import DeclinedError
from resources.lake import DataFile, FileInfo, Lake, LakeTable, Layout, PartitionKey, TableSpec

# Rows that are in memory at a time.
BATCH_ROWS = 50_000
SIDE = "restored"


def version_of(rows: int, paths: Iterable[str]) -> str:
    """The version of a slice: the number of its rows, and a hash of its files' paths."""
    return f"{rows}:{hashlib.sha256(chr(10).join(sorted(paths)).encode()).hexdigest()[:16]}"


def rows_of(version: str) -> int:
    """The number of rows in a version."""
    return int(version.partition(":")[0])


def aside(spec: TableSpec) -> TableSpec:
    """The table beside a table, to which a restore brings its rows where they are not to be live."""
    return replace(spec, name=f"{spec.name}_{SIDE}", folder=f"{spec.folder}_{SIDE}")


class LakeSource:
    """A lake table as of the snapshot that was current when the source was made."""

    def __init__(self, table: LakeTable) -> None:
        self.columns: Sequence[RowColumn] = lake_columns(table.layout)
        self._table = table
        self._snapshot_id = table.head()[0]
        self._files: dict[PartitionKey, list[FileInfo]] = {}

    @property
    def snapshot(self) -> str:
        return str(self._snapshot_id or "")

    def slices(self, window: Window) -> list[RowSlice]:
        """One slice a tenant and day. Its version names its files, because as many rows may be other ones."""
        if self._snapshot_id is None:
            return []
        files: dict[PartitionKey, list[FileInfo]] = defaultdict(list)
        for info in self._table.files(window.start, window.end, snapshot_id=self._snapshot_id):
            files[info.key].append(info)
        self._files = dict(files)
        slices = []
        for key in sorted(files):
            # Only reading shows how many rows other writers deleted from a file.
            whole = not any(info.has_deletes for info in files[key])
            rows = sum(info.rows for info in files[key]) if whole else None
            version = None if rows is None else version_of(rows, (info.path for info in files[key]))
            slices.append(RowSlice(str(key.day), day_window(key.day), key.tenant, version, rows))
        return slices

    def read(self, slice_: RowSlice) -> Iterator[pl.DataFrame]:
        key = PartitionKey(slice_.tenant or "", slice_.window.start.date())
        files = sorted(self._files[key], key=lambda info: (info.lowest is None, info.lowest, info.path))
        if slice_.expected is None:
            window = slice_.window
            rows = self._table.scan(window.start, window.end, [key.tenant], self._snapshot_id)
            frames = _batches(self._table, rows, self.columns, files)
        else:
            frames = file_rows(self._table, files)
        count = 0
        for frame in frames:
            count += frame.height
            yield frame
        if slice_.expected not in (None, count):
            raise RowsChangedError(f"{slice_.name}: {count} rows were read where the files have {slice_.expected}")

    def close(self) -> None:
        """Nothing is kept open."""


def file_rows(table: LakeTable, files: Sequence[FileInfo]) -> Iterator[pl.DataFrame]:
    """The rows of data files, in the order of the files, batch by batch."""
    return _batches(table, table.read(files), lake_columns(table.layout), files)


class LakeTarget:
    """The live table, or one beside it whose name ends in `_restored`. Each call is one commit.

    summary: what the commit says of itself in the snapshot.
    """

    def __init__(
        self,
        lake: Lake,
        spec: TableSpec,
        into: Into,
        key: Sequence[str],
        summary: Mapping[str, str],
    ) -> None:
        self._spec = spec if into == "live" else aside(spec)
        self.into: Into = into
        self._lake = lake
        self._key = [name for name in key if name != spec.tenant]
        self._summary = summary

    @property
    def name(self) -> str:
        return ".".join(self._spec.identifier)

    def put(self, frames: Iterable[pl.DataFrame], columns: Sequence[RowColumn]) -> int:
        table = self._lake.ensure(self._spec)
        layout = self._completed(table.layout, columns)
        given = {column.name for column in columns}
        missing = {column.name: None for column in self._spec.columns if column.name not in given}
        present: dict[PartitionKey, KnownRows] = {}
        files: list[DataFile] = []
        for frame in frames:
            rows = as_stored(frame.with_columns(**missing), layout)
            for key, part in partitions(rows, self._spec):
                if key not in present:
                    present[key] = self._known(table, key)
                late = present[key].late(part, self._key).unique(self._key, keep="first", maintain_order=True)
                if not late.is_empty():
                    files += table.write([(key, late)])
                    present[key] = present[key].with_keys(late, self._key)
        if files:
            # A run that is killed after its commit finds the keys there when it is run again.
            table.append(files, str(uuid.uuid4()), dict(self._summary))
        return sum(file.record_count for file in files)

    def patch(self, frames: Iterable[pl.DataFrame], columns: Sequence[RowColumn]) -> int:
        names = [column.name for column in columns if column.name not in (*self._key, self._spec.tenant)]
        on = [self._spec.tenant, *self._key]
        return self._rewritten(
            frames,
            lambda rows, changes: rows.update(changes.select(*on, *names), on=on, how="left", include_nulls=True),
        )

    def delete(self, frames: Iterable[pl.DataFrame]) -> int:
        on = [self._spec.tenant, *self._key]
        return self._rewritten(frames, lambda rows, keys: rows.join(keys, on=on, how="anti", maintain_order="left"))

    def _rewritten(
        self, frames: Iterable[pl.DataFrame], change: Callable[[pl.DataFrame, pl.DataFrame], pl.DataFrame]
    ) -> int:
        """Rewrite the files of every tenant and day that holds one of the keys; the number of rows found by key.

        Frames need the tenant's column, the time's and the key's.

        Raises:
            SourcesGoneError: files were merged or changed meanwhile; nothing was written, run again.
        """
        given = list(frames)
        if not given:
            return 0
        table = self._lake.table(self._spec)
        layout = table.layout
        total = 0
        replaced: list[FileInfo] = []
        written: list[DataFile] = []
        for key, part in partitions(as_stored(pl.concat(given), layout), self._spec):
            day = day_window(key.day)
            files = [info for info in table.files(day.start, day.end) if info.key == key]
            with table.named(files):
                rows = table.scan(day.start, day.end, [key.tenant]).collect(engine="streaming")
            matched = rows.join(part, on=[self._spec.tenant, *self._key], how="semi").height
            if matched:
                total += matched
                replaced += files
                left = change(rows, part)
                written += table.write([(key, left)]) if not left.is_empty() else []
        if total:
            table.replace(replaced, written, str(uuid.uuid4()))
        return total

    def _completed(self, layout: Layout, columns: Sequence[RowColumn]) -> Layout:
        """The table's columns, with those that other engines had added to the archived one.

        Raises:
            DeclinedError: the live table has not got them any more.
        """
        gone = {column.name: column.type for column in columns if column.name not in layout.schema}
        if gone and self.into == "live":
            raise DeclinedError(
                f"{self.name} has no column {', '.join(gone)} any more, of which the archive holds values",
                "add it again with the engine that dropped it, or restore `--into side`",
            )
        return self._lake.add(self._spec, gone).layout if gone else layout

    def _known(self, table: LakeTable, key: PartitionKey) -> KnownRows:
        window = day_window(key.day)
        with table.named(table.files(window.start, window.end, [key.tenant])):
            rows = table.scan(window.start, window.end, [key.tenant]).select(self._key).collect(engine="streaming")
        return KnownRows.keys([rows], self._key)


def _batches(
    table: LakeTable, rows: pl.LazyFrame, columns: Sequence[RowColumn], files: Sequence[FileInfo]
) -> Iterator[pl.DataFrame]:
    with table.named(files):
        chosen = as_lines(rows, columns)
        yield from chosen.collect_batches(chunk_size=BATCH_ROWS, maintain_order=True, engine="streaming")


def partitions(rows: pl.DataFrame, spec: TableSpec) -> Iterable[tuple[PartitionKey, pl.DataFrame]]:
    """Rows as the table has them, by tenant and day."""
    day = pl.col(spec.time).dt.date().alias("\0day")
    parts = rows.with_columns(day).partition_by(spec.tenant, "\0day", as_dict=True, maintain_order=True)
    for (tenant, at), part in parts.items():
        yield PartitionKey(str(tenant), at), part.drop("\0day")

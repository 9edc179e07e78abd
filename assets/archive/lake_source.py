"""Reading a quarter of a lake table: an organisation and a day at a time, as of one snapshot."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import polars as pl

from assets.archive.lines import Column, Kind
from assets.archive.lines import schema as schema_of
from assets.archive.sources import ChangedMeanwhileError, Slice
from assets.windows import Window, day_window
from resources.lake import ColumnType, FileInfo, LakeTable, PartitionKey, TableSpec

# Rows that are in memory at a time.
BATCH_ROWS = 50_000
_KINDS = {
    ColumnType.STRING: Kind.TEXT,
    ColumnType.INTEGER: Kind.INTEGER,
    ColumnType.NUMBER: Kind.NUMBER,
    ColumnType.BOOLEAN: Kind.BOOLEAN,
    ColumnType.TIMESTAMP: Kind.TIMESTAMP,
}


def lake_columns(spec: TableSpec) -> tuple[Column, ...]:
    """The columns of a lake table as those of lines."""
    return tuple(Column(c.name, _KINDS[c.type], c.type.value) for c in spec.columns)


def version_of(rows: int, paths: Iterable[str]) -> str:
    """What is noted of the files of a day: their rows, and which files they are."""
    return f"{rows}:{hashlib.sha256(chr(10).join(sorted(paths)).encode()).hexdigest()[:16]}"


def rows_of(version: str) -> int:
    """The rows of a noted version."""
    return int(version.partition(":")[0])


class LakeSource:
    """A lake table as of the snapshot that was current when the source was made. The bucket's column is the tenant."""

    def __init__(self, table: LakeTable) -> None:
        self.columns: Sequence[Column] = lake_columns(table.spec)
        self._table = table
        self._snapshot_id = table.head()[0]
        self._files: dict[PartitionKey, list[FileInfo]] = {}

    @property
    def snapshot(self) -> str:
        return str(self._snapshot_id or "")

    def slices(self, window: Window) -> list[Slice]:
        """A slice an organisation and day; its version says its files: as many rows may be other ones."""
        if self._snapshot_id is None:
            return []
        files: dict[PartitionKey, list[FileInfo]] = defaultdict(list)
        for info in self._table.files(window.start, window.end, snapshot_id=self._snapshot_id):
            files[info.key].append(info)
        self._files = dict(files)
        found = []
        for key in sorted(files):
            # How many rows other writers deleted from a file, only reading tells.
            whole = not any(f.has_deletes for f in files[key])
            rows = sum(f.rows for f in files[key]) if whole else None
            version = None if rows is None else version_of(rows, (f.path for f in files[key]))
            found.append(Slice(str(key.day), day_window(key.day), key.tenant, version, rows))
        return found

    def read(self, slice_: Slice) -> Iterator[pl.DataFrame]:
        key = PartitionKey(slice_.value or "", slice_.window.start.date())
        in_order = sorted(self._files[key], key=lambda f: (f.lowest is None, f.lowest, f.path))
        if slice_.expected is None:
            rows = self._table.scan(slice_.window.start, slice_.window.end, [key.tenant])
        else:
            rows = self._table.read(f.path for f in in_order)
        count = 0
        rows = rows.select(list(schema_of(self.columns)))
        with self._table.named(f.file for f in in_order):
            for frame in rows.collect_batches(chunk_size=BATCH_ROWS, maintain_order=True, engine="streaming"):
                count += frame.height
                yield frame
        if slice_.expected not in (None, count):
            raise ChangedMeanwhileError(f"{slice_.name}: {count} rows were read where the files have {slice_.expected}")

    def close(self) -> None:
        """Nothing is kept open."""

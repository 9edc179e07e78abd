"""Reading data files as frames: columns by field id, without the rows that others deleted one by one.

polars' Parquet reader resolves field ids as its own Iceberg scan does. That scan plans a whole snapshot, and applies no
equality deletes and no position deletes of several data files. So which files are read is said here, and deletes are
anti-joins. What does not belong here: which files hold what is asked for (planning.py).
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Any

import polars as pl
from pyiceberg.io import FileIO
from pyiceberg.io.pyarrow import _read_deletes
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat

from resources.lake.data_file import PartitionKey, Source, deletes, raw
from resources.lake.layout import Layout
from resources.lake.proof import DamagedFilesError
from resources.lake.proof import names as names_of

_ROW = "\0row"
# What Iceberg lets a column become: a wider integer, float or decimal.
_PROMOTIONS = pl.ScanCastOptions._default_iceberg()


class UnsupportedFileError(DamagedFilesError):
    """A file that another engine wrote, or deletes of it, cannot be read here. Other partitions go on."""

    def __init__(self, reason: str, next_step: str, file: DataFile, partition: PartitionKey | None) -> None:
        super().__init__(reason, [file], [partition])
        self.next_step = next_step


@dataclass(frozen=True)
class Reader:
    """Reads files of one table. `options`: polars' storage options of a path."""

    layout: Layout
    io: FileIO
    options: Callable[[str], dict[str, str] | None]

    def read(self, sources: Iterable[Source]) -> pl.LazyFrame:
        """The rows of files, lazily, in the order of the files. A column that a file lacks is null.

        Raises:
            UnsupportedFileError: a file is not Parquet, or rows of it were deleted by a column that the table no longer
                has.
        """
        sources = list(sources)
        if not sources:
            return pl.LazyFrame(schema=self.layout.schema)
        by_path = {delete.file_path: delete for source in sources for delete in deletes(source)}
        positions = cache(lambda path: _read_deletes(self.io, by_path[path]))
        frames = []
        for one_by_one, some in groupby(sources, key=lambda source: bool(deletes(source))):
            if one_by_one:
                frames += [self._left(source, positions) for source in some]
            else:
                frames.append(self._scan([raw(source) for source in some]))
        return frames[0] if len(frames) == 1 else pl.concat(frames)

    def _left(self, source: Source, positions: Callable[[str], Mapping[str, Any]]) -> pl.LazyFrame:
        """The rows of a file that no delete file deletes."""
        file = raw(source)
        rows = self._scan([file], row_index=_ROW)
        found = [
            pl.Series(_ROW, positions(delete.file_path).get(file.file_path, []), pl.get_index_type(), strict=False)
            for delete in deletes(source)
            if delete.content == DataFileContent.POSITION_DELETES
        ]
        if found:
            gone = pl.concat(found).unique().to_frame().lazy()
            rows = rows.join(gone, on=_ROW, how="anti", maintain_order="left")
        for delete in deletes(source):
            if delete.content == DataFileContent.EQUALITY_DELETES:
                names = self._equal_by(delete, file)
                keys = self._scan([delete], names).unique()
                rows = rows.join(keys, on=names, how="anti", nulls_equal=True, maintain_order="left")
        return rows.drop(_ROW)

    def _equal_by(self, delete: DataFile, file: DataFile) -> list[str]:
        names = {c.field.field_id: c.name for c in self.layout.columns}
        if gone := [i for i in delete.equality_ids or () if i not in names]:
            raise UnsupportedFileError(
                f"another engine deleted rows of {names_of([file])} by columns that are dropped ({gone})",
                "rewrite the data files of that partition with that engine, so that its deletes are applied",
                file,
                self.layout.partition(file),
            )
        return [names[i] for i in delete.equality_ids or ()]

    def _scan(
        self, files: Collection[DataFile], names: Collection[str] = (), row_index: str | None = None
    ) -> pl.LazyFrame:
        if other := [file for file in files if file.file_format != FileFormat.PARQUET]:
            raise UnsupportedFileError(
                f"another engine wrote {names_of(other)} in another format than Parquet",
                "rewrite the data files of that partition as Parquet with that engine",
                other[0],
                self.layout.partition(other[0]),
            )
        layout = self.layout
        schema = pl.Schema((n, t) for n, t in layout.schema.items() if not names or n in names)
        paths = [file.file_path.removeprefix("file://") for file in files]
        return pl.scan_parquet(
            paths,
            glob=False,
            hive_partitioning=False,  # else the tenant, year, month and day of the path become columns
            schema=schema,
            row_index_name=row_index,
            missing_columns="insert",
            extra_columns="ignore",
            cast_options=_PROMOTIONS,
            storage_options=self.options(paths[0]),
            _column_mapping=("iceberg-column-mapping", layout.by_id, dict(layout.names)),
            # Only a column that may be null is filled in where a file lacks it. A delete file has only its keys.
            _default_values=None if names else ("iceberg", (layout.required, {})),
        )

"""The proof of a rewrite: what data files hold by their names, what they hold when they are read, which are damaged.

What does not belong here: writing, and what becomes of a file that is damaged.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import polars as pl
from pyiceberg.manifest import DataFile

from resources.lake.checksum import Tally, row_checksum


class DamagedFilesError(RuntimeError):
    """Data files are missing, or do not hold the rows that were written to them; the text names them."""


UNREADABLE = (pl.exceptions.ComputeError, FileNotFoundError)


@dataclass(frozen=True)
class Proof:
    """Over the files of one table: its columns, and how the files of some paths are read."""

    schema: pl.Schema
    read: Callable[[Iterable[str]], pl.LazyFrame]

    def told(self, files: Iterable[DataFile], absent: Collection[str] = ()) -> Tally:
        """What files hold: as their names say, or counted where a name does not say it."""
        told, unknown = Tally(self.schema), []
        for file in files:
            if (stamped := self._stamped(file)) is None:
                unknown.append(file.file_path)
            else:
                told += stamped
        return told + self.counted(self.read(unknown), absent) if unknown else told

    def counted(self, rows: pl.LazyFrame, absent: Collection[str] = ()) -> Tally:
        """What some rows are, of which the columns `absent` are null everywhere."""
        return self.counted_with(rows, None, absent)[0]

    def counted_with(self, rows: pl.LazyFrame, column: str | None, absent: Collection[str]) -> tuple[Tally, int]:
        """As `counted`, and how many values a column has: by their hashes, at worst too few."""
        values = (pl.lit(0) if column is None else pl.col(column).hash().n_unique()).alias("values")
        # Counted inside the engine: as frames of ours it would take a third more time, and more memory.
        found = rows.select(pl.len(), row_checksum(self.schema, absent), values).collect(engine="streaming")
        count, checksum, different = found.row(0)
        return Tally(self.schema, count, checksum), different

    def require(self, found: Tally, wanted: Tally, sources: Iterable[DataFile], path: str = "") -> None:
        """That the rows of `sources`, or of the file at `path` that was made of them, are those that were written.

        Raises:
            DamagedFilesError: they are not.
        """
        if found != wanted:
            names = self.damaged(sources) or _name(path)
            raise DamagedFilesError(f"damaged: {names}; {wanted} became {found}")

    @contextmanager
    def named(self, files: Iterable[DataFile]) -> Iterator[None]:
        """Around the reading of some files: where it fails as some are damaged or missing, the error names them.

        Raises:
            DamagedFilesError: they are.
        """
        try:
            yield
        except UNREADABLE as error:
            if damaged := self.damaged(files):
                raise DamagedFilesError(f"damaged or missing: {damaged}") from error
            raise

    def damaged(self, files: Iterable[DataFile]) -> str:
        """The names of those files that do not hold what their names say, or cannot be read."""
        return ", ".join(_name(file.file_path) for file in files if not self._is_whole(file))

    def _is_whole(self, file: DataFile) -> bool:
        told = self._stamped(file)
        try:
            found = self.counted(self.read([file.file_path]))
        except UNREADABLE:
            return False
        return told is None or told == found

    def _stamped(self, file: DataFile) -> Tally | None:
        return Tally.stamped(self.schema, file.file_path, file.record_count)


def _name(path: str) -> str:
    """With its folders below the table's: the tenant and the day."""
    return "/".join(path.split("/")[-5:])

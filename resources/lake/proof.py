"""The proof of a rewrite: the rows of data files by their names, the rows that are read, the files that are damaged.

What does not belong here: writing, and what happens to a damaged file.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import polars as pl
from pyiceberg.manifest import DataFile

from resources.lake.checksum import Tally, row_checksum
from resources.lake.data_file import Source, deletes, raw


class DamagedFilesError(RuntimeError):
    """Data files are missing, or do not hold the rows that were written to them; the message names the files."""


UNREADABLE = (pl.exceptions.ComputeError, FileNotFoundError)


@dataclass(frozen=True)
class Proof:
    """For the files of one table: its columns, and the function that reads files."""

    schema: pl.Schema
    read: Callable[[Iterable[Source]], pl.LazyFrame]

    def written(self, files: Iterable[DataFile], absent: Collection[str] = ()) -> Tally:
        """The rows that were written to files, by their names; counted for a name without a fingerprint."""
        total, unknown = Tally(self.schema), list[DataFile]()
        for file in files:
            if (tally := self._by_name(file)) is None:
                unknown.append(file)
            else:
                total += tally
        return total + self.counted(self.read(unknown), absent) if unknown else total

    def left(self, sources: Iterable[Source], absent: Collection[str] = ()) -> Tally:
        """The rows of sources: as they were written, and of those with deleted rows as they are read.

        Raises:
            DamagedFilesError: all rows of a file with deletes are not those that were written to it.
        """
        sources = list(sources)
        cut = [source for source in sources if deletes(source)]
        total = self.written((raw(source) for source in sources if not deletes(source)), absent)
        if not cut:
            return total
        files = [raw(source) for source in cut]
        self.require(self.counted(self.read(files), absent), self.written(files, absent), files)
        return total + self.counted(self.read(cut), absent)

    def counted(self, rows: pl.LazyFrame, absent: Collection[str] = ()) -> Tally:
        """The tally of some rows; the columns `absent` are null in all of them."""
        return self.counted_with(rows, None, absent)[0]

    def counted_with(self, rows: pl.LazyFrame, column: str | None, absent: Collection[str]) -> tuple[Tally, int]:
        """As `counted`, and the number of different values of a column: by their hashes, so at worst too low."""
        values = (pl.lit(0) if column is None else pl.col(column).hash().n_unique()).alias("values")
        # Inside the engine, because batch by batch it would take a third more time, and more memory.
        totals = rows.select(pl.len(), row_checksum(self.schema, absent), values).collect(engine="streaming")
        count, checksum, different = totals.row(0)
        return Tally(self.schema, count, checksum), different

    def require(self, actual: Tally, expected: Tally, sources: Iterable[DataFile], path: str = "") -> None:
        """Check the rows that were read from `sources`, or from the file at `path` that was made of them.

        Raises:
            DamagedFilesError: they are not the expected ones.
        """
        if actual != expected:
            names = self.damaged(sources) or _name(path)
            raise DamagedFilesError(f"damaged: {names}; {expected} became {actual}")

    @contextmanager
    def named(self, files: Iterable[DataFile]) -> Iterator[None]:
        """A block that reads some files. If it fails because files are damaged or missing, the error names them.

        Raises:
            DamagedFilesError: some files are damaged or missing.
        """
        try:
            yield
        except UNREADABLE as error:
            if damaged := self.damaged(files):
                raise DamagedFilesError(f"damaged or missing: {damaged}") from error
            raise

    def damaged(self, files: Iterable[DataFile]) -> str:
        """The names of the files that cannot be read, or do not hold the rows of their fingerprint."""
        return ", ".join(_name(file.file_path) for file in files if not self._is_whole(file))

    def _is_whole(self, file: DataFile) -> bool:
        expected = self._by_name(file)
        try:
            actual = self.counted(self.read([file]))
        except UNREADABLE:
            return False
        return expected is None or expected == actual

    def _by_name(self, file: DataFile) -> Tally | None:
        return Tally.from_name(self.schema, file.file_path, file.record_count)


def _name(path: str) -> str:
    """The file's name with the folders of its tenant and day."""
    return "/".join(path.split("/")[-5:])

"""The proof of a rewrite: the rows of data files by their names, the rows that are read, the files that are damaged.

What does not belong here: writing, and what happens to a damaged file.
"""

import shlex
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import polars as pl
from pyiceberg.manifest import DataFile

from resources.declined import DeclinedError
from resources.lake.checksum import Tally, row_checksum
from resources.lake.data_file import PartitionKey


class DamagedFilesError(DeclinedError):
    """Data files are missing, or do not hold the rows that were written to them; the reason names the files.

    files: those that are damaged; empty where a new file did not come back as it was written.
    """

    def __init__(self, reason: str, files: Iterable[DataFile] = ()) -> None:
        self.files = tuple(files)
        super().__init__(reason, "; ".join(map(_rebuild, sorted(self.partitions))) or "run the same again")

    @property
    def partitions(self) -> frozenset[PartitionKey]:
        """The partitions of the files."""
        return frozenset(map(PartitionKey.of, self.files))


def _rebuild(key: PartitionKey) -> str:
    return f"`clearlift lake rebuild --day {key.day} --org {shlex.quote(key.tenant)}`"


# A store that cannot be reached raises other errors of the operating system: they say nothing about files.
UNREADABLE = (pl.exceptions.PolarsError, pl.exceptions.PanicException, FileNotFoundError)


@dataclass(frozen=True)
class Proof:
    """For the files of one table: its columns, and the function that reads the files of some paths."""

    schema: pl.Schema
    read: Callable[[Iterable[str]], pl.LazyFrame]

    def written(self, files: Iterable[DataFile], absent: Collection[str] = ()) -> Tally:
        """The rows that were written to files, by their names; counted for a name without a fingerprint.

        Raises:
            DamagedFilesError: counted files have other numbers of rows than the manifests say.
        """
        total, unknown = Tally(self.schema), list[DataFile]()
        for file in files:
            if (tally := self.by_name(file)) is None:
                unknown.append(file)
            else:
                total += tally
        if not unknown:
            return total
        counted = self.counted(self._read(unknown), absent)
        self._require_rows(counted.rows, unknown)
        return total + counted

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
            files = self.damaged(sources)
            raise DamagedFilesError(f"damaged: {names(files) or _name(path)}; {expected} became {actual}", files)

    @contextmanager
    def named(self, files: Iterable[DataFile]) -> Iterator[None]:
        """A block that reads some files, which have as many rows as the manifests say. An error names damaged ones.

        Raises:
            DamagedFilesError: some files are damaged or missing.
        """
        files = list(files)
        with self.naming(files):
            if files:
                self._require_rows(int(self._read(files).select(pl.len()).collect().item()), files)
            yield

    @contextmanager
    def naming(self, files: Iterable[DataFile]) -> Iterator[None]:
        """As `named`, for a block that compares the rows with a checksum itself."""
        try:
            yield
        except UNREADABLE as error:
            if damaged := self.damaged(files):
                raise DamagedFilesError(f"damaged or missing: {names(damaged)}", damaged) from error
            raise

    def _require_rows(self, rows: int, files: Sequence[DataFile]) -> None:
        if rows != (expected := sum(file.record_count for file in files)):
            damaged = self.damaged(files)
            raise DamagedFilesError(f"damaged: {names(damaged)}; {expected} rows became {rows}", damaged)

    def damaged(self, files: Iterable[DataFile]) -> list[DataFile]:
        """The files that cannot be read, or do not hold the rows of their fingerprint, or not as many as they should.

        Each is read whole.
        """
        return [file for file in files if not self.is_whole(file)]

    def is_whole(self, file: DataFile) -> bool:
        """Whether a file can be read and holds the rows that were written to it, as far as anything says it."""
        expected = self.by_name(file)
        try:
            actual = self.counted(self._read([file]))
        except UNREADABLE:
            return False
        return actual == expected if expected is not None else actual.rows == file.record_count

    def _read(self, files: Iterable[DataFile]) -> pl.LazyFrame:
        return self.read(file.file_path for file in files)

    def by_name(self, file: DataFile) -> Tally | None:
        """The rows that were written to a file, by its name; None where the name does not say it."""
        return Tally.from_name(self.schema, file.file_path, file.record_count)


def names(files: Iterable[DataFile]) -> str:
    """The names of files with the folders of their tenant and day."""
    return ", ".join(_name(file.file_path) for file in files)


def _name(path: str) -> str:
    return "/".join(path.split("/")[-5:])

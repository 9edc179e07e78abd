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
from resources.lake.data_file import PartitionKey, Source, deletes, raw


class DamagedFilesError(DeclinedError):
    """Data files are missing, or do not hold the rows that were written to them; the reason names the files.

    files: those that are damaged; none where a new file did not come back as it was written. partitions: theirs, where
    their entries say them.
    """

    def __init__(self, reason: str, files: Iterable[DataFile], partitions: Iterable[PartitionKey | None]) -> None:
        self.files = tuple(files)
        self.partitions = frozenset(key for key in partitions if key is not None)
        super().__init__(reason, "; ".join(map(_rebuild, sorted(self.partitions))) or "`clearlift lake verify`")


def _rebuild(key: PartitionKey) -> str:
    return f"`clearlift lake rebuild --day {key.day} --org {shlex.quote(key.tenant)}`"


# A store that cannot be reached raises other errors of the operating system: they say nothing about files.
UNREADABLE = (pl.exceptions.PolarsError, pl.exceptions.PanicException, FileNotFoundError)


@dataclass(frozen=True)
class Proof:
    """For the files of one table: its columns, and the functions that read files and say the partition of one.

    `earlier`: the same for the columns before another engine added some, which older names are of. `outdated` says
    whether a file has columns that the table no longer has: what its name says is of other rows than those that are
    read, so that only their number is known.
    """

    schema: pl.Schema
    read: Callable[[Iterable[Source]], pl.LazyFrame]
    partition: Callable[[DataFile], PartitionKey | None]
    outdated: Callable[[DataFile], bool]
    earlier: "Proof | None" = None

    def written(self, files: Iterable[DataFile], absent: Collection[str] = ()) -> Tally:
        """The rows that were written to files, by their names; counted for a name without a fingerprint.

        Raises:
            DamagedFilesError: counted files have other numbers of rows than the manifests say, or other rows than
                their names say of the columns that they had.
        """
        total, unknown = Tally(self.schema), list[DataFile]()
        for file in files:
            if (tally := self.by_name(file)) is None:
                unknown.append(file)
            else:
                total += tally
        if not unknown:
            return total
        if self.earlier is not None and (older := [file for file in unknown if self.earlier.by_name(file)]):
            self.earlier.require(self.earlier.counted(self.read(older)), self.earlier.written(older), older)
        counted = self.counted(self.read(unknown), absent)
        self._require_rows(counted.rows, unknown)
        return total + counted

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
            files = self.damaged(sources)
            raise self._error(f"damaged: {names(files) or _name(path)}; {expected} became {actual}", files)

    @contextmanager
    def named(self, sources: Iterable[Source]) -> Iterator[None]:
        """A block that reads some files, which have as many rows as the manifests say. An error names damaged ones.

        Raises:
            DamagedFilesError: some files are damaged or missing.
        """
        files = [raw(source) for source in sources]
        with self.naming(files):
            if files:
                self._require_rows(int(self.read(files).select(pl.len()).collect().item()), files)
            yield

    @contextmanager
    def naming(self, files: Iterable[DataFile]) -> Iterator[None]:
        """As `named`, for a block that compares the rows with a checksum itself."""
        try:
            yield
        except UNREADABLE as error:
            if damaged := self.damaged(files):
                raise self._error(f"damaged or missing: {names(damaged)}", damaged) from error
            raise

    def refuse_damaged(self, files: Iterable[DataFile]) -> None:
        """Look at files that hold other rows than they should.

        Raises:
            DamagedFilesError: some do not hold the rows that were written to them.
        """
        if damaged := self.damaged(files):
            raise self._error(f"damaged: {names(damaged)}, which do not hold the rows that were written", damaged)

    def _require_rows(self, rows: int, files: Sequence[DataFile]) -> None:
        if rows != (expected := sum(file.record_count for file in files)):
            damaged = self.damaged(files)
            raise self._error(f"damaged: {names(damaged)}; {expected} rows became {rows}", damaged)

    def _error(self, reason: str, files: Sequence[DataFile]) -> DamagedFilesError:
        return DamagedFilesError(reason, files, map(self.partition, files))

    def damaged(self, files: Iterable[DataFile]) -> list[DataFile]:
        """The files that cannot be read, or do not hold the rows of their fingerprint, or not as many as they should.

        Each is read whole.
        """
        return [file for file in files if not self.is_whole(file)]

    def is_whole(self, file: DataFile) -> bool:
        """Whether a file can be read and holds the rows that were written to it, as far as anything says it."""
        expected = self.by_name(file)
        if expected is None and self.earlier is not None:
            return self.earlier.is_whole(file)
        try:
            actual = self.counted(self.read([file]))
        except UNREADABLE:
            return False
        return actual == expected if expected is not None else actual.rows == file.record_count

    def by_name(self, file: DataFile) -> Tally | None:
        """The rows that were written to a file, by its name; None where the name does not say it."""
        tally = Tally.from_name(self.schema, file.file_path, file.record_count)
        return None if tally is None or self.outdated(file) else tally


def names(files: Iterable[DataFile]) -> str:
    """The names of files with the folders of their tenant and day."""
    return ", ".join(_name(file.file_path) for file in files)


def _name(path: str) -> str:
    # Other writers name other folders: one for a whole day, or none.
    parts = path.split("/")[-5:]
    first = next((at for at, part in enumerate(parts) if "=" in part), -1)
    return "/".join(parts[first:])

"""What another engine is handed of a table, and the proof of what it hands back.

What belongs here: columns and places for it, and reading back what it wrote. What does not: starting it, and commits.
A file that it wrote is one of ours afterwards: its name has the fingerprint of its rows.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl
from pyarrow import fs

from resources.lake import data_file
from resources.lake.checksum import Tally
from resources.lake.contents import Rewritten, TableContents
from resources.lake.data_file import PartitionKey, Source
from resources.lake.file_system import file_system


@dataclass(frozen=True)
class Promised:
    """A rewrite that another engine makes: the place of the new file, its columns, and the rows that it must have.

    columns: by the table's names, in order, with field ids and types.
    """

    key: PartitionKey
    sources: tuple[Source, ...]
    path: str
    columns: tuple[Mapping[str, object], ...]
    expected: Tally
    absent: frozenset[str]


class Handover(TableContents):
    """A handle that hands work over."""

    def described(self, names: Iterable[str] | None = None) -> tuple[Mapping[str, object], ...]:
        """Columns as another engine has to know them: its name in the file and in frames, field id, Iceberg's type."""
        wanted = None if names is None else set(names)
        return tuple(
            {
                "name": c.name,
                "live_name": c.field.name,
                "id": c.field.field_id,
                "type": str(c.field.field_type),
                "required": c.field.required,
            }
            for c in self.layout.columns
            if wanted is None or c.name in wanted
        )

    def promised(self, key: PartitionKey, sources: Sequence[Source]) -> Promised:
        """A rewrite of `sources`, of one partition, for another engine; the rows that it must have name the file.

        Raises:
            DamagedFilesError: a source whose rows no name says is damaged.
        """
        table = self._load()
        proof, files = self._proof(table), [data_file.raw(source) for source in sources]
        with proof.naming(files):
            absent = self._null_columns(self._layout(table), files)
            expected = proof.left(sources, absent)
        columns = self.described(self._layout(table).schema.keys() - absent)
        path = self._new_location(table, key, expected)
        return Promised(key, tuple(sources), path, columns, expected, frozenset(absent))

    def proved(self, promised: Promised, distinct: str | None = None) -> Rewritten:
        """The file that another engine wrote, after it was read back and compared, as `rewrite` does with ours.

        Raises:
            DamagedFilesError: the file is missing, or its rows are not those that were written to the sources.
        """
        table = self._load()
        proof, files = self._proof(table), [data_file.raw(source) for source in promised.sources]
        with proof.naming(files):
            written = self._written(table, promised.key, promised.path)
            after, values = self._read_back(proof, written, promised.expected, files, distinct, promised.absent)
        return Rewritten(self._info(self._layout(table), written), promised.expected, after, values)

    def work_folder(self) -> str:
        """The place of a folder beside data files, for what is no data file. The sweep cleans up after a kill."""
        table = self._load()
        return f"{self._base(table)}/work-{uuid.uuid4()}"

    def rows_in(self, folder: str) -> pl.DataFrame:
        """The rows of all Parquet files of such a folder."""
        filesystem, path = file_system(self._load(), folder)
        parts = []
        for info in filesystem.get_file_info(fs.FileSelector(path)):
            if info.base_name.endswith(".parquet"):
                with filesystem.open_input_file(info.path) as file:
                    parts.append(pl.read_parquet(file.read()))
        return pl.concat(parts)

    def discard_folder(self, folder: str) -> None:
        """Remove such a folder with all that it holds."""
        filesystem, path = file_system(self._load(), folder)
        filesystem.delete_dir(path)

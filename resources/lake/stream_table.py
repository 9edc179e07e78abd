"""A lake table that another program appends to, such as Basin Pipelines, and the rows of its data files.

It has no description of ours: its columns are what it has now. What does not belong here: what the rows mean.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import polars as pl
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.expressions import AlwaysTrue
from pyiceberg.io.pyarrow import ArrowScan
from pyiceberg.manifest import DataFile
from pyiceberg.table import FileScanTask, Table

from resources.declined import DeclinedError


@dataclass(frozen=True)
class StreamTable:
    """A handle that loads the table as it is at each call."""

    name: str
    load_table: Callable[[str], Table]

    def load(self) -> Table:
        """The table as it is now.

        Raises:
            DeclinedError: there is none of that name.
        """
        try:
            return self.load_table(self.name)
        except NoSuchTableError:
            raise DeclinedError(
                f"the lake has no table {self.name}", "name one that is there: CLEARLIFT_EVENT_STREAMS__…"
            ) from None


def rows(table: Table, file: DataFile) -> Iterator[pl.DataFrame]:
    """All rows of a data file, in its order, piece by piece, with the names that the columns have now."""
    scan = ArrowScan(table.metadata, table.io, table.schema(), AlwaysTrue())
    for batch in scan.to_record_batches([FileScanTask(file)]):
        if isinstance(frame := pl.from_arrow(batch), pl.DataFrame) and frame.height:
            yield frame

"""What rows are written to: one contract over lake, D1 and Postgres.

What belongs here: the contract. What does not: which rows are written, and what else has to happen then.
"""

from collections.abc import Iterable, Sequence
from typing import Literal, Protocol

import polars as pl

from assets.rows.columns import RowColumn

Into = Literal["side", "live"]
"""The live table, or a table beside it for what is restored, made on first use."""


class Target(Protocol):
    """A table that rows are put into, patched in and deleted from, each row found by its key."""

    @property
    def name(self) -> str:
        """The table's name in its store."""

    @property
    def into(self) -> Into:
        """Whether it is the live table, or the one beside it."""

    def put(self, frames: Iterable[pl.DataFrame], columns: Sequence[RowColumn]) -> int:
        """Add the rows whose keys are not there yet; of rows with one key the first counts. The number of rows added.

        Rows become readable together, or row by row where the store has no transaction of that size.
        """

    def patch(self, frames: Iterable[pl.DataFrame], columns: Sequence[RowColumn]) -> int:
        """Set the columns that are not the key in rows whose keys are there. The number of rows found."""

    def delete(self, frames: Iterable[pl.DataFrame]) -> int:
        """Delete the rows whose keys are in the frames. The number of rows deleted.

        The frames hold the key, and the time too where a table lies in parts by time.
        """

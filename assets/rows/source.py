"""What rows are read from: one contract over lake, D1 and Postgres.

A source lists the slices of a window, with the version of each, and gives the rows of a slice as frames. What belongs
here: the contract. What does not: how the types of a store become columns; the store's own module says that.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import polars as pl

from assets.rows.columns import RowColumn
from assets.windows import Window
from resources.declined import DeclinedError


class RowsChangedError(DeclinedError):
    """The source lost or gained rows while it was read."""

    retryable = True

    def __init__(self, reason: str) -> None:
        super().__init__(reason, "run the same again")


@dataclass(frozen=True)
class RowSlice:
    """Rows that are read together: those of a window, and of one tenant where `tenant` is set.

    version: the rows are the same while this text is the same; None where only reading can show it.
    expected: the number of rows, where the store knows it before they are read.
    """

    name: str
    window: Window
    tenant: str | None = None
    version: str | None = None
    expected: int | None = None


class Source(Protocol):
    """One table, at the moment when the source was opened where the store can read one moment."""

    @property
    def columns(self) -> Sequence[RowColumn]:
        """The columns of its frames, in order."""

    @property
    def snapshot(self) -> str:
        """The moment that is read, in the store's own terms: a snapshot's id, a bookmark, a transaction's horizon."""

    def slices(self, window: Window) -> Sequence[RowSlice]:
        """The slices of a window that hold rows, in order of time; those of one tenant follow each other."""

    def read(self, slice_: RowSlice) -> Iterator[pl.DataFrame]:
        """The rows of a slice.

        Raises:
            RowsChangedError: they changed while they were read.
        """

    def close(self) -> None:
        """End what was opened for reading."""

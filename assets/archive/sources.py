"""What a quarter is read from: one interface over lake, D1 and Postgres.

A source tells which slices a quarter has, what version each has, and gives the rows of a slice as frames. Its frames
have the columns of the archive's lines; each store's own module says how its types become those.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import polars as pl

from assets.archive.lines import Column
from assets.windows import Window


class ChangedMeanwhileError(RuntimeError):
    """The source lost or gained rows while it was read: run again."""


@dataclass(frozen=True)
class Slice:
    """Rows that are read together: those of a window, and of one bucket value where `value` says so.

    version: equal to the one of another time means that the rows are the same; None means that only reading tells.
    expected: how many rows there are, where the store says so beforehand.
    """

    name: str
    window: Window
    value: str | None = None
    version: str | None = None
    expected: int | None = None


class Source(Protocol):
    """One table, as it is at the moment that the source was opened where the store can say so."""

    @property
    def columns(self) -> Sequence[Column]:
        """The columns of the archive's lines, in order."""

    @property
    def snapshot(self) -> str:
        """The moment that is read, in the store's own terms: a snapshot's id, a bookmark, a transaction's horizon."""

    def slices(self, window: Window) -> Sequence[Slice]:
        """The slices of a window that hold rows, those of one value following each other, in order of time."""

    def read(self, slice_: Slice) -> Iterator[pl.DataFrame]:
        """The rows of a slice.

        Raises:
            ChangedMeanwhileError: they changed while they were read.
        """

    def close(self) -> None:
        """End what was opened for reading."""


def text_of(column: Column) -> pl.Expr:
    """A column's value as plain text, e.g. to say whose a row is."""
    found = pl.col(column.name)
    if column.kind.value != "value":
        return found.cast(pl.String)
    # The JSON text of a text.
    return pl.when(found.str.starts_with('"')).then(found.str.json_decode(pl.String)).otherwise(found)

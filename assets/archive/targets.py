"""Where archived rows are restored to: one interface over lake, D1 and Postgres.

A target takes the rows of one bucket and makes them readable at once or, where a store has no transaction of that size,
row by row in an order that does no harm; it never adds a row whose key is there already.
"""

from collections.abc import Iterable, Sequence
from typing import Literal, Protocol

import polars as pl

from assets.archive.lines import Column

Into = Literal["side", "live"]


class Target(Protocol):
    """A table that rows are restored into."""

    @property
    def name(self) -> str:
        """What it is called in its store."""

    @property
    def into(self) -> Into:
        """Whether it is the live table, or one beside it."""

    def put(self, frames: Iterable[pl.DataFrame], columns: Sequence[Column]) -> int:
        """Add the rows whose keys are not there yet; of rows with one key the first counts. How many were added."""

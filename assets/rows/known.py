"""Which rows a table, or an archive of it, does not hold yet: rows known by their values. Pure.

A row is known by two 64-bit hashes of polars. They are the same within one process only, so both sides are hashed each
time. What belongs here: comparing. What does not: reading either side.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

SEEDS = (1, 2)
HASHES = ("a", "b")


def fingerprints(frame: pl.DataFrame, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """Two hashes a row, of all columns or of some."""
    row = pl.struct(list(columns) if columns is not None else frame.columns)
    return frame.select(row.hash(seed=seed).alias(name) for seed, name in zip(SEEDS, HASHES, strict=True))


@dataclass(frozen=True)
class KnownRows:
    """Rows that are there already; 16 bytes of memory a row."""

    rows: pl.DataFrame

    @classmethod
    def keys(cls, frames: Iterable[pl.DataFrame], key: Sequence[str]) -> "KnownRows":
        """Rows by their keys."""
        hashes = [fingerprints(frame, key) for frame in frames]
        return cls(pl.concat(hashes) if hashes else pl.DataFrame(schema=dict.fromkeys(HASHES, pl.UInt64())))

    @classmethod
    def newest(cls, revisions: Iterable[tuple[int, pl.DataFrame]], key: Sequence[str]) -> "KnownRows":
        """Rows by all their values, each as in its newest revision, because a row may change back to an old value."""
        hashes = [
            fingerprints(frame).with_columns(
                fingerprints(frame, key).rename({"a": "key a", "b": "key b"}), revision=pl.lit(revision)
            )
            for revision, frame in revisions
        ]
        if not hashes:
            return cls.keys([], key)
        rows = pl.concat(hashes)
        last = pl.col("revision") == pl.col("revision").max().over("key a", "key b")
        return cls(rows.filter(last).select(HASHES).unique())

    def with_keys(self, frame: pl.DataFrame, key: Sequence[str]) -> "KnownRows":
        """These rows and those of a frame, by their keys."""
        return KnownRows(pl.concat([self.rows, fingerprints(frame, key)]))

    def late(self, frame: pl.DataFrame, key: Sequence[str] | None = None) -> pl.DataFrame:
        """The rows of a frame that are not there, in their order. `key` is set where rows are known by their keys."""
        if self.rows.is_empty():
            return frame
        hashed = fingerprints(frame, key).with_row_index("at")
        late = hashed.join(self.rows, on=HASHES, how="anti", maintain_order="left")
        return frame if late.height == frame.height else frame[late["at"]]

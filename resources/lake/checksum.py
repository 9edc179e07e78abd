"""The row-multiset checksum: equal for the same rows in any order and layout, different when any value differs.

The hash is polars' own and may change with its version, so a checksum that is kept is kept with a mark of what it was
made by, and holds only where that is the same.
"""

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, reduce
from operator import add

import polars as pl

MODULUS = 2**64
_STAMP = re.compile(r"-([0-9a-f]{8}-[0-9a-f]{16})\.parquet$")


def row_checksum(schema: pl.Schema, absent: Collection[str] = ()) -> pl.Expr:
    """A UInt64 over all rows: columns hashed with a seed each, added by row, mixed again, summed (wrapping).

    `absent` names columns that hold nothing but nulls: their hashes are one constant, which saves a third of the work
    on events, of whose 51 columns a third are empty. A hash of the whole row as a struct says the same as this at a
    sixth of the speed (0.4 against 2.4 million rows/s).
    """
    seeds = {name: seed for seed, name in enumerate(schema)}
    constant = sum(_of_null(schema[name], seeds[name]) for name in absent) % MODULUS
    hashes = [pl.col(name).hash(seed=seed) for name, seed in seeds.items() if name not in absent]
    by_row = reduce(add, hashes, pl.lit(constant, dtype=pl.UInt64))
    return by_row.hash(seed=len(schema)).sum().alias("checksum")


@dataclass
class Tally:
    """Rows and their checksum, added up batch by batch: however the rows are cut into batches, the same."""

    schema: pl.Schema
    rows: int = 0
    checksum: int = 0

    def add(self, batch: pl.DataFrame) -> None:
        """Count a batch; a column of the schema that it lacks is null in all its rows."""
        if batch.is_empty():
            return
        filled = {column.name for column in batch if column.null_count() < batch.height}
        absent = self.schema.keys() - filled
        self.rows += batch.height
        self.checksum = (self.checksum + int(batch.select(row_checksum(self.schema, absent)).item())) % MODULUS

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.schema, self.rows + other.rows, (self.checksum + other.checksum) % MODULUS)

    def __str__(self) -> str:
        return f"{self.rows} rows with checksum {self.checksum:016x}"

    @property
    def stamp(self) -> str:
        """The checksum as the name of a data file tells it, behind the mark of what it was made by."""
        return f"{_mark(tuple(self.schema.items()))}-{self.checksum:016x}"

    @classmethod
    def stamped(cls, schema: pl.Schema, path: str, rows: int) -> "Tally | None":
        """What the name of a data file says of its rows; None where it says nothing that could be compared today."""
        found = _STAMP.search(path)
        if found is None:
            return None
        told = cls(schema, rows, int(found[1][9:], 16))
        return told if told.stamp == found[1] else None


def is_stamped(path: str) -> bool:
    """Whether the name of a data file tells a checksum, as those do that were written here."""
    return _STAMP.search(path) is not None


@cache
def _of_null(dtype: pl.DataType, seed: int) -> int:
    return int(pl.Series([None], dtype=dtype).hash(seed=seed).item())


@cache
def _mark(columns: tuple[tuple[str, pl.DataType], ...]) -> str:
    """Eight hex digits that change with the columns and with the hash of any kind of value."""
    samples = (
        "",
        "short",
        "longer than a machine word or two",
        0,
        -1,
        0.5,
        True,
        datetime(2026, 1, 1, tzinfo=UTC),
        None,
    )
    hashes = [int(pl.Series([sample]).hash(seed=1).item()) for sample in samples]
    return hashlib.sha256(f"{columns} {hashes}".encode()).hexdigest()[:8]

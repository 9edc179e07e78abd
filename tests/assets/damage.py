"""Ways to damage a data file: what a disk, a broken copy or a foreign tool makes of it. No fixtures here."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

Damage = Callable[[Path], None]


def local(path: str) -> Path:
    """The path of a data file on this machine."""
    return Path(path.removeprefix("file://"))


def _missing(path: Path) -> None:
    path.unlink()


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _overwritten(path: Path) -> None:
    """Bytes of values are others, and the footer is as it was."""
    content = bytearray(path.read_bytes())
    content[4:400] = bytes(396)
    path.write_bytes(content)


def _readable_without_our_columns(path: Path) -> None:
    rows = pq.read_metadata(path).num_rows
    pl.DataFrame({"other": range(rows)}).write_parquet(path)


def _readable_without_a_required_column(path: Path) -> None:
    table = pq.read_table(path, partitioning=None)
    pq.write_table(table.drop_columns(["event_id"]), path)


def _of_other_types(path: Path) -> None:
    rows = pl.read_parquet(path, hive_partitioning=False)
    rows.with_columns(event_id=pl.lit(7), timestamp=pl.lit("then")).write_parquet(path)


def _with_one_row(path: Path) -> None:
    table = pq.read_table(path, partitioning=None)
    pq.write_table(table.slice(0, 1), path)


def _with_a_row_more(path: Path) -> None:
    table = pq.read_table(path, partitioning=None)
    pq.write_table(table.take([*range(table.num_rows), 0]), path)


def _with_rows_of_another_day(path: Path) -> None:
    rows = pl.read_parquet(path, hive_partitioning=False)
    _rewritten(path, rows.with_columns(pl.col("timestamp") + timedelta(days=1)))


def _with_rows_of_another_organisation(path: Path) -> None:
    rows = pl.read_parquet(path, hive_partitioning=False)
    _rewritten(path, rows.with_columns(org_tag=pl.lit("other")))


def _rewritten(path: Path, rows: pl.DataFrame) -> None:
    pq.write_table(rows.to_arrow().cast(pq.read_schema(path)), path)


DAMAGES: tuple[Damage, ...] = (
    _missing,
    _cut,
    _empty,
    _overwritten,
    _readable_without_our_columns,
    _readable_without_a_required_column,
    _of_other_types,
    _with_one_row,
    _with_a_row_more,
)
# For tests that take seconds.
FEW_DAMAGES: tuple[Damage, ...] = (_missing, _readable_without_our_columns, _with_one_row)
# As many rows of the same types, which belong into another partition: roll-ups see it, because they count by partition.
OF_OTHERS: tuple[Damage, ...] = (_with_rows_of_another_day, _with_rows_of_another_organisation)


def changed_value(path: Path) -> None:
    """As many rows of the same types, of which one has another value: only a checksum tells."""
    table = pq.read_table(path, partitioning=None)
    at = table.schema.get_field_index("page_title")
    changed = pl.Series(["another", *table["page_title"].to_pylist()[1:]]).to_arrow().cast(table.schema.field(at).type)
    pq.write_table(table.set_column(at, table.schema.field(at), changed), path)

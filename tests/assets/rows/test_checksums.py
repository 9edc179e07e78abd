"""The three row checksums beside each other: the vectors of docs/checksums.md, and what sets them apart."""

import hashlib
import re
from pathlib import Path

import polars as pl

from assets.rows import lines
from assets.rows.columns import ColumnKind, RowColumn, schema
from assets.series import checksum as series
from resources.lake.checksum import Tally

PAGE = (Path(__file__).resolve().parents[3] / "docs/checksums.md").read_text()
COLUMNS = (RowColumn("id", ColumnKind.TEXT, "string"), RowColumn("n", ColumnKind.INTEGER, "integer"))
ROWS = [("a", 1), ("b", None)]


def test_the_page_has_the_vectors() -> None:
    encoded = lines.encode(pl.DataFrame(ROWS, schema=schema(COLUMNS), orient="row"), COLUMNS)
    by_hand = sum(int.from_bytes(hashlib.sha256(line).digest()[:16]) for line in encoded.splitlines()) % 2**128
    assert lines.checksum(encoded) == by_hand
    vectors = [
        f"{by_hand:032x}",
        *(series.checksum([row]) for row in ROWS),
        series.checksum(ROWS),
        series.checksum([("ü", 1.5, b"\x00\xff")]),
    ]
    assert re.findall(r"`([0-9a-f]{32})`", PAGE) == vectors
    assert series.added(*vectors[1:3]) == vectors[3]


def test_only_that_of_series_takes_a_whole_number_for_an_integer() -> None:
    assert series.checksum([(1,)]) == series.checksum([(1.0,)])
    assert lines.checksum(b"[1]\n") != lines.checksum(b"[1.0]\n")


def test_that_of_the_lake_says_what_it_was_made_by() -> None:
    frame = pl.DataFrame(ROWS, schema=schema(COLUMNS), orient="row")
    tally = Tally(frame.schema)
    tally.add(frame)
    name = f"data-{tally.fingerprint}.parquet"
    assert Tally.from_name(frame.schema, name, 2) == tally
    assert Tally.from_name(pl.Schema({"id": pl.String()}), name, 2) is None

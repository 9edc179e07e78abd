"""Where rows lie: every value has one bucket, whose name can be a folder's."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.archive.layout import bucket_of, part_name, split
from resources.r2 import checked_key

VALUES = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=70)


@given(values=st.lists(VALUES, max_size=8), buckets=st.none() | st.integers(2, 100))
def test_rows_are_split_by_value_and_every_bucket_can_be_a_folder(
    values: list[str | None], buckets: int | None
) -> None:
    frame = pl.DataFrame({"v": pl.Series(values, dtype=pl.String), "n": range(len(values))})
    parts = split(frame, pl.col("v"), buckets)
    assert sorted(n for part in parts.values() for n in part["n"]) == list(range(len(values)))
    for name, part in parts.items():
        assert part.columns == ["v", "n"]
        assert {bucket_of(v, buckets) for v in part["v"]} == {name}
        assert part["n"].is_sorted()
        checked_key(f"archive/app/table/2026Q1/{name}/{part_name('0' * 64)}")


@given(one=VALUES, other=VALUES)
def test_two_values_share_no_bucket_of_their_own(one: str | None, other: str | None) -> None:
    assert (bucket_of(one, None) == bucket_of(other, None)) == (one == other)


@pytest.mark.parametrize(
    ("value", "buckets", "name"),
    [
        ("a3f7c2", None, "a3f7c2"),
        ("a b/ü", None, "a%20b%2F%C3%BC"),
        ("..", None, "%2E%2E"),
        (None, None, "%none"),
        ("user-3", 16, "user-08"),
        ("user-3", 100, "user-24"),
    ],
)
def test_names(value: str | None, buckets: int | None, name: str) -> None:
    assert bucket_of(value, buckets) == name

"""The column's hash is mmh3's, text by text, for any lengths in any order."""

import mmh3
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from assets.rollups.murmur import hash64

texts = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), max_size=30)


def one_by_one(of: list[str]) -> list[int]:
    return [mmh3.hash64(text, signed=False)[0] for text in of]


@given(texts)
def test_any_texts_hash_as_mmh3_hashes_them(of: list[str]) -> None:
    assert hash64(pl.Series(of, dtype=pl.String)).tolist() == one_by_one(of)


def test_every_length_of_the_last_block_is_right() -> None:
    of = [("0123456789abcdef" * 5)[:length] for length in range(70)]
    assert hash64(pl.Series(of[::-1])).tolist() == one_by_one(of[::-1])


def test_more_texts_than_are_hashed_together() -> None:
    of = [f"{n:032x}" for n in range(20_000)] + ["", "ü"] + [f"{n:036x}" for n in range(20_000)]
    column = pl.concat([pl.Series(of[:7]), pl.Series(of[7:])], rechunk=False)
    assert hash64(column).tolist() == one_by_one(of)

"""Sketches: exact below K, near above, and the same in any order of merging."""

import random

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.rollups.coded import Coded
from assets.rollups.sketch import K, count, hashes, is_exact, merge, of_hashes, sketch
from tests.assets.rollups.recount import sketch_of

ids = st.lists(st.text(max_size=8) | st.integers(0, 50).map("v{}".format), max_size=40)


def numbered(first: int, end: int) -> list[str]:
    return [f"visitor-{n}" for n in range(first, end)]


@given(ids)
def test_few_ids_are_counted_exactly(given_ids: list[str]) -> None:
    made = sketch(given_ids)
    assert count(made) == len(set(given_ids))
    assert is_exact(made)
    assert made == sketch_of(given_ids)


@given(ids, ids, ids)
def test_merging_is_a_union(one: list[str], two: list[str], three: list[str]) -> None:
    a, b, c = sketch(one), sketch(two), sketch(three)
    assert merge([a, b]) == merge([b, a]) == sketch(one + two)
    assert merge([merge([a, b]), c]) == merge([a, merge([b, c])]) == merge([a, b, c])
    assert merge([a, a]) == a == merge([a])
    assert merge([a, sketch([])]) == a
    assert count(merge([a, b, c])) == len({*one, *two, *three})


@given(ids)
def test_hashes_of_a_column_make_the_same_sketch(given_ids: list[str]) -> None:
    coded = Coded.of(pl.Series("ids", given_ids, dtype=pl.String))
    assert [coded.texts[code] for code in coded.codes] == given_ids
    assert coded.texts.n_unique() == coded.texts.len() == len(set(given_ids))
    assert of_hashes(hashes(coded)) == sketch(given_ids)


def test_nothing_is_none() -> None:
    assert merge([]) == sketch([]) == b""
    assert count(b"") == 0
    assert is_exact(b"")


@pytest.mark.parametrize("n", [K - 1, K, K + 1])
def test_exactness_ends_at_k(n: int) -> None:
    made = sketch(numbered(0, n))
    assert is_exact(made) == (n < K)
    assert len(made) == 8 * min(n, K)
    if n < K:
        assert count(made) == n
    else:
        assert abs(count(made) - n) < 0.04 * n


@pytest.mark.parametrize("seed", range(4))
def test_many_ids_are_estimated_within_four_per_cent(seed: int) -> None:
    chance = random.Random(seed)
    many = [f"{chance.getrandbits(128):032x}" for _ in range(50_000)]
    made = sketch(many)
    assert made == sketch_of(many)
    assert abs(count(made) - 50_000) < 0.04 * 50_000


def test_above_k_merging_is_still_a_union_whatever_the_order() -> None:
    parts = [numbered(start, start + 6_000) for start in range(0, 30_000, 3_000)]
    sketches = [sketch(part) for part in parts]
    whole = sketch({i for part in parts for i in part})
    assert merge(sketches) == merge(reversed(sketches)) == whole
    assert merge([merge(sketches[:4]), merge(sketches[3:])]) == whole
    assert merge([whole, whole, sketches[0]]) == whole

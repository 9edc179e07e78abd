"""Cutting into chunks: nothing is lost, the order stays, and no chunk is larger than it may be."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from resources.chunks import chunked, chunked_by_size


@given(st.lists(st.integers(1, 9)), st.integers(1, 12), st.none() | st.integers(1, 4))
def test_chunks_hold_all_items_within_their_limits(sizes: list[int], most_size: int, most: int | None) -> None:
    chunks = list(chunked_by_size(sizes, int, most_size=most_size, most=most))
    assert [size for chunk in chunks for size in chunk] == sizes
    assert all(0 < len(chunk) <= (most or len(sizes)) for chunk in chunks)
    assert all(sum(chunk) <= most_size or len(chunk) == 1 for chunk in chunks)
    for chunk, following in itertools.pairwise(chunks):
        assert len(chunk) == most or sum(chunk) + following[0] > most_size, "a chunk is as full as it can be"


def test_chunks_by_number_are_cut_lazily() -> None:
    numbers = iter(range(5))
    chunks = chunked(numbers, 2)
    assert next(chunks) == [0, 1]
    assert next(numbers) == 3
    assert list(chunks) == [[2, 4]]

"""Numbers in words: one of a thing is no plural, with or without a verb."""

import pytest

from resources.counts import counted, listed


@pytest.mark.parametrize(
    ("number", "words", "said"),
    [
        (0, ("row",), "0 rows"),
        (1, ("row",), "1 row"),
        (1_200, ("row",), "1,200 rows"),
        (1, ("batch", "batches"), "1 batch"),
        (2, ("batch", "batches"), "2 batches"),
        (1, ("event waits", "events wait"), "1 event waits"),
        (3, ("event waits", "events wait"), "3 events wait"),
    ],
)
def test_one_is_singular_and_all_else_plural(number: int, words: tuple[str, ...], said: str) -> None:
    assert counted(number, *words) == said


def test_a_list_says_how_many_it_leaves_out() -> None:
    assert listed(["a", "b"], 2) == "a, b"
    assert listed(["a", "b", "c", "d"], 2, "; ") == "a; b and 2 more"
    assert listed([], 2) == ""

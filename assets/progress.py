"""How a long job reports its progress: by a call of a function with (done, total)."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

Progress = Callable[[int, int], None]
T = TypeVar("T")


def silent(_done: int, _total: int) -> None:
    """Reports nothing."""


def reported(items: Sequence[T], progress: Progress) -> Iterator[T]:
    """The items in order. Progress is reported before each of them and after the last."""
    for done, item in enumerate(items):
        progress(done, len(items))
        yield item
    progress(len(items), len(items))

"""Cutting of many items into lists that a service takes in one request."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def chunked(items: Iterable[Item], most: int) -> Iterator[list[Item]]:
    """Lists of at most `most` items, in their order; never an empty list."""
    return chunked_by_size(items, lambda _: 1, most=most, most_size=most)


def chunked_by_size(
    items: Iterable[Item], size: Callable[[Item], int], *, most_size: int, most: int | None = None
) -> Iterator[list[Item]]:
    """Lists of at most `most` items and of `most_size` together, by `size`. A larger item gets a list of its own."""
    chunk: list[Item] = []
    total = 0
    for item in items:
        item_size = size(item)
        if chunk and (len(chunk) == most or total + item_size > most_size):
            yield chunk
            chunk, total = [], 0
        chunk.append(item)
        total += item_size
    if chunk:
        yield chunk

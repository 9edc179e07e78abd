"""Work on many small things at once, because each waits for a store most of its time. Bounded, and in order. Pure.

What does not belong here: what is done.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

AT_ONCE = 8
SMALL_BYTES = 4 * 1024 * 1024
"""What is larger is worked on alone, so that memory stays bounded."""

T = TypeVar("T")
R = TypeVar("R")


def at_once(work: Callable[[T], R], things: Iterable[T]) -> Iterator[R]:
    """The results in the order of the things. An error comes in its place, after what had begun has ended."""
    with ThreadPoolExecutor(AT_ONCE) as threads:
        begun: deque[Future[R]] = deque()
        try:
            for thing in things:
                if len(begun) == 2 * AT_ONCE:
                    yield begun.popleft().result()
                begun.append(threads.submit(work, thing))
            while begun:
                yield begun.popleft().result()
        finally:
            for future in begun:
                future.cancel()

"""A process that dies at one of its calls of a store. No fixtures here."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch


class Killed(BaseException):
    """The end of a process, as far as one process can be its own witness."""


@contextmanager
def dying_at(owner: Any, name: str, call: int, moment: str = "after") -> Iterator[None]:
    """Die at the call of this number of a method of a class or an object, before or after it did its work."""
    real: Callable[..., Any] = getattr(owner, name)
    calls = iter(range(1, call + 1))

    def counted(*args: Any, **kwargs: Any) -> Any:
        is_last = next(calls, None) == call
        if is_last and moment == "before":
            raise Killed
        result = real(*args, **kwargs)
        if is_last:
            raise Killed
        return result

    with patch.object(owner, name, counted):
        yield

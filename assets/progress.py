"""How a long job tells of its advance: a function of (done, total)."""

from collections.abc import Callable

Progress = Callable[[int, int], None]


def silent(_done: int, _total: int) -> None:
    """Tells nobody."""

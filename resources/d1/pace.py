"""The pace of long jobs in a D1: small steps with a rest after each, because the database has one writer at a time."""

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


class Pace:
    """Uses at most `share` of the time (above 0, at most 1; ValueError for any other) and leaves the rest to others."""

    def __init__(
        self,
        share: float = 0.5,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not 0 < share <= 1:
            raise ValueError(f"the share of the time must be above 0 and at most 1, not {share}")
        self._share = share
        self._clock = clock
        self._sleep = sleep

    def step(self, work: Callable[[], Value]) -> Value:
        """Do one step, then rest in proportion to the time that it took; returns the value of `work`."""
        started = self._clock()
        value = work()
        rest = (self._clock() - started) * (1 - self._share) / self._share
        if rest > 0:
            self._sleep(rest)
        return value

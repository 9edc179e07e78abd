"""Pacing of long jobs in small steps: a database with one writer is left to others for as long as each step took."""

import time
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")


class Pace:
    """Takes at most `share` of the time for itself. Clock and sleep are for tests."""

    def __init__(
        self,
        share: float = 0.5,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not 0 < share <= 1:
            raise ValueError(f"a share of the time lies above 0 and at most at 1, not {share}")
        self._share = share
        self._clock = clock
        self._sleep = sleep

    def step(self, act: Callable[[], Answer]) -> Answer:
        """Do one step, then rest."""
        started = self._clock()
        answer = act()
        rest = (self._clock() - started) * (1 - self._share) / self._share
        if rest > 0:
            self._sleep(rest)
        return answer

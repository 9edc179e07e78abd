"""Time that passes only during sleeps, so that tests of waiting do not wait."""

import threading


class Waits:
    """A clock and a sleep, in seconds. slept: every sleep, in order."""

    def __init__(self, start: float = 1_000.0) -> None:
        self.now = start
        self.slept: list[float] = []
        self._lock = threading.Lock()

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.now += seconds
            self.slept.append(seconds)

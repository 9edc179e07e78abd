"""The sandbox's clock: another clock, moved by as much as a test or an operator asks for.

What does not belong here: what happens at a time (`world`).
"""

from collections.abc import Callable
from datetime import datetime, timedelta


class SandboxClock:
    """The given clock plus a shift, which is zero at first."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._shift = timedelta()

    def __call__(self) -> datetime:
        return self._clock() + self._shift

    def advance(self, by: timedelta) -> None:
        self._shift += by

    def set(self, now: datetime) -> None:
        """Show `now`, which needs a time zone."""
        self._shift += now - self()

"""Imported by every Python process of a deployment under a faster clock: its long waits are as long by that clock.

Dagster's scheduler waits until the next minute of the day, and is called dead after five minutes without a sign.
"""

import os
import threading

SHORT_SECONDS = 5.0
RATE = float(os.environ["FASTER_CLOCK"].split()[2])


class Event(threading.Event):
    """As Python's own, but for long waits."""

    def wait(self, timeout: float | None = None) -> bool:
        return super().wait(timeout if timeout is None else min(timeout, max(SHORT_SECONDS, timeout / RATE)))


threading.Event = Event  # type: ignore[misc]

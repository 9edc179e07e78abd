"""Waiting for a platform's own job: as long as it makes progress, and an error when it does not.

A slow job is not given up early, because a new one would start at the end of the queue. What does not belong here: the
names of a job's states at one platform.
"""

from collections.abc import Callable
from dataclasses import dataclass

from resources.ad_platforms.records import PlatformError

FIRST_WAIT, LONGEST_WAIT = 0.2, 30.0
STILL_SECONDS = 1_800.0
"""A job is given up when its state has not changed for this time."""
LONGEST_SECONDS = 6 * 3_600.0


@dataclass(frozen=True)
class Progress:
    """The state of a job: whether it is done, and a text that changes with its progress."""

    done: bool
    state: str


def wait_for(look: Callable[[], Progress], sleep: Callable[[float], None], name: str) -> None:
    """Call `look` until the job is done. A job without progress is a PlatformError, never taken for 'no data'."""
    wait, waited, still = FIRST_WAIT, 0.0, 0.0
    before = None
    while not (progress := look()).done:
        if progress.state != before:
            before, still = progress.state, 0.0
        if still > STILL_SECONDS or waited > LONGEST_SECONDS:
            raise PlatformError("job_stalled", f"{name} made no progress: {progress.state}")
        sleep(wait)
        waited += wait
        still += wait
        wait = min(LONGEST_WAIT, wait * 2)

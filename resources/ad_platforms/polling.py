"""Waiting for a platform's own job: patient while it moves, an error when it does not.

A slow job is judged by its progress: one that is killed and asked for again starts at the end of the queue. What does
not belong here: what a platform calls a job's states.
"""

from collections.abc import Callable
from dataclasses import dataclass

from resources.ad_platforms.records import PlatformError

FIRST_WAIT, LONGEST_WAIT = 0.2, 30.0
STILL_SECONDS = 1_800.0
"""A job whose state has not changed for so long is given up."""
LONGEST_SECONDS = 6 * 3_600.0


@dataclass(frozen=True)
class Progress:
    """One look at a job: whether it is done, and a text that changes while it moves."""

    done: bool
    state: str


def wait_for(look: Callable[[], Progress], sleep: Callable[[float], None], name: str) -> None:
    """Look until the job is done; raises PlatformError when it stands still. Never takes that for 'no data'."""
    wait, waited, still = FIRST_WAIT, 0.0, 0.0
    before = None
    while not (found := look()).done:
        if found.state != before:
            before, still = found.state, 0.0
        if still > STILL_SECONDS or waited > LONGEST_SECONDS:
            raise PlatformError("job_stalled", f"{name} made no progress: {found.state}")
        sleep(wait)
        waited += wait
        still += wait
        wait = min(LONGEST_WAIT, wait * 2)

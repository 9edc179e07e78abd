"""When to ask again for what was asked for before: not while a run is open, more rarely after each failure. Pure.

Dagster bars a run key for ever, that of a failed run too; so requests have none, and this decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

# A try that failed because a process or a store was away for a moment is made again within two minutes.
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=1)
# So many tries say how long to wait: after seven failures the pause is the longest.
TRIES = 7
ZERO = timedelta(0)


class Ended(Enum):
    """How a try stands."""

    OPEN = auto()
    SUCCEEDED = auto()
    FAILED = auto()


@dataclass(frozen=True)
class Try:
    """One run for a request: how it ended, when it was asked for, and the state that had made the request due."""

    ended: Ended
    asked_at: datetime
    state: str = ""


def due(tries: Sequence[Try], state: str, now: datetime, *, once: bool = False) -> bool:
    """Whether to ask for a run, from the last tries for the same, newest first (TRIES of them are enough).

    After a success: at once where the state is another; never again for the same state with `once`; else after
    LONGEST_PAUSE. After failures: FIRST_PAUSE after the first was asked for, twice as long after each further one, at
    most LONGEST_PAUSE. In every state, because each further batch would else bring a further failure.
    """
    if not tries:
        return True
    last = tries[0]
    waited = now - last.asked_at
    if last.ended is Ended.OPEN:
        return False
    if last.ended is Ended.SUCCEEDED:
        if last.state != state:
            return True
        pause = timedelta.max if once else LONGEST_PAUSE
    else:
        failures = next((n for n, one in enumerate(tries) if one.ended is not Ended.FAILED), len(tries))
        pause = min(FIRST_PAUSE * 2 ** (failures - 1), LONGEST_PAUSE)
    # A try of the future was asked for by a clock that was wrong: it must not bar the request until then.
    return waited >= pause or (waited < ZERO and pause < timedelta.max)

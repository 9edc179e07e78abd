"""What is wrong, as data, and how a room registers a look for it. Pure.

A room says its own findings: `health.py` beside its capability gives its checks, and Capability.health carries them.
What belongs here: the vocabulary. What does not: looking, remembering and telling (assets/health).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

ZERO = timedelta(0)
NOTHING_WRONG = "Nothing is wrong."
NOTHING_RAN = "Nothing ran yet, and nothing was due. Next: clearlift ui, which runs the schedules, or clearlift run."
"""Said in its place where no run was ever made, because then nothing is known to work."""


class Severity(StrEnum):
    """WARNING: somebody should look within days. CRITICAL: numbers are wrong or missing, or will be within hours."""

    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    subject: whom or what it concerns, such as an asset or a store. It tells the findings of one check apart, so it
    stays the same from look to look. message: one sentence with its figures, free of personal values. command: the one
    command that ends it. since: since when, where that is known; else since the first look that found it. passes: the
    next look may find it gone, as with a store that did not answer once; so the alert comes from the second look on.
    """

    subject: str
    message: str
    command: str
    severity: Severity = Severity.WARNING
    since: datetime | None = None
    passes: bool = False


@dataclass(frozen=True)
class HealthCheck:
    """A look of an app at one kind of thing: `looks` gives what is wrong at a moment (UTC), nothing where all is well.

    name: with the app's it is the key, together with the finding's subject. needs: the stores that it asks, by the
    names that `clearlift doctor` prints; while one of them cannot be reached, the look is left out and what it found
    before stays. patience: how long a thing must be so before it is a finding, where it usually passes by itself.
    every: how rarely it looks, where a look is costly. covers: names of asset checks about the same thing, which are
    then no findings of their own.
    """

    app: str
    name: str
    looks: Callable[[datetime], Iterable[Finding]]
    needs: tuple[str, ...] = ("postgres schema",)
    patience: timedelta = ZERO
    every: timedelta = ZERO
    covers: tuple[str, ...] = ()

"""What an alert says, when it may be sent, and by which key a receiver knows it. Pure.

What belongs here: texts and times. What does not: rows and receivers (alerts.py, receivers.py).
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from assets.finding import Severity

RESOLVED = "resolved"
NAMED = 20
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)


@dataclass(frozen=True)
class News:
    """What is new of one finding. state: a severity, or `resolved`."""

    app: str
    name: str
    subject: str
    state: str
    message: str
    command: str
    since: datetime

    @property
    def line(self) -> str:
        """What people read."""
        what = f"{self.state.upper()} {self.app}/{self.name}: {self.subject}"
        if self.state == RESOLVED:
            return f"{what}. It began {self.since:%Y-%m-%d %H:%M} UTC."
        return f"{what}: {self.message}. Since {self.since:%Y-%m-%d %H:%M} UTC. Next: {self.command}"


@dataclass(frozen=True)
class Alert:
    """One message. key: the same for the same news, so that a receiver knows what comes twice."""

    key: str
    title: str
    body: str
    severity: Severity


@dataclass(frozen=True)
class QuietHours:
    """Hours of a day in UTC, [first, last), in which only critical findings are sent; they may pass midnight."""

    first: int
    last: int

    @classmethod
    def parse(cls, text: str) -> "QuietHours":
        """Of a text such as `22-7`.

        Raises:
            ValueError: it is none.
        """
        first, dash, last = text.partition("-")
        hours = [int(hour) for hour in (first, last) if hour.strip().isdecimal()]
        if not dash or len(hours) != 2 or not all(0 <= hour < 24 for hour in hours) or hours[0] == hours[1]:
            raise ValueError("two hours of UTC are expected, such as 22-7")
        return cls(*hours)

    def at(self, moment: datetime) -> bool:
        """Whether a moment (UTC) is within them."""
        return (moment.hour - self.first) % 24 < (self.last - self.first) % 24


def composed(news: Sequence[News]) -> Alert:
    """One message of all that is new."""
    counts = Counter(one.state for one in news)
    parts = [f"{counts[state]} {state}" for state in (*reversed(Severity), RESOLVED) if counts[state]]
    lines = [one.line for one in news[:NAMED]]
    if len(news) > NAMED:
        lines.append(f"and {len(news) - NAMED:,} more: clearlift status")
    named = "\n".join(f"{one.app}/{one.name}/{one.subject}/{one.state}/{one.since.isoformat()}" for one in news)
    key = hashlib.sha256(named.encode()).hexdigest()[:16]
    severity = Severity.CRITICAL if counts[Severity.CRITICAL] else Severity.WARNING
    return Alert(key, f"ClearLift Pipelines: {', '.join(parts)}", "\n".join([*lines, f"Alert {key}"]), severity)


def pause(tries: int) -> timedelta:
    """How long to wait after so many failed tries."""
    doubled: timedelta = FIRST_PAUSE * 2 ** min(tries, 10)
    return min(doubled, LONGEST_PAUSE)

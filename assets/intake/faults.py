"""What of an intake is wrong: landed objects that wait for too long, and more refused lines than usual. Pure.

What does not belong here: how an intake knows which wait, and which are refused (health.py of its room).
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from assets.finding import Finding, Severity
from assets.thresholds import Thresholds
from resources.counts import counted

LATELY = timedelta(days=1)
"""Refused lines of this time are compared with the received ones."""


class Waiting(Protocol):
    """An object that landed."""

    @property
    def size(self) -> int: ...
    @property
    def last_modified(self) -> datetime: ...


def waits(
    objects: Collection[Waiting], longest: timedelta, asset: str, command: str, now: datetime
) -> Iterator[Finding]:
    """A finding where the oldest of the objects waits for longer. asset: what takes them."""
    oldest = min((one.last_modified for one in objects), default=now).astimezone(UTC)
    if now - oldest > longest:
        size = sum(one.size for one in objects) / 2**20
        said = f"{counted(len(objects), 'landed batch', 'landed batches')} ({size:,.1f} MiB) and the oldest waits"
        yield Finding(asset, f"{said} too long", command, Severity.CRITICAL, oldest)


def refused(
    row: Mapping[str, Any], since: datetime, limits: Thresholds, replay: str, subject: str
) -> Iterator[Finding]:
    """A finding where more lines are refused than usual. row: received and refused lines, and the reason of most.

    since: when the first of them was refused. replay: the command that lands lines of an app again.
    """
    lines, received = row["refused"], row["received"]
    if lines >= limits.refused_lines and lines > limits.refused_share * received:
        said = f"{lines:,} of {counted(received, 'line')} of a day are refused, most of them as {row['reason']}"
        yield Finding(subject, said, f"{replay} --reason {row['reason']}", since=since)

"""Which snapshots stay and why, and how long a file that nothing names stays. Pure.

The needs of readers, roll-ups and ingest come in as data. The age of a snapshot counts from when another took its
place, because until then a reader may begin to read it. What does not belong here: expiring and removing.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from resources.declined import DeclinedError

# Dagster ends a run after two hours (dagster.yaml, max_runtime_seconds).
LONGEST_RUN = timedelta(hours=2)
GRACE_HOURS = 24.0
MOST_GRACE = timedelta(days=366)


class Snapshot(Protocol):
    """A commit that can be read. `until` is when another took its place, None for the last; `refs` point to it."""

    @property
    def id(self) -> int: ...
    @property
    def until(self) -> datetime | None: ...
    @property
    def commit_id(self) -> str | None: ...
    @property
    def refs(self) -> Collection[str]: ...


@dataclass(frozen=True)
class SnapshotPolicy:
    """How many snapshots stay.

    readers: snapshots in use within this time stay, however many they are. age: those in use within this time stay
    while there are at most `at_most` in all. at_least: so many of the latest always stay. Few are wanted, because every
    commit copies the metadata of all: 39 ms at 176 snapshots.
    """

    readers: timedelta = LONGEST_RUN
    age: timedelta = timedelta(hours=24)
    at_least: int = 10
    at_most: int = 150

    def __post_init__(self) -> None:
        if self.readers < LONGEST_RUN:
            raise ValueError(f"readers of {self.readers} is less than the longest run, {LONGEST_RUN}")
        if not 1 <= self.at_least <= self.at_most:
            raise DeclinedError(
                f"at_least {self.at_least} is not between 1 and at_most {self.at_most}", "give numbers that agree"
            )


@dataclass(frozen=True)
class Needs:
    """The snapshots that others still need.

    cursor: the last one that the roll-ups followed, None where they followed none. unsettled: the ids of commits that
    are not known to have landed. audited: those from which recent windows would be counted again. is_followed: whether
    roll-ups follow the table at all.
    """

    cursor: int | None
    unsettled: Collection[str] = ()
    audited: Collection[int] = ()
    is_followed: bool = True


def kept(snapshots: Sequence[Snapshot], policy: SnapshotPolicy, needs: Needs, now: datetime) -> dict[int, str]:
    """The ids of the snapshots that stay, each with the first rule that keeps it. `snapshots` are the oldest first."""
    none = 0 if needs.is_followed else len(snapshots)
    followed = next((i for i, s in enumerate(snapshots) if s.id == needs.cursor), none)
    keep = {s.id: need for s in snapshots[:followed] if (need := _need(s, policy, needs, now))}
    keep |= {s.id: "not followed by the roll-ups" for s in snapshots[followed:]}
    for snapshot in snapshots[-policy.at_least :]:
        keep.setdefault(snapshot.id, "among the youngest")
    for snapshot in reversed(snapshots):
        if len(keep) >= policy.at_most:
            break
        if snapshot.id not in keep and _used_since(snapshot, now - policy.age):
            keep[snapshot.id] = "young"
    return keep


def grace(hours: float) -> timedelta:
    """How long a file stays that no snapshot names.

    Raises:
        DeclinedError: not longer than the longest run, whose files it could remove, or longer than MOST_GRACE.
    """
    least, most = (bound / timedelta(hours=1) for bound in (LONGEST_RUN, MOST_GRACE))
    if not least < hours <= most:
        raise DeclinedError(
            f"grace_hours {hours:g} is not above the longest run, {least:g} hours (its files could be removed), "
            f"and at most {most:g}",
            "give hours between these two",
        )
    return timedelta(hours=hours)


def _need(snapshot: Snapshot, policy: SnapshotPolicy, needs: Needs, now: datetime) -> str | None:
    if snapshot.refs:
        return "branch or tag"
    if _used_since(snapshot, now - policy.readers):
        return "may be read"
    if snapshot.commit_id is not None and snapshot.commit_id in needs.unsettled:
        return "unsettled ingest"
    return "audit of roll-ups" if snapshot.id in needs.audited else None


def _used_since(snapshot: Snapshot, start: datetime) -> bool:
    return snapshot.until is None or snapshot.until > start

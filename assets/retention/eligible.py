"""What of an entry's rows may go by its policy alone. Pure.

What belongs here: ages, and conditions that nobody proves. What does not: proving a condition.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from assets.apps.lifecycle import CONDITIONS, Condition, Lifecycle
from assets.archive.quarters import Quarter
from assets.windows import midnight


@dataclass(frozen=True)
class Due:
    """Rows of an entry whose time lies before `before` (exclusive; a UTC midnight) are old enough to go.

    unproved: conditions of the entry that the deleter has no proof of; where there is one, nothing may go.
    """

    entry: Lifecycle
    before: datetime
    unproved: tuple[Condition, ...] = ()

    @property
    def why_not(self) -> str:
        """Why nothing may go, in words; empty where rows may."""
        if not self.unproved:
            return ""
        return f"nobody proves that {'; '.join(CONDITIONS[name] for name in self.unproved)}"


def due(entry: Lifecycle, now: datetime, proved: Collection[Condition]) -> Due:
    """What of an entry may go at `now`; `proved` are the conditions that its deleter proves of each row or window.

    Raises:
        ValueError: the entry is kept.
    """
    if entry.delete_after_days is None:
        raise ValueError(f"{entry.store} {entry.name} is never deleted: {entry.kept}")
    before = midnight((now.astimezone(UTC) - timedelta(days=entry.delete_after_days)).date())
    quarter = Quarter.of(before.date())
    if entry.archive is not None and not quarter.is_due(now, entry.archive.after_days):
        # Of a quarter that is not archived yet nothing may go, and nothing is late either.
        before = quarter.window.start
    return Due(entry, before, tuple(name for name in entry.requires if name not in proved))

"""Which rows of an entry may go by its policy alone. Pure.

What belongs here: ages, and conditions that nothing proves. What does not: proving a condition.
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

    unproved: conditions of the entry that nothing proves; where there is one, no row may go.
    """

    entry: Lifecycle
    before: datetime
    unproved: tuple[Condition, ...] = ()

    @property
    def why_not(self) -> str:
        """Why no row may go, in words; empty where rows may."""
        if not self.unproved:
            return ""
        return f"nobody proves that {'; '.join(CONDITIONS[name] for name in self.unproved)}"


def due(entry: Lifecycle, now: datetime, proved: Collection[Condition]) -> Due:
    """Which rows of an entry may go at `now`. `proved` are the conditions that are proved of each row or window.

    Raises:
        ValueError: the entry is kept.
    """
    if entry.delete_after_days is None:
        raise ValueError(f"{entry.store} {entry.name} is never deleted: {entry.kept}")
    before = midnight((now.astimezone(UTC) - timedelta(days=entry.delete_after_days)).date())
    quarter = Quarter.of(before.date())
    if entry.archive is not None and not quarter.is_due(now, entry.archive.after_days):
        # No row of a quarter that is not archived yet may go, and none of it is late either.
        before = quarter.window.start
    return Due(entry, before, tuple(name for name in entry.requires if name not in proved))

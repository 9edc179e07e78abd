"""The daily rows of an account in a fixed order, readable from any row on, so that a server can serve them by page.

Rows are computed day by day. Between pages only the number of rows of each day is kept. What does not belong here: how
a platform names a page or a cursor.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import islice

from sandbox.world.entities import Account, Level
from sandbox.world.world import Row, World, moment

_COUNTS = 50_000  # a few MB


@dataclass(frozen=True, slots=True)
class Query:
    """The daily rows of one account at one level, from `since` to `until` (both included), as known at `at`.

    gone: only those of entities that are removed, or below a removed one (True), or only all others (False).
    """

    account: Account
    level: Level
    since: date
    until: date
    at: datetime
    gone: bool | None = None


class Series:
    """Counts and reads the rows of queries over a world. All pages of a server share one Series, and its counts."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._count = lru_cache(maxsize=_COUNTS)(self._compute_count)

    def count(self, query: Query) -> int:
        return sum(self._count_of(query, day) for day in days(query.since, query.until))

    def slice(self, query: Query, start: int, size: int | None = None) -> Iterator[Row]:
        """`size` rows from row `start` (from 0) on, or all the rest."""
        return islice(self._from(query, start), size)

    def _from(self, query: Query, start: int) -> Iterator[Row]:
        for day in days(query.since, query.until):
            if start and start >= (count := self._count_of(query, day)):
                start -= count
                continue
            yield from self._rows(query.account, query.level, day, query.at, query.gone)[start:]
            start = 0

    def _count_of(self, query: Query, day: date) -> int:
        # Nothing changes within an hour, so that a request counts what an earlier one counted.
        hour = query.at.replace(minute=0, second=0, microsecond=0)
        return self._count(query.account, query.level, day, hour, query.gone)

    def _compute_count(self, account: Account, level: Level, day: date, at: datetime, gone: bool | None) -> int:
        return len(self._rows(account, level, day, at, gone))

    def _rows(self, account: Account, level: Level, day: date, at: datetime, gone: bool | None) -> Sequence[Row]:
        rows = self._world.rows(account, level, day, moment(account, at))
        return rows if gone is None else [row for row in rows if row.is_gone(at) is gone]


def days(since: date, until: date) -> Iterator[date]:
    """Every day from `since` to `until`, both included."""
    for offset in range((until - since).days + 1):
        yield since + timedelta(days=offset)

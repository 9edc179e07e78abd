"""The daily rows of an account in a fixed order, readable from any row on, so that a server can serve them by page.

Rows are computed day by day. Between pages only the number of rows of each day is kept. What does not belong here: how
a platform names a page or a cursor.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice

from sandbox.world.entities import Account, Level
from sandbox.world.facts import NOTHING
from sandbox.world.world import Moment, Row, World, moment

Identity = tuple[int, int, int]
_LARGEST_MEMORY = 50_000  # counts: a few MB, and a lost count is cheap to compute again


@dataclass(frozen=True, slots=True)
class Query:
    """The daily rows of one account at one level, from `since` to `until` (both included), as known at `at`."""

    account: Account
    level: Level
    since: date
    until: date
    at: datetime


class Series:
    """Counts and reads the rows of queries over a world. All pages of a server share one Series, and its counts."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._counts: dict[tuple[str, str, Level, date, Moment], int] = {}

    def count(self, query: Query) -> int:
        at = moment(query.account, query.at)
        return sum(self._count(query, day, at) for day in days(query.since, query.until))

    def slice(self, query: Query, start: int, size: int | None = None) -> Iterator[Row]:
        """`size` rows from row `start` (from 0) on, or all the rest."""
        return islice(self._from(query, start), size)

    def _from(self, query: Query, start: int) -> Iterator[Row]:
        at = moment(query.account, query.at)
        for day in days(query.since, query.until):
            if start and start >= self._count(query, day, at):
                start -= self._count(query, day, at)
                continue
            yield from self._rows(query, day, at)[start:]
            start = 0

    def _count(self, query: Query, day: date, at: Moment) -> int:
        count = self._counts.get(_name(query, day, at))
        return len(self._rows(query, day, at)) if count is None else count

    def _rows(self, query: Query, day: date, at: Moment) -> tuple[Row, ...]:
        rows = self._world.rows(query.account, query.level, day, at)
        if len(self._counts) > _LARGEST_MEMORY:
            self._counts.clear()
        self._counts[_name(query, day, at)] = len(rows)
        return rows


def _name(query: Query, day: date, at: Moment) -> tuple[str, str, Level, date, Moment]:
    return query.account.platform, query.account.id, query.level, day, at


def totals(rows: Iterable[Row]) -> list[Row]:
    """One row for each entity, with the sum of all its rows, in the order in which the entities first appear."""
    sums: dict[Identity, Row] = {}
    for row in rows:
        name = identity(row)
        before = sums[name].fact if name in sums else NOTHING
        sums[name] = row._replace(fact=before.plus(row.fact))
    return list(sums.values())


def identity(row: Row) -> Identity:
    """The ids of the entity that a row describes, with zeros below its level."""
    return (
        row.campaign.id if row.campaign else 0,
        row.ad_group.id if row.ad_group else 0,
        row.keyword.id if row.keyword else 0,
    )


def days(since: date, until: date) -> Iterator[date]:
    """Every day from `since` to `until`, both included."""
    for offset in range((until - since).days + 1):
        yield since + timedelta(days=offset)

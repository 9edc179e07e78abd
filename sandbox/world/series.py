"""A run of an account's daily rows that can be entered at any place, so that a server can page through it.

Rows are computed day by day; between pages only the number of rows a day had is remembered. What does not belong
here: what a page is called or how its cursor looks.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice

from sandbox.world.entities import Account, Level
from sandbox.world.facts import NOTHING
from sandbox.world.world import Moment, Row, World

Identity = tuple[int, int, int]
_COUNTS_KEPT = 50_000  # a few MB; a count is cheap to make again


@dataclass(frozen=True, slots=True)
class Query:
    """Which rows: the days from `since` to `until` (both included) of one account at one level, as known `at`."""

    account: Account
    level: Level
    since: date
    until: date
    at: Moment


class Series:
    """Counts and slices queries over a world. One per server: its memory of day counts is shared by all pages."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._counts: dict[tuple[str, str, Level, date, Moment], int] = {}

    def count(self, query: Query) -> int:
        return sum(self._count(query, day) for day in days(query.since, query.until))

    def slice(self, query: Query, start: int, size: int | None = None) -> Iterator[Row]:
        """Rows number `start` (from 0) and on, `size` of them or all that are left."""
        return islice(self._from(query, start), size)

    def _from(self, query: Query, start: int) -> Iterator[Row]:
        for day in days(query.since, query.until):
            if start and start >= self._count(query, day):
                start -= self._count(query, day)
                continue
            yield from self._rows(query, day)[start:]
            start = 0

    def _count(self, query: Query, day: date) -> int:
        count = self._counts.get(_name(query, day))
        return len(self._rows(query, day)) if count is None else count

    def _rows(self, query: Query, day: date) -> tuple[Row, ...]:
        rows = self._world.rows(query.account, query.level, day, query.at)
        if len(self._counts) > _COUNTS_KEPT:
            self._counts.clear()
        self._counts[_name(query, day)] = len(rows)
        return rows


def _name(query: Query, day: date) -> tuple[str, str, Level, date, Moment]:
    return query.account.platform, query.account.id, query.level, day, query.at


def totals(rows: Iterable[Row]) -> list[Row]:
    """One row an entity, its fact the sum of all its rows; in the order in which the entities first appear."""
    sums: dict[Identity, Row] = {}
    for row in rows:
        name = identity(row)
        before = sums[name].fact if name in sums else NOTHING
        sums[name] = row._replace(fact=before.plus(row.fact))
    return list(sums.values())


def identity(row: Row) -> Identity:
    """Which entity a row speaks of; zeros below its level."""
    return (
        row.campaign.id if row.campaign else 0,
        row.ad_group.id if row.ad_group else 0,
        row.keyword.id if row.keyword else 0,
    )


def days(since: date, until: date) -> Iterator[date]:
    """Every day from `since` to `until`, both included."""
    for offset in range((until - since).days + 1):
        yield since + timedelta(days=offset)

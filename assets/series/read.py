"""Reading a family over D1 by the plan, whatever is folded meanwhile."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from assets.series import registry
from assets.series.family import Family
from assets.series.layout import Registry
from assets.series.plan import plan_read
from resources.d1 import D1, D1Error
from resources.d1.database import Row

TRIES = 5


def read(d1: D1, family: Family, start: datetime, end: datetime, *, limit: int | None = None, **how: Any) -> list[Row]:
    """A family's rows of [start, end); `how` is that of `plan_read`.

    A read in order of time sees each partition as it is when its turn comes. Where a partition was folded between the
    registry's reading and its own, all is read again.
    """
    for attempt in range(TRIES):
        found = registry.load(d1, family)
        try:
            return list(_rows(d1, found, start, end, limit, how))
        except D1Error:
            if attempt == TRIES - 1 or registry.load(d1, family).version == found.version:
                raise
    raise AssertionError("the last try returns or raises")


def _rows(
    d1: D1, found: Registry, start: datetime, end: datetime, limit: int | None, how: dict[str, Any]
) -> Iterator[Row]:
    left = limit
    for query in plan_read(found, start, end, limit=limit, **how):
        rows = d1.query(query.sql, query.params)[:left]
        yield from rows
        if left is not None:
            left -= len(rows)
            if left == 0:
                return

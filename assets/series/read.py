"""Reading a series from D1 by the plan, also while a month is folded."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from assets.apps import Series
from assets.series import registry
from assets.series.layout import PartitionRegistry
from assets.series.plan import plan_read
from resources.d1 import D1, D1Error
from resources.d1.database import Row

TRIES = 5


def read(d1: D1, series: Series, start: datetime, end: datetime, *, limit: int | None = None, **how: Any) -> list[Row]:
    """A series's rows of [start, end); `how` is that of `plan_read`.

    In order of time, each partition is read as it is at that moment. When a partition was folded after the registry was
    read, everything is read again.
    """
    for attempt in range(TRIES):
        loaded = registry.load(d1, series)
        try:
            return list(_rows(d1, loaded, start, end, limit, how))
        except D1Error:
            if attempt == TRIES - 1 or registry.load(d1, series).version == loaded.version:
                raise
    raise AssertionError("the last try returns or raises")


def _rows(
    d1: D1, loaded: PartitionRegistry, start: datetime, end: datetime, limit: int | None, how: dict[str, Any]
) -> Iterator[Row]:
    left = limit
    for query in plan_read(loaded, start, end, limit=limit, **how):
        rows = d1.query(query.sql, query.params)[:left]
        yield from rows
        if left is not None:
            left -= len(rows)
            if left == 0:
                return

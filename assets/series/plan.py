"""How a range of time is read: from the partitions that hold it alone, each with its own order and limit. Pure.

The answer is the rows of the queries, one query after the other, up to the limit. In order of time there is one query a
partition, so that reading stops at the partition that fills the limit. In any other order there is one query, which
merges the first rows of each partition.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from assets.apps import Series
from assets.series.layout import Partition, PartitionRegistry, union, within
from assets.windows import Window

Value = None | int | float | str


@dataclass(frozen=True)
class Query:
    """One SELECT and the values of its parameters `?NNN`."""

    sql: str
    params: tuple[Value, ...]


def plan_read(
    registry: PartitionRegistry,
    start: datetime,
    end: datetime,
    *,
    order: str | None = None,
    descending: bool = False,
    limit: int | None = None,
    equal: Mapping[str, Value] | None = None,
    columns: Sequence[str] | None = None,
) -> tuple[Query, ...]:
    """The queries that give a series's rows of [start, end) in UTC.

    order: a column, by default the time; rows that are equal in it are ordered by the key, in the same direction. NULL
    comes first, or last if `descending`. equal: values that columns must have. columns: the columns to read, by default
    all.

    Raises:
        ValueError: the series does not have such a column, or the limit is negative.
    """
    series, order = registry.series, order or registry.series.time
    wanted, equal = list(columns or series.columns), dict(equal or {})
    unknown = sorted({order, *wanted, *equal} - set(series.columns))
    if unknown:
        raise ValueError(f"{series.name} has no column {', '.join(unknown)}")
    if limit is not None and limit < 0:
        raise ValueError(f"a limit is not negative: {limit}")
    parts = registry.over(Window(start, end)) if start < end and limit != 0 else []
    if not parts:
        return ()
    kept = list(dict.fromkeys((*wanted, order, *series.key)))
    filters, params = _filters(equal)
    ordered = _order(series, order, descending=descending)
    if limit is not None:
        params.append(limit)
        ordered += f" limit ?{len(params)}"
    if order == series.time:
        inward = reversed(parts) if descending else iter(parts)
        return tuple(
            Query(_term(series, wanted, part, window, filters) + ordered, tuple(params)) for part, window in inward
        )
    if len(parts) == 1:
        return (Query(_term(series, wanted, *parts[0], filters) + ordered, tuple(params)),)
    terms = [_term(series, kept, part, window, filters) + ordered for part, window in parts]
    merged = union([f"select * from ({term})" for term in terms], "*")
    return (Query(f"select {', '.join(wanted)} from ({merged}){ordered}", tuple(params)),)


def _term(series: Series, columns: Sequence[str], partition: Partition, window: Window, filters: str) -> str:
    return f"select {', '.join(columns)} from {partition.name} where {within(series, window)}{filters}"


def _filters(equal: Mapping[str, Value]) -> tuple[str, list[Value]]:
    text = ""
    params: list[Value] = []
    for column, value in equal.items():
        if value is None:
            text += f" and {column} is null"
        else:
            params.append(value)
            text += f" and {column} = ?{len(params)}"
    return text, params


def _order(series: Series, order: str, *, descending: bool) -> str:
    direction = " desc" if descending else ""
    names = dict.fromkeys((order, *series.key))
    return " order by " + ", ".join(f"{name}{direction}" for name in names)

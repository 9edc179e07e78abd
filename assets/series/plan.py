"""How a range of time is read: from just the partitions that it needs, with order and limit put into each. Pure.

The rows of the queries, one query after the other, cut off at the limit, are the answer. In order of time there is one
query a partition, so that reading stops with the partition that fills the limit. In any other order there is one query
that merges the first rows of each.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from assets.series.family import Family
from assets.series.layout import Partition, Registry, union, within
from assets.windows import Window

Value = None | int | float | str


@dataclass(frozen=True)
class Query:
    """One SELECT and the values of its `?NNN`."""

    sql: str
    params: tuple[Value, ...]


def plan_read(
    registry: Registry,
    start: datetime,
    end: datetime,
    *,
    order: str | None = None,
    descending: bool = False,
    limit: int | None = None,
    equal: Mapping[str, Value] | None = None,
    columns: Sequence[str] | None = None,
) -> tuple[Query, ...]:
    """The queries that give a family's rows of [start, end) in UTC.

    order: a column, by default the family's time; rows that are equal in it are ordered by the family's key, in the
    same direction. NULL comes first, or last where `descending`. equal: values that columns must have. columns: what to
    read, by default all of them.

    Raises:
        ValueError: a column that the family does not have, or a negative limit.
    """
    family, order = registry.family, order or registry.family.time
    wanted, equal = list(columns or family.columns), dict(equal or {})
    unknown = sorted({order, *wanted, *equal} - set(family.columns))
    if unknown:
        raise ValueError(f"{family.name} has no column {', '.join(unknown)}")
    if limit is not None and limit < 0:
        raise ValueError(f"a limit is not negative: {limit}")
    parts = registry.over(Window(start, end)) if start < end and limit != 0 else []
    if not parts:
        return ()
    kept = list(dict.fromkeys((*wanted, order, *family.key)))
    filters, params = _filters(equal)
    ordered = _order(family, order, descending=descending)
    if limit is not None:
        params.append(limit)
        ordered += f" limit ?{len(params)}"
    if order == family.time:
        inward = reversed(parts) if descending else iter(parts)
        return tuple(
            Query(_term(family, wanted, part, window, filters) + ordered, tuple(params)) for part, window in inward
        )
    if len(parts) == 1:
        return (Query(_term(family, wanted, *parts[0], filters) + ordered, tuple(params)),)
    terms = [_term(family, kept, part, window, filters) + ordered for part, window in parts]
    merged = union([f"select * from ({term})" for term in terms], "*")
    return (Query(f"select {', '.join(wanted)} from ({merged}){ordered}", tuple(params)),)


def _term(family: Family, columns: Sequence[str], partition: Partition, window: Window, filters: str) -> str:
    return f"select {', '.join(columns)} from {partition.name} where {within(family, window)}{filters}"


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


def _order(family: Family, order: str, *, descending: bool) -> str:
    direction = " desc" if descending else ""
    names = dict.fromkeys((order, *family.key))
    return " order by " + ", ".join(f"{name}{direction}" for name in names)

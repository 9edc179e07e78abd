"""Partitions that pruning left without rows: dropped with their row of the registry, and the view is written again.

What belongs here: counting and dropping partitions. What does not: deleting rows.
"""

from datetime import datetime
from string import Template

from assets.apps import Series
from assets.archive.quarters import Quarter, quarters
from assets.rooms import Clock
from assets.series import registry
from assets.series.layout import Partition, PartitionRegistry, within
from assets.windows import Window
from resources.d1 import D1, D1Error, Statement
from resources.d1.times import stamp
from resources.sql_files import read_sql

TRIES = 5


def rows_by_quarter(d1: D1, series: Series) -> dict[Quarter, int]:
    """The number of rows of a series in each quarter, counted a partition and quarter at a time."""
    rows: dict[Quarter, int] = {}
    for partition in registry.load(d1, series).answering:
        for quarter in quarters(partition.window):
            part = quarter.window.clipped(partition.window)
            if part is not None:
                rows[quarter] = rows.get(quarter, 0) + _rows(d1, series, partition.name, part)
    return rows


def drop_empty(d1: D1, series: Series, before: datetime, clock: Clock) -> list[str]:
    """Drop the partitions that end by `before` and hold no row. Their names.

    A row that comes before the drop keeps its table, because the transaction itself looks for rows.
    """
    dropped: list[str] = []
    failed = 0
    while True:
        current = registry.load(d1, series)
        going = next((p for p in current.answering if p.window.end <= before and _may_go(d1, p)), None)
        if going is None:
            return dropped
        try:
            _drop(d1, current, going, clock)
        except (registry.RegistryChangedError, D1Error):
            failed += 1
            if failed == TRIES:
                raise
        else:
            dropped.append(going.name)


def _may_go(d1: D1, partition: Partition) -> bool:
    # A partition that is being folded has a copy in its year. It goes once it is folded.
    return partition.state == "live" and not d1.query(f"select 1 as there from {partition.name} limit 1")


def _drop(d1: D1, current: PartitionRegistry, going: Partition, clock: Clock) -> None:
    """Drop the partition, and with a year the registry's rows of the months that were folded into it."""
    window = going.window
    left = [
        p
        for p in current.partitions
        if p.name != going.name and (p.stands or not (window.start <= p.window.start < window.end))
    ]
    empty = read_sql("series/empty.sql")
    statements = [
        Statement(Template(empty).substitute(table=going.name), [current.series.name]),
        Statement(f"drop table {going.name}"),
    ]
    registry.change(d1, current, left, statements, stamp(clock()))


def _rows(d1: D1, series: Series, table: str, window: Window) -> int:
    (row,) = d1.query(f"select count(*) as n from {table} where {within(series, window)}")
    return int(row["n"])

"""Partitions that pruning left without rows: dropped with their row of the registry, and the view written anew."""

from collections.abc import Callable
from datetime import datetime
from string import Template

from assets.archive.quarters import Quarter, quarters
from assets.sesh import registry
from assets.sesh.families import Family
from assets.sesh.layout import Partition, Registry, within
from assets.windows import Window
from resources.d1 import D1, D1Error, Statement
from resources.d1.times import stamp
from resources.sql_files import read_sql

TRIES = 5


def rows_of(d1: D1, family: Family) -> dict[Quarter, int]:
    """How many rows a family has in each quarter, counted a partition and quarter at a time."""
    found: dict[Quarter, int] = {}
    for partition in registry.load(d1, family).answering:
        for quarter in quarters(partition.window):
            part = quarter.window.clipped(partition.window)
            if part is not None:
                found[quarter] = found.get(quarter, 0) + _rows(d1, family, partition.name, part)
    return found


def drop_empty(d1: D1, family: Family, before: datetime, clock: Callable[[], datetime]) -> list[str]:
    """Drop the partitions that end by `before` and hold no row; their names.

    A row that comes before the drop keeps its table: the transaction itself looks.
    """
    dropped: list[str] = []
    failed = 0
    while True:
        found = registry.load(d1, family)
        going = next((p for p in found.answering if p.window.end <= before and _may_go(d1, p)), None)
        if going is None:
            return dropped
        try:
            _drop(d1, found, going, clock)
        except (registry.ChangedMeanwhileError, D1Error):
            failed += 1
            if failed == TRIES:
                raise
        else:
            dropped.append(going.name)


def _may_go(d1: D1, partition: Partition) -> bool:
    # One that is being folded has a copy in its year; it goes once it is folded.
    return partition.state == "live" and not d1.query(f"select 1 as there from {partition.name} limit 1")


def _drop(d1: D1, found: Registry, going: Partition, clock: Callable[[], datetime]) -> None:
    """The partition goes, and a year takes along what is known of the months that were folded into it."""
    held = going.window
    left = [
        p
        for p in found.partitions
        if p.name != going.name and (p.stands or not (held.start <= p.window.start < held.end))
    ]
    empty = read_sql("sesh/partitions/empty.sql")
    statements = [
        Statement(Template(empty).substitute(table=going.name), [found.family.name]),
        Statement(f"drop table {going.name}"),
    ]
    registry.change(d1, found, left, statements, stamp(clock()))


def _rows(d1: D1, family: Family, table: str, window: Window) -> int:
    (row,) = d1.query(f"select count(*) as n from {table} where {within(family, window)}")
    return int(row["n"])

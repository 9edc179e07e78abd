"""What proves the partitions and the metrics: the registry beside the tables, each grain beside what it is made of."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from string import Template

from assets.sesh import registry
from assets.sesh.families import METRICS, POINTS, SESSIONS, Family
from assets.sesh.grains import DAILY, HOURLY, MONTHLY, WEEKLY, Grain
from assets.sesh.layout import union, view, within
from assets.sesh.places import kept_before
from assets.windows import DAY, Window, midnight, month_of, week_of
from resources.d1 import D1
from resources.d1.times import moment, stamp
from resources.sql_files import read_sql

# How far back each grain is compared.
SPANS = {HOURLY: 35 * DAY, DAILY: 35 * DAY, WEEKLY: 70 * DAY, MONTHLY: 100 * DAY}


@dataclass(frozen=True)
class Compared:
    """Windows that differ from what they are made of, and the rows that were compared."""

    differing: int
    rows: int


def faults(d1: D1, family: Family) -> list[str]:
    """What the registry, the tables and the view of a family do not agree on, in words."""
    found = registry.load(d1, family)
    pattern = re.compile(rf"{family.name}_\d{{4}}(_\d{{2}})?")
    rows = d1.query("select type, name, sql from sqlite_master where type in ('table', 'view')")
    tables = {row["name"] for row in rows if row["type"] == "table" and pattern.fullmatch(row["name"])}
    named = {p.name for p in found.partitions if p.stands}
    said = [f"{name} is a table and no partition" for name in sorted(tables - named)]
    said += [f"{name} is a partition and no table" for name in sorted(named - tables)]
    written = next((row["sql"] for row in rows if row["type"] == "view" and row["name"] == family.name), "")
    if found.answering and not written.endswith(f" as {view(family, found.partitions)}"):
        said.append(f"the view {family.name} is not over the partitions")
    for before, after in zip(found.answering, found.answering[1:], strict=False):
        if before.window.end != after.window.start:
            said.append(f"{after.name} does not begin where {before.name} ends")
    return said


def has_next_month(d1: D1, family: Family, now: datetime) -> bool:
    """Whether rows of this month and the next have a partition."""
    this = month_of(now.date())
    both = Window(this.start, month_of(this.end.date()).end)
    return sum((part.end - part.start for _, part in registry.load(d1, family).over(both)), timedelta()) == (
        both.end - both.start
    )


def compare(d1: D1, grain: Grain, now: datetime) -> Compared:
    """Compare the recent windows of a grain with what they are made of; those that are kept as they are stay out."""
    return compare_windows(d1, grain, _recent(d1, grain, now))


def compare_windows(d1: D1, grain: Grain, window: Window) -> Compared:
    """Compare windows of a grain, whole ones, with what they are made of."""
    metrics = _texts(d1, METRICS, window)
    if grain is HOURLY:
        statement = Template(read_sql("sesh/metrics/detail_differs.sql")).substitute(
            sessions=_texts(d1, SESSIONS, window), points=_texts(d1, POINTS, window), metrics=metrics
        )
        (row,) = d1.query(statement)
    else:
        bounds = [stamp(window.start), stamp(window.end)]
        daily = f"select * from metrics_daily where windowStart >= '{bounds[0]}' and windowStart < '{bounds[1]}'"
        statement = Template(read_sql("sesh/metrics/finer_differs.sql")).substitute(
            window=grain.window, finer=metrics if grain is DAILY else daily, metrics=grain.table
        )
        (row,) = d1.query(statement, [*bounds, grain.name])
    return Compared(row["windows"], row["compared"])


def _recent(d1: D1, grain: Grain, now: datetime) -> Window:
    """Whole windows of the grain, up to the one in progress."""
    start, kept = midnight((now - SPANS[grain]).date()), kept_before(d1)
    if kept is not None:
        start = max(start, moment(kept))
    if grain in (WEEKLY, MONTHLY):
        whole = week_of if grain is WEEKLY else month_of
        start = whole(start.date()).start if kept is None else whole((start - timedelta(seconds=1)).date()).end
        return Window(start, max(start, whole(now.date()).end))
    return Window(start, max(start, midnight(now.date()) + DAY))


def _texts(d1: D1, family: Family, window: Window) -> str:
    columns = ", ".join(family.columns)
    terms = [
        f"select {columns} from {p.name} where {within(family, part)}"
        for p, part in registry.load(d1, family).over(window)
    ]
    return union(terms, columns) or f"select {', '.join(f'null as {name}' for name in family.columns)} where false"

"""What proves the metrics: each grain beside what it is made of."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from string import Template

from assets.metrics.grains import DAILY, HOURLY, MONTHLY, WEEKLY, Grain
from assets.series import registry
from assets.series.family import METRICS, POINTS, SESSIONS, Family
from assets.series.layout import union, within
from assets.series.places import kept_before
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


def compare(d1: D1, grain: Grain, now: datetime) -> Compared:
    """Compare the recent windows of a grain with what they are made of; those that are kept as they are stay out."""
    return compare_windows(d1, grain, _recent(d1, grain, now))


def compare_windows(d1: D1, grain: Grain, window: Window) -> Compared:
    """Compare windows of a grain, whole ones, with what they are made of."""
    metrics = _texts(d1, METRICS, window)
    if grain is HOURLY:
        statement = Template(read_sql("metrics/detail_differs.sql")).substitute(
            sessions=_texts(d1, SESSIONS, window), points=_texts(d1, POINTS, window), metrics=metrics
        )
        (row,) = d1.query(statement)
    else:
        bounds = [stamp(window.start), stamp(window.end)]
        daily = f"select * from metrics_daily where windowStart >= '{bounds[0]}' and windowStart < '{bounds[1]}'"
        statement = Template(read_sql("metrics/finer_differs.sql")).substitute(
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

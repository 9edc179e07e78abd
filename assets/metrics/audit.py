"""The proof of the metrics: each grain compared with what it is made of."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from string import Template

from assets.apps import MetricSeries, Series
from assets.metrics.grains import DAILY, HOURLY, MONTHLY, WEEKLY, MetricGrain
from assets.metrics.kept import kept_before
from assets.series import registry
from assets.series.layout import union, within
from assets.windows import DAY, Window, midnight, month_of, week_of
from resources.d1 import D1
from resources.d1.times import moment, stamp
from resources.sql_files import read_sql

# How far back each grain is compared.
SPANS = {HOURLY: 35 * DAY, DAILY: 35 * DAY, WEEKLY: 70 * DAY, MONTHLY: 100 * DAY}


@dataclass(frozen=True)
class Comparison:
    """How many windows differ from what they are made of, and how many rows were compared."""

    differing: int
    rows: int


def compare(d1: D1, metrics: MetricSeries, grain: MetricGrain, now: datetime) -> Comparison:
    """Compare the recent windows of a grain with what they are made of, without those that are kept as they are."""
    return compare_windows(d1, metrics, grain, _recent(d1, grain, now))


def compare_windows(d1: D1, metrics: MetricSeries, grain: MetricGrain, window: Window) -> Comparison:
    """Compare the windows of a grain in a span of whole windows with what they are made of."""
    hours = _rows(d1, metrics.hours, window)
    if grain is HOURLY:
        statement = Template(read_sql("metrics/detail_differs.sql")).substitute(
            details=" union all ".join(_counted(detail, _rows(d1, detail, window)) for detail in metrics.details),
            names=", ".join(f"'{detail.name}'" for detail in metrics.details),
            metrics=hours,
        )
        (row,) = d1.query(statement)
    else:
        bounds = [stamp(window.start), stamp(window.end)]
        days = DAILY.table(metrics)
        daily = f"select * from {days} where windowStart >= '{bounds[0]}' and windowStart < '{bounds[1]}'"
        statement = Template(read_sql("metrics/finer_differs.sql")).substitute(
            window=grain.window, finer=hours if grain is DAILY else daily, metrics=grain.table(metrics)
        )
        (row,) = d1.query(statement, [*bounds, grain.name])
    return Comparison(row["windows"], row["compared"])


def _recent(d1: D1, grain: MetricGrain, now: datetime) -> Window:
    """Whole windows of the grain, up to the one in progress."""
    start, kept = midnight((now - SPANS[grain]).date()), kept_before(d1)
    if kept is not None:
        start = max(start, moment(kept))
    if grain in (WEEKLY, MONTHLY):
        whole = week_of if grain is WEEKLY else month_of
        start = whole(start.date()).start if kept is None else whole((start - timedelta(seconds=1)).date()).end
        return Window(start, max(start, whole(now.date()).end))
    return Window(start, max(start, midnight(now.date()) + DAY))


def _counted(detail: Series, rows: str) -> str:
    """The rows of a detail by hour and user, as the metric of its name counts them."""
    hour = f"substr({detail.time}, 1, 13) || ':00:00.000Z'"
    return f"select {hour}, userId, '{detail.name}', count(*) from ({rows}) group by 1, 2"


def _rows(d1: D1, series: Series, window: Window) -> str:
    """A SELECT of the rows of a series in a window."""
    columns = ", ".join(series.columns)
    terms = [
        f"select {columns} from {p.name} where {within(series, part)}"
        for p, part in registry.load(d1, series).over(window)
    ]
    return union(terms, columns) or f"select {', '.join(f'null as {name}' for name in series.columns)} where false"

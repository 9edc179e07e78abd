"""Keeping metrics as they are: what must happen before their details are deleted, and the proof that they are right.

The statement that keeps a day also counts the day again from its details, so that no change can come between. Later
changes of these details change no metric.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from string import Template

from assets.apps import MetricSeries
from assets.metrics.audit import compare_windows
from assets.metrics.build import hourly
from assets.metrics.grains import DAILY, MONTHLY, WEEKLY
from assets.metrics.kept import JOB, kept_before
from assets.progress import Progress, silent
from assets.series import registry
from assets.series.layout import PartitionRegistry, source
from assets.windows import DAY, HOUR, Window, midnight, month_of, week_of
from resources.d1 import D1, D1Error
from resources.d1.pace import Pace
from resources.d1.times import moment, stamp
from resources.declined import DeclinedError
from resources.sql_files import read_sql

TRIES = 5
Registries = Mapping[str, PartitionRegistry]


class StaleMetricsError(DeclinedError):
    """Metrics that must be kept are not made yet."""


class DifferingMetricsError(RuntimeError):
    """Metrics that must be kept differ from what they are made of; the message names the window."""


def keep_before(
    d1: D1, metrics: MetricSeries, at: datetime, pace: Pace | None = None, progress: Progress = silent
) -> None:
    """Keep the metrics before `at` (a UTC midnight) as they are, so that their details may be deleted.

    Days are kept one by one, oldest first, up to the first that cannot be kept.

    Raises:
        ValueError: `at` is not a midnight.
        StaleMetricsError: some metrics before `at` are not made yet.
        DifferingMetricsError: some metrics before `at` differ from what they are made of.
    """
    _walk(d1, metrics, at, pace or Pace(), progress, dry_run=False)


def check_before(
    d1: D1, metrics: MetricSeries, at: datetime, pace: Pace | None = None, progress: Progress = silent
) -> None:
    """Find out whether `keep_before` would succeed: raises the same errors and changes nothing."""
    _walk(d1, metrics, at, pace or Pace(), progress, dry_run=True)


def _walk(d1: D1, metrics: MetricSeries, at: datetime, pace: Pace, progress: Progress, *, dry_run: bool) -> None:
    if at != midnight(at.date()):
        raise ValueError(f"metrics are kept up to a midnight, not {at}")
    span = _unkept(d1, metrics, at)
    if span is None:
        return
    _refuse_stale(d1, at)
    days = list(span.days())
    for done, day in enumerate(days, start=1):
        if day is days[0] or day.start.day == 1:
            _refuse_differing(d1, metrics, Window(day.start, min(month_of(day.start.date()).end, at)), pace)
            registries = _registries(d1, metrics)
        if not pace.step(lambda day=day, registries=registries: _day(d1, metrics, registries, day, dry_run=dry_run)):  # type: ignore[misc]
            _refuse_stale(d1, at)
            details = " and ".join(detail.name for detail in metrics.details)
            raise DifferingMetricsError(f"metrics of {day.start:%Y-%m-%d} are not what {details} are counted to")
        progress(done, len(days))


def _unkept(d1: D1, metrics: MetricSeries, at: datetime) -> Window | None:
    """From the end of what is kept, or from the first partition if nothing is kept, up to `at`."""
    kept = kept_before(d1)
    if kept is not None:
        start = moment(kept)
    else:
        answering = [series.answering for series in _registries(d1, metrics).values()]
        start = min((partitions[0].window.start for partitions in answering if partitions), default=at)
        start = min(midnight(start.date()), at - DAY)
    return Window(start, at) if start < at else None


def _refuse_stale(d1: D1, at: datetime) -> None:
    rows = d1.query(read_sql("metrics/stale_before.sql"), [stamp(at)])
    if rows:
        windows = ", ".join(f"{row['windows']} {row['grain']} from {row['windowStart'][:13]}" for row in rows)
        raise StaleMetricsError(f"windows before {at:%Y-%m-%d} are stale ({windows})", "`clearlift job metrics`")


def _refuse_differing(d1: D1, metrics: MetricSeries, window: Window, pace: Pace) -> None:
    """Refuse when a week or month that overlaps a window (of one month) differs from its days."""
    for grain, whole in ((WEEKLY, week_of), (MONTHLY, month_of)):
        touched = Window(whole(window.start.date()).start, whole((window.end - HOUR).date()).end)
        comparison = pace.step(
            lambda grain=grain, touched=touched: compare_windows(d1, metrics, grain, touched)  # type: ignore[misc]
        )
        if comparison.differing:
            raise DifferingMetricsError(
                f"{grain.name} metrics of {touched.start:%Y-%m-%d} to {touched.end:%Y-%m-%d} are not what "
                "their days add up to"
            )


def _registries(d1: D1, metrics: MetricSeries) -> Registries:
    return {series.name: registry.load(d1, series) for series in (*metrics.details, metrics.hours)}


def _day(d1: D1, metrics: MetricSeries, registries: Registries, day: Window, *, dry_run: bool) -> bool:
    """Whether a day agrees. The same statement keeps it, except in a dry run."""
    hours = json.dumps([stamp(at) for at in day.steps(HOUR)])
    bounds = [stamp(day.start), stamp(day.end)]
    for attempt in range(TRIES):
        agreed = _agreed(metrics, registries, day, "1 as agreed" if dry_run else f"'{JOB}', ?3")
        try:
            if dry_run:
                return bool(d1.query(agreed, [hours, *bounds]))
            statement = Template(read_sql("metrics/keep_day.sql")).substitute(agreed=agreed)
            return d1.execute(statement, [hours, *bounds], idempotent=True) > 0
        except D1Error:
            # The partition may have been folded after it was looked up. The next try finds its year.
            if attempt == TRIES - 1:
                raise
            registries = _registries(d1, metrics)
    raise AssertionError("the last try returns or raises")


def _agreed(metrics: MetricSeries, registries: Registries, day: Window, answer: str) -> str:
    tables = {name: source(partitions, day) for name, partitions in registries.items()}
    return Template(read_sql("metrics/day_agrees.sql")).substitute(
        hourly=hourly(metrics, tables),
        metrics=tables[metrics.hours.name],
        daily=DAILY.table(metrics),
        answer=answer,
    )

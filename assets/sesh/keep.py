"""Keeping metrics as they are, whatever becomes of their detail: said before detail is deleted, and proved by it.

Each day is counted anew from its sessions and points in the very statement that keeps it, so that no change can come
between. From then on a change there changes no metric.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from string import Template

from assets.progress import Progress, silent
from assets.sesh import registry
from assets.sesh.audit import compare_windows
from assets.sesh.families import METRICS, POINTS, SESSIONS
from assets.sesh.grains import MONTHLY, WEEKLY
from assets.sesh.layout import Registry, source
from assets.sesh.places import KEPT, KEPT_BEFORE, kept_before
from assets.windows import DAY, HOUR, Window, midnight, month_of, week_of
from resources.d1 import D1, D1Error
from resources.d1.pace import Pace
from resources.d1.times import moment, stamp
from resources.sql_files import read_sql

TRIES = 5
Registries = Mapping[str, Registry]


class StaleMetricsError(RuntimeError):
    """Metrics that are to be kept are not made yet."""


class DifferingMetricsError(RuntimeError):
    """Metrics that are to be kept are not what they are made of; the message names the window."""


def keep_before(d1: D1, at: datetime, pace: Pace | None = None, progress: Progress = silent) -> None:
    """Keep what metrics there are before `at` (a UTC midnight), whatever becomes of their sessions and points.

    Days are kept one by one, oldest first, up to one that cannot be.

    Raises:
        ValueError: not a midnight.
        StaleMetricsError: metrics before `at` are still to be made.
        DifferingMetricsError: metrics before `at` are not what they are made of.
    """
    _walk(d1, at, pace or Pace(), progress, dry_run=False)


def check_before(d1: D1, at: datetime, pace: Pace | None = None, progress: Progress = silent) -> None:
    """Find out whether `keep_before` would keep them; it raises the same errors and changes nothing."""
    _walk(d1, at, pace or Pace(), progress, dry_run=True)


def _walk(d1: D1, at: datetime, pace: Pace, progress: Progress, *, dry_run: bool) -> None:
    if at != midnight(at.date()):
        raise ValueError(f"metrics are kept up to a midnight, not {at}")
    span = _unkept(d1, at)
    if span is None:
        return
    _refuse_stale(d1, at)
    days = list(span.days())
    for done, day in enumerate(days, start=1):
        if day is days[0] or day.start.day == 1:
            _refuse_differing(d1, Window(day.start, min(month_of(day.start.date()).end, at)), pace)
            registries = _registries(d1)
        if not pace.step(lambda day=day, found=registries: _day(d1, found, day, dry_run=dry_run)):  # type: ignore[misc]
            _refuse_stale(d1, at)
            raise DifferingMetricsError(
                f"metrics of {day.start:%Y-%m-%d} are not what its sessions and points are counted to"
            )
        progress(done, len(days))


def _unkept(d1: D1, at: datetime) -> Window | None:
    """From where metrics are not kept yet, or from where there are any, up to `at`."""
    kept = kept_before(d1)
    if kept is not None:
        start = moment(kept)
    else:
        there = [registry.load(d1, family).answering for family in (SESSIONS, POINTS, METRICS)]
        start = min((found[0].window.start for found in there if found), default=at)
        start = min(midnight(start.date()), at - DAY)
    return Window(start, at) if start < at else None


def _refuse_stale(d1: D1, at: datetime) -> None:
    rows = d1.query(read_sql("sesh/metrics/stale_before.sql"), [stamp(at)])
    if rows:
        told = ", ".join(f"{row['windows']} {row['grain']} from {row['windowStart'][:13]}" for row in rows)
        raise StaleMetricsError(f"windows before {at:%Y-%m-%d} are stale ({told}); make their metrics first")


def _refuse_differing(d1: D1, window: Window, pace: Pace) -> None:
    """Weeks and months that a window, which lies in one month, is part of."""
    for grain, whole in ((WEEKLY, week_of), (MONTHLY, month_of)):
        touched = Window(whole(window.start.date()).start, whole((window.end - HOUR).date()).end)
        found = pace.step(lambda grain=grain, touched=touched: compare_windows(d1, grain, touched))  # type: ignore[misc]
        if found.differing:
            raise DifferingMetricsError(
                f"{grain.name} metrics of {touched.start:%Y-%m-%d} to {touched.end:%Y-%m-%d} are not what their days "
                "add up to"
            )


def _registries(d1: D1) -> Registries:
    return {family.name: registry.load(d1, family) for family in (SESSIONS, POINTS, METRICS)}


def _day(d1: D1, registries: Registries, day: Window, *, dry_run: bool) -> bool:
    """Whether a day agrees; it is kept in the same moment, unless it is a dry run."""
    hours = json.dumps([stamp(at) for at in day.steps(HOUR)])
    bounds = [stamp(day.start), stamp(day.end)]
    for attempt in range(TRIES):
        agreed = _agreed(registries, day, "1 as agreed" if dry_run else f"'{KEPT}', ?3")
        try:
            if dry_run:
                return bool(d1.query(agreed, [hours, *bounds]))
            statement = Template(read_sql("sesh/metrics/keep_day.sql")).substitute(agreed=agreed)
            return d1.execute(statement, [hours, *bounds], idempotent=True) > 0
        except D1Error:
            # A partition that was folded since it was looked up is no more; the year answers now.
            if attempt == TRIES - 1:
                raise
            registries = _registries(d1)
    raise AssertionError("the last try returns or raises")


def _agreed(registries: Registries, day: Window, answer: str) -> str:
    sources = {name: source(found, day) for name, found in registries.items()}
    hourly = Template(read_sql("sesh/metrics/hourly.sql")).substitute(sources, kept_before=KEPT_BEFORE)
    return Template(read_sql("sesh/metrics/day_agrees.sql")).substitute(sources, hourly=hourly, answer=answer)

"""Looks in our Postgres: those of a day replaced, and the last ones of an experiment read.

What does not belong here: how a look is made (look.py).
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from assets.apps import App
from assets.experiments.plot import Interval
from assets.experiments.verdict import Look, Result
from resources.postgres import Connection, Postgres, copy_in
from resources.sql_files import read_sql


def replace(connection: Connection, app: App, day: date, looks: Sequence[Look], at: datetime) -> None:
    """Put the looks, made at `at`, in the place of the day's, in the connection's transaction."""
    connection.execute(read_sql("experiments/forget.sql"), {"app": app.name, "day": day})
    keys = [{"app": app.name, "experiment": look.experiment.key, "day": day} for look in looks]
    for table, rows in (
        ("looks", [key | _look(look, at) for key, look in zip(keys, looks, strict=True)]),
        ("results", [key | _result(one) for key, look in zip(keys, looks, strict=True) for one in look.results]),
    ):
        if rows:
            copy_in(connection, f"experiments.{table}", list(rows[0]), (list(row.values()) for row in rows))


def lately(postgres: Postgres, app: App, experiment: str, days: timedelta, until: date) -> list[Interval]:
    """The lifts by the primary metric of the days up to `until`, where one was known, in order."""
    bounds = {"app": app.name, "experiment": experiment, "since": until - days, "until": until}
    rows = postgres.fetch(read_sql("experiments/lately.sql"), bounds)
    return [
        Interval(row["day"], row["variant"], row["lift"], row["lift_low"], row["lift_high"], row["verdict"])
        for row in rows
    ]


def _look(look: Look, at: datetime) -> dict[str, Any]:
    return {
        "name": look.experiment.name,
        "has_ended": look.experiment.ended_at is not None,
        "exposed": look.exposed,
        "planned_total": look.experiment.planned_total,
        "ln_evidence": look.ln_evidence,
        "mismatched": look.mismatched,
        "days_left": look.days_left,
        "looked_at": at,
    }


def _result(result: Result) -> dict[str, Any]:
    difference, lift = result.difference, result.lift
    return {
        "metric": result.metric.name,
        "variant": result.variant.key,
        "is_guardrail": result.metric.is_guardrail,
        "fewer_is_better": result.metric.fewer_is_better,
        "is_control": result.variant.is_control,
        "exposed": result.sample.n,
        "total": result.sample.total,
        "squares": result.sample.squares,
        "difference": difference and difference.estimate,
        "difference_low": difference and difference.low,
        "difference_high": difference and difference.high,
        "lift": lift and lift.estimate,
        "lift_low": lift and lift.low,
        "lift_high": lift and lift.high,
        "p": difference and difference.p,
        "detectable_lift": result.detectable,
        "verdict": result.verdict.value,
        "why": result.why,
    }

"""Aggregates counted again in plain Python, from everything that was accepted: weeks, months, the metrics of Sesh.

What does not belong here: hours, days, sessions and credits; the tests of their own rooms have those.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Any

from resources.d1.times import moment, stamp
from tests.assets.rollups.event_lake import Event, Rows
from tests.assets.rollups.recount import cuts, day_of, sketch_of
from tests.simulation.accepted import Accepted

MetricKey = tuple[str, str, str]
MetricRow = tuple[int, int, int, int]


def periods(events: Iterable[Event]) -> Rows:
    """The rows of the ten weekly and monthly tables, sorted."""
    events, rows = list(events), {}
    for grain in ("weekly", "monthly"):
        for suffix, dimensions in cuts(events, day_of).items():
            groups: dict[tuple[Any, ...], list[Event]] = defaultdict(list)
            for e in events:
                cut, day = dimensions(e), e["timestamp"].date()
                if cut is not None:
                    first = day.replace(day=1) if grain == "monthly" else day - timedelta(days=day.weekday())
                    groups[e["org_tag"], first, *cut].append(e)
            rows[f"rollups.{grain}{suffix}"] = sorted(
                (*key, *_measures(of_key, whole=suffix == "_totals")) for key, of_key in groups.items()
            )
    return rows


def _measures(events: list[Event], *, whole: bool) -> tuple[Any, ...]:
    value = sum(
        (Decimal(repr(e["event_value"] or 0.0)).quantize(Decimal("0.000001"), ROUND_HALF_EVEN) for e in events),
        Decimal(0),
    )
    names = ("anonymous_id", "session_id")
    if not whole:
        return len(events), *(len({(e["timestamp"].date(), e[name]) for e in events}) for name in names), value
    visitors, sessions = ({e[name] for e in events} for name in names)
    return len(events), len(visitors), len(sessions), True, value, sketch_of(visitors), sketch_of(sessions)


def metrics(accepted: Accepted) -> dict[str, dict[MetricKey, MetricRow]]:
    """By grain: (window, user or empty for all, metric) to (entries, total, least, most), in millionths."""
    values: dict[str, dict[MetricKey, list[int]]] = {
        grain: defaultdict(list) for grain in ("hourly", "daily", "weekly", "monthly")
    }
    for at, user, metric, value in _measured(accepted):
        micros = int((Decimal(repr(value)) * 10**6).quantize(Decimal(1), ROUND_HALF_UP))
        for grain, window in _windows(moment(at)).items():
            for who in (user, ""):
                values[grain][window, who, metric].append(micros)
    return {
        grain: {key: (len(all_), sum(all_), min(all_), max(all_)) for key, all_ in of_grain.items()}
        for grain, of_grain in values.items()
    }


def _measured(accepted: Accepted) -> Iterable[tuple[str, str, str, float]]:
    for session in accepted.sessions.values():
        yield session.at, session.user, "sessions", 1
        for name, value in (
            ("durationSeconds", session.seconds),
            ("rating", session.rating),
            (f"amount.{session.unit or 'unknown'}", session.amount),
        ):
            if value is not None:
                yield session.at, session.user, f"session.{name}", value
    for point in accepted.points.values():
        yield point.at, point.user, "points", 1
        for name, value in point.values.items():
            yield point.at, point.user, f"point.{name}", value


def _windows(at: datetime) -> dict[str, str]:
    hour = at.replace(minute=0, second=0, microsecond=0)
    day = hour.replace(hour=0)
    return {
        "hourly": stamp(hour),
        "daily": stamp(day),
        "weekly": stamp(day - timedelta(days=day.weekday())),
        "monthly": stamp(day.replace(day=1)),
    }

"""The metrics again, counted in Python from every session and point, to compare with."""

import json
from collections import defaultdict
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from assets.windows import month_of, week_of
from resources.d1 import D1
from resources.d1.times import moment, stamp

Key = tuple[str, str, str]


def recounted(d1: D1, grain: str) -> dict[Key, tuple[int, int, int, int]]:
    """(window, user, metric) to (entries, total, least, most)."""
    found: dict[Key, list[int]] = defaultdict(list)
    for at, user, metric, value in _measured(d1):
        for who in (user, ""):
            found[_window(grain, moment(at)), who, metric].append(_millionths(value))
    return {key: (len(values), sum(values), min(values), max(values)) for key, values in found.items()}


def stored(d1: D1, table: str) -> dict[Key, tuple[int, int, int, int]]:
    rows = d1.query(f"select windowStart, userId, metric, entries, total, least, most from {table}")
    made = {tuple(row.values())[:3]: tuple(row.values())[3:] for row in rows}
    assert len(made) == len(rows)
    return made


def _measured(d1: D1) -> list[tuple[str, str, str, Any]]:
    found: list[tuple[str, str, str, Any]] = []
    for row in d1.query("select userId, timestamp, durationSeconds, rating, amount, unit from sessions"):
        found.append((row["timestamp"], row["userId"], "sessions", 1))
        for name, value in (
            ("session.durationSeconds", row["durationSeconds"]),
            ("session.rating", row["rating"]),
            (f"session.amount.{row['unit'] or 'unknown'}", row["amount"]),
        ):
            if value is not None:
                found.append((row["timestamp"], row["userId"], name, value))
    for row in d1.query("select userId, at, measures from points"):
        found.append((row["at"], row["userId"], "points", 1))
        found += [(row["at"], row["userId"], f"point.{n}", v) for n, v in json.loads(row["measures"]).items()]
    return found


def _window(grain: str, at: datetime) -> str:
    hour = at.replace(minute=0, second=0, microsecond=0)
    return stamp(
        {
            "hourly": hour,
            "daily": hour.replace(hour=0),
            "weekly": week_of(at.date()).start,
            "monthly": month_of(at.date()).start,
        }[grain]
    )


def _millionths(value: float) -> int:
    return int((Decimal(repr(value)) * 10**6).quantize(Decimal(1), ROUND_HALF_UP))

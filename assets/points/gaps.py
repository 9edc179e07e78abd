"""Gaps in the points of sessions: sequence numbers that never came.

What does not belong here: the points that came (ingest.py).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from string import Template
from typing import Any

from assets.apps import Series
from assets.series import registry
from assets.series.layout import union, within
from assets.windows import Window
from resources.d1 import D1
from resources.d1.times import stamp
from resources.sql_files import read_sql

# A flush that is on its way has 10 points.
TOLERATED = 10
# How long a session lasts at most. Its numbers are read this far back, because it may have begun before.
LONGEST_SESSION = timedelta(days=31)
AHEAD = timedelta(days=2)


@dataclass(frozen=True)
class Gaps:
    """Gaps above the tolerated length, longest first (sessionId, fromSeq, toSeq, missing), and how many are smaller."""

    large: tuple[dict[str, Any], ...]
    small: int
    small_missing: int


def gaps(d1: D1, series: Series, since: datetime, now: datetime) -> Gaps:
    """The gaps of the sessions that had a point since `since`."""
    loaded = registry.load(d1, series)
    texts = {}
    for name, start in (("recent", since), ("whole", since - LONGEST_SESSION)):
        parts = loaded.over(Window(start, now + AHEAD))
        texts[name] = union(
            [f"select sessionId, seq, at from {p.name} where {within(series, part)}" for p, part in parts], "*"
        )
    if not texts["recent"]:
        return Gaps((), 0, 0)
    rows = d1.query(Template(read_sql("points/gaps.sql")).substitute(texts), [stamp(since)])
    large = tuple(row for row in rows if row["missing"] > TOLERATED)
    small = [row["missing"] for row in rows if row["missing"] <= TOLERATED]
    return Gaps(large, len(small), sum(small))

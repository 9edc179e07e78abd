"""The proof of the aggregations: a random recent hour counted again from raw events, and compared group by group.

Both are read by one statement, so that a batch of pending events is in both or in neither.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from assets.apps import Growth
from assets.windows import DAY, floor_hour
from resources.postgres import Postgres
from resources.sql_files import read_sql

RECENT = 7 * DAY
MEASURES = ("events", "sessions", "users")


@dataclass(frozen=True)
class Drift:
    """What a comparison saw. hour: None where nothing could be compared, which proves nothing.

    groups, events: what was counted. differing: one line a group that differs. lost: whether each difference is a
    count of events above the recount, as after events were deleted.
    """

    hour: datetime | None
    groups: int = 0
    events: int = 0
    differing: tuple[str, ...] = ()
    lost: bool = False

    @property
    def passed(self) -> bool:
        """Whether an hour was compared and agrees."""
        return self.hour is not None and not self.differing


def measure(postgres: Postgres, growth: Growth, now: datetime, seed: float) -> Drift:
    """Compare one hour of the last week. seed: from 0 up to 1, says which."""
    rows = postgres.fetch(
        read_sql(f"{growth.statements}/recount_hour.sql"),
        {"since": floor_hour(now) - RECENT, "until": floor_hour(now), "seed": seed},
    )
    return compare(rows)


def compare(rows: Sequence[dict[str, Any]]) -> Drift:
    """What the rows of a recount say."""
    if not rows:
        return Drift(None)
    wrong = [row for row in rows if any(row[f"counted_{name}"] != row[f"stored_{name}"] for name in MEASURES)]
    return Drift(
        rows[0]["hour"],
        len(rows),
        sum(row["counted_events"] for row in rows),
        tuple(_line(row) for row in wrong),
        bool(wrong) and all(row["stored_events"] > row["counted_events"] for row in wrong),
    )


def _line(row: dict[str, Any]) -> str:
    counts = ", ".join(
        f"{name} {row[f'counted_{name}']} counted, {row[f'stored_{name}']} stored"
        for name in MEASURES
        if row[f"counted_{name}"] != row[f"stored_{name}"]
    )
    return f"{row['type']} {row['country'] or 'no country'}: {counts}"

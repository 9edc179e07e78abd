"""Which days of attribution are to be made again: the lake or the rules changed, or a run left their credits behind."""

from datetime import UTC, datetime

from assets.attribution.build import SETTLING
from assets.attribution.touches import VERSION
from assets.windows import DAY, Window, joined, midnight
from resources.postgres import Postgres
from resources.sql_files import read_sql


def stale(postgres: Postgres, since: datetime, now: datetime) -> tuple[Window, ...]:
    """Days from `since` on, joined into ranges; those that have not ended, or only just, are left to their schedule."""
    rows = postgres.fetch(
        read_sql("attribution/stale_days.sql"),
        {"version": VERSION, "since": since.date(), "until": now - DAY - SETTLING},
    )
    return tuple(joined((midnight(row["day"]).astimezone(UTC) for row in rows), DAY))

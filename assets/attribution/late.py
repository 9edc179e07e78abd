"""Which days of attribution to make again: the lake or the rules changed, or a run left their credits behind.

What does not belong here: making them (build.py, credit.py).
"""

from datetime import UTC, datetime, timedelta

from assets.apps import App
from assets.attribution.build import SETTLING
from assets.attribution.touches import VERSION
from assets.windows import DAY, Window, joined, midnight
from resources.postgres import Postgres
from resources.sql_files import read_sql


def stale(
    app: App, postgres: Postgres, since: datetime, now: datetime, pause: timedelta = timedelta(0)
) -> tuple[Window, ...]:
    """Days of an app from `since` on, joined into ranges; days that ended less than SETTLING ago are left out.

    A day whose events changed waits where it was made within the `pause` before `now`.
    """
    rows = postgres.fetch(
        read_sql("attribution/stale_days.sql"),
        {
            "app": app.name,
            "version": VERSION,
            "since": since.date(),
            "until": now - DAY - SETTLING,
            "built_before": now - pause if pause else None,
        },
    )
    return tuple(joined((midnight(row["day"]).astimezone(UTC) for row in rows), DAY))


def built(app: App, postgres: Postgres, since: datetime) -> dict[datetime, datetime]:
    """When each day from `since` on was made last, by its start; and the first day that was ever made."""
    rows = postgres.fetch(read_sql("attribution/built_days.sql"), {"app": app.name, "since": since.date()})
    return {midnight(row["day"]): row["built_at"] for row in rows}

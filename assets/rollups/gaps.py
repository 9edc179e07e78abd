"""Gaps: the windows of an app that no schedule built since they ended, because the daemon was away or a run failed.

What belongs here: asking the ledger. What does not: windows that changed after they were built (late.py).
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from assets.apps import App
from assets.capability import Request, Site, made_up
from assets.rollups.definition import Grain
from assets.rollups.late import horizon
from assets.rollups.periods import Period
from assets.windows import DAY, HOUR, Window, daily_key, floor_hour, hourly_key, midnight, missing
from resources.postgres import Postgres
from resources.sql_files import read_sql


def missing_requests(app: App, site: Site, length: Grain | Period, at: datetime) -> Iterator[Request]:
    """Requests for the windows that have begun a whole hour or day before `at`, and were not built since they ended.

    The period of yesterday is one of them while it is in progress. None lies before the horizon of late data.
    """
    since = horizon(midnight(site.calendar.start), site.late_horizon, at)
    windows = list(_begun(length, since, at))
    if not windows:
        return iter(())
    first, built = _built(app, site.rooms.postgres, length, windows[0].start)
    found = missing(windows, built, first=first)
    if length is Grain.HOURLY and windows[-1] not in found:
        # Today's run has made it, but with it the lake is compacted.
        found.append(windows[-1])
    key = hourly_key if length is Grain.HOURLY else daily_key
    return made_up(found, windows[-1].start, key, [("rollups", length.value)])


def _begun(length: Grain | Period, since: datetime, at: datetime) -> Iterator[Window]:
    step = HOUR if length is Grain.HOURLY else DAY
    until = max(since, floor_hour(at) if length is Grain.HOURLY else midnight(at.date()))
    if isinstance(length, Period):
        yield from length.covering(Window(since, until))
    else:
        yield from (Window(start, start + step) for start in Window(since, until).steps(step))


def _built(
    app: App, postgres: Postgres, length: Grain | Period, since: datetime
) -> tuple[datetime | None, dict[datetime, datetime]]:
    """From when on any of them, or an hour of one, was built; and when each was built last."""
    rows = postgres.fetch(
        read_sql("rollups/built_windows.sql"), {"app": app.name, "grain": length.value, "since": since}
    )
    built = {row["window_start"].astimezone(UTC): row["built_at"] for row in rows if row["window_start"] is not None}
    return rows[0]["first"], built

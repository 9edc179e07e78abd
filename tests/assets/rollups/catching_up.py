"""What sensor and schedules do until nothing is stale, and all that is made of the lake. No fixtures here."""

from datetime import datetime

from assets.rollups import late
from assets.rollups.definition import Grain
from assets.rollups.follow import follow
from assets.rollups.periods import Period
from assets.sessions import build as sessions
from assets.windows import DAY, HOUR, midnight
from tests.assets.rollups.event_lake import NOW, EventLake, Rows

EARLIEST = midnight(NOW.date()) - 45 * DAY


def everything(event_lake: EventLake) -> Rows:
    return {**event_lake.rows(), **event_lake.period_rows(), "sessions.daily": event_lake.table("sessions.daily")}


def clear(event_lake: EventLake) -> None:
    event_lake.clear()
    event_lake.postgres.execute("truncate sessions.daily, sessions.windows")


def catch_up(event_lake: EventLake) -> dict[str, set[datetime]]:
    """What sensor and schedules do until nothing is stale; the starts of what was made, by grain."""
    made: dict[str, set[datetime]] = {name: set() for name in ("hours", "days", "weeks", "months")}
    while follow(event_lake.app, event_lake.events, event_lake.postgres, event_lake.clock):
        pass
    found = late.stale(event_lake.app, event_lake.postgres, EARLIEST, event_lake.now)
    for grain, windows in ((Grain.HOURLY, found.hours), (Grain.DAILY, found.days)):
        for window in windows:
            event_lake.roll_up(grain, window.start, window.end)
            step = HOUR if grain is Grain.HOURLY else DAY
            made["hours" if grain is Grain.HOURLY else "days"].update(window.steps(step))
    for window in sessions.stale(event_lake.app, event_lake.postgres, EARLIEST, event_lake.now):
        sessions.Sessions(event_lake.app, event_lake.events, event_lake.postgres, event_lake.clock).run(window)
    found = late.stale(event_lake.app, event_lake.postgres, EARLIEST, event_lake.now)
    for period in Period:
        for window in found.ready(period):
            event_lake.roll_up_periods(period, window.start, window.end)
            made[f"{period.column}s"].update(w.start for w in period.covering(window))
    assert not late.stale(event_lake.app, event_lake.postgres, EARLIEST, event_lake.now)
    assert not sessions.stale(event_lake.app, event_lake.postgres, EARLIEST, event_lake.now)
    return made

"""The dashboards of organisations whose events landed a moment ago, brought up to date in the run that took them in.

What belongs here: whose dashboards these are, the families that change with a roll-up, and how long all that took since
the landing. What does not: writing to KV (warm.py), and keys that expire, which the hourly warming finds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import quantiles

from assets.apps import App
from assets.cache import warm
from assets.cache.families import families
from assets.cache.wanted import Family
from assets.rooms import Rooms
from assets.windows import midnight
from resources.sql_files import read_sql

ROLLED_UP = frozenset({("rollups", "hourly"), ("rollups", "daily")})


@dataclass(frozen=True)
class Shown:
    """What was done for how many organisations, and how long batches took from their landing until KV served them.

    through: when the newest roll-up was made that is shown now; None where none of today was.
    """

    organisations: int
    keys: int
    written: int
    took: Sequence[timedelta]
    through: datetime | None


def p95(values: Sequence[float]) -> float:
    """The 95th percentile of one value or more."""
    return quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else values[0]


def rolled_up(app: App) -> list[Family]:
    """The families whose values are made of roll-ups."""
    return [family for family in families(app) if ROLLED_UP.intersection(family.reads)]


def run(rooms: Rooms, app: App, since: datetime | None, writes: int) -> Shown:
    """Warm the keys of organisations whose day was rolled up after `since`, which an earlier run showed (None: any).

    The first run of all (None) measures nothing, because the hourly warming may have shown what landed before. A family
    that fails holds back no other. Its error is raised at the end.
    """
    day = midnight(rooms.clock().date())
    given = {"app": app.name, "day": day, "since": since}
    made = rooms.postgres.fetch(read_sql("cache/rolled_up_since.sql"), given)
    if not made:
        return Shown(0, 0, 0, (), since or rooms.clock())
    tags, through = frozenset(row["org_tag"] for row in made), max(row["built_at"] for row in made)
    warming, keys, written = warm.of(rooms, app), 0, 0
    errors: list[Exception] = []
    wanted = rolled_up(app)
    progress = rooms.progress(f"{app.title}: dashboards of today")
    for done, family in enumerate(wanted, 1):
        try:
            warmed = warming.run(family, writes=writes, tags=tags)
        except Exception as error:  # noqa: BLE001 (whatever it is, the other families can be shown)
            errors.append(error)
        else:
            keys, written = keys + warmed.survey.wanted, written + warmed.written
        progress(done, len(wanted))
    if errors:
        raise errors[0]
    now = rooms.clock()
    landed = rooms.postgres.fetch(read_sql("cache/landed_since.sql"), {**given, "through": through}) if since else []
    return Shown(len(tags), keys, written, [now - row["landed_at"] for row in landed], through)

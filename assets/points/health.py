"""What of points is wrong: flushed objects that wait, and lines that are refused more than usual.

What does not belong here: taking them (ingest.py).
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from assets.apps import App
from assets.capability import Site
from assets.finding import Finding, HealthCheck
from assets.intake import faults
from assets.points.ingest import PointIngest
from resources.d1.times import moment, stamp
from resources.sql_files import read_sql

# A look lists what landed in six hours: 25 requests for 100,000 objects a day.
QUARTERLY = timedelta(minutes=15)


def checks(app: App, site: Site) -> list[HealthCheck]:
    """The looks at what is flushed of an app that has points."""
    needs = ("postgres schema", "object store", f"{app.name}-d1 schema")
    return [
        HealthCheck(app.name, "points_wait", lambda now: _waiting(app, site, now), needs, every=QUARTERLY),
        HealthCheck(app.name, "refused_points", lambda now: _refused(app, site, now), needs),
    ]


def _waiting(app: App, site: Site, now: datetime) -> Iterator[Finding]:
    longest = timedelta(minutes=site.thresholds.points_minutes)
    objects = PointIngest.of(site.rooms, app).pending()
    yield from faults.waits(objects, longest, "points/ingested", f"clearlift job points --app {app.name}", now)


def _refused(app: App, site: Site, now: datetime) -> Iterator[Finding]:
    (row,) = site.rooms.d1(app).query(read_sql("points/refused_lately.sql"), [stamp(now - faults.LATELY)])
    if row["refused"]:
        replay = f"clearlift quarantine replay --app {app.name} --kind points"
        yield from faults.refused(row, moment(row["since"]), site.thresholds, replay, "quarantine of points")

"""What of the cache is wrong: families whose keys expired because they were not warmed.

What does not belong here: warming them (warm.py).
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from assets.apps import App
from assets.capability import Site
from assets.finding import Finding, HealthCheck
from resources.counts import counted
from resources.sql_files import read_sql


def checks(app: App, site: Site) -> list[HealthCheck]:
    """The look at the keys of an app."""
    return [HealthCheck(app.name, "expired_keys", lambda now: _expired(app, site, now))]


def _expired(app: App, site: Site, now: datetime) -> Iterator[Finding]:
    before = now - timedelta(hours=site.thresholds.cache_hours)
    known = {family.name for family in app.cache}
    for row in site.rooms.postgres.fetch(
        read_sql("cache/expired_families.sql"), {"namespace": app.name, "before": before}
    ):
        if row["family"] in known:
            said = f"{counted(row['keys'], 'key')} expired, and nothing warmed them again"
            command = f"clearlift job warm --app {app.name}"
            yield Finding(f"cache/{row['family']}", said, command, since=row["since"].astimezone(UTC))

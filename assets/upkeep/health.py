"""What of the lake's catalog is wrong: settings of the table that another engine changed.

What does not belong here: manifests, snapshots and files, which the checks of the assets look at.
"""

from collections.abc import Iterator
from datetime import datetime

from assets.apps import App
from assets.capability import Site
from assets.events.table import events_table
from assets.finding import Finding, HealthCheck
from resources.counts import listed


def checks(app: App, site: Site) -> list[HealthCheck]:
    """The look at the table of an app that collects events."""
    needs = ("postgres schema", f"{app.name}-lake")
    return [HealthCheck(app.name, "lake_settings", lambda now: _changed(app, site, now), needs)]


def _changed(app: App, site: Site, _now: datetime) -> Iterator[Finding]:
    table = events_table(app)
    if changed := site.rooms.lake.changed_properties(table):
        said = f"settings of the table are not ours: {listed(sorted(changed), 5)}"
        yield Finding(".".join(table.identifier), said, "clearlift migrate up")

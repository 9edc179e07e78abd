"""What of the lake's catalog is wrong: settings that another engine changed, and an expiry of snapshots beside ours.

What does not belong here: manifests, snapshots and files, which the checks of the assets look at.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from assets.apps import App
from assets.capability import Site
from assets.finding import Finding, HealthCheck
from assets.lake_tables import lake_tables
from resources.counts import listed

DISABLE = "npx wrangler basin catalog snapshot-expiration disable"


def checks(app: App, site: Site) -> list[HealthCheck]:
    """The looks at the lake tables of an app that collects events."""
    needs = ("postgres schema", f"{app.name}-lake")
    return [
        HealthCheck(app.name, "lake_settings", lambda now: _changed(app, site, now), needs),
        # Two requests to Cloudflare's API, for what people change by hand.
        HealthCheck(app.name, "catalog_expiry", lambda _: _expiries(app, site), needs, every=timedelta(hours=1)),
    ]


def _changed(app: App, site: Site, _now: datetime) -> Iterator[Finding]:
    for table in lake_tables(app):
        if changed := site.rooms.lake.changed_properties(table.spec):
            said = f"settings of the table are not ours: {listed(sorted(changed), 5)}"
            yield Finding(table.title, said, "clearlift migrate up")


def _expiries(app: App, site: Site) -> Iterator[Finding]:
    managed = site.rooms.lake.managed
    if managed is None:
        return
    for found in managed.expiries(*(table.spec.identifier for table in lake_tables(app))):
        said = (
            f"the catalog removes snapshots older than {found.age} by itself, but for the newest {found.least}: commits"
            " that roll-ups have not followed by then no longer say which hours they changed, so that whole days are"
            " counted again; upkeep removes snapshots once nothing needs them"
        )
        yield Finding("/".join(found.place), said, f"{DISABLE} {' '.join(found.place)}")

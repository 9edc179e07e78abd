"""What of compaction is wrong where it is left to the catalog: days whose small files it does not merge.

What does not belong here: our own compaction, whose runs fail where it does.
"""

from collections.abc import Iterator
from datetime import datetime

from assets.apps import App
from assets.capability import Site
from assets.compaction.by_catalog import behind
from assets.finding import Finding, HealthCheck
from assets.lake_tables import lake_tables
from resources.counts import counted

LOOKED_BACK = 7


def checks(app: App, site: Site) -> list[HealthCheck]:
    """The look at the tables of an app whose compaction is the catalog's."""
    if app.name not in site.compacted_by_catalog:
        return []
    needs = ("postgres schema", f"{app.name}-lake")
    return [HealthCheck(app.name, "catalog_compaction", lambda now: _behind(app, site, now), needs)]


def _behind(app: App, site: Site, now: datetime) -> Iterator[Finding]:
    for table in lake_tables(app):
        if groups := behind(site.rooms.lake.table(table.spec), now, LOOKED_BACK):
            files = counted(sum(len(group.files) for group in groups), "small file")
            said = f"the catalog has not merged {files} of {counted(len({g.day for g in groups}), 'day')} that ended"
            yield Finding(table.title, said, f"clearlift compact --app {app.name}")

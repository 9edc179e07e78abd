"""What the cache room brings: warming by the clock and by change, and the keys that a changed row deletes."""

from collections.abc import Iterator

from dagster import AssetSelection

from assets.apps import App
from assets.cache import assets, change_log, invalidation_assets
from assets.capability import Capability, Job, Request, Site, Tick, Watch, assets_of


def bring(app: App, site: Site) -> Capability:
    """Empty for an app without a KV namespace."""
    if not app.has_kv:
        return Capability()
    invalidated = ("cache", "invalidated")
    caches = AssetSelection.groups(f"{app.name}_cache")
    warmed = caches - assets_of(app, invalidated) if app.cache_aside else caches
    jobs, ticks, watches = [], [], []
    if app.cache_aside:
        jobs.append(Job("invalidate", assets_of(app, invalidated), "Delete cached keys that depend on changed rows."))
        ticks.append(
            Tick(
                "invalidate",
                "*/5 * * * *",
                "invalidate",
                "Every 5 minutes, keys that the application wrote of rows that changed since.",
            )
        )
        watches.append(
            Watch(
                "changed_rows",
                ("warm",),
                "Follows the application's change log; asks for the caches that are made of a changed table.",
                lambda _: _changed(app, site),
                seconds=300,
            )
        )
    jobs.append(Job("warm", warmed, "Count the access logs, then bring every cache up to date."))
    ticks.append(
        Tick(
            "warm",
            "35 * * * *",
            "warm",
            "At hh:35, every cache: what changed, what nears its expiry, what a budget left out before.",
        )
    )
    return Capability([*assets.build(app, site.cache_writes), *invalidation_assets.build(app)], jobs, ticks, watches)


def _changed(app: App, site: Site) -> Iterator[Request | str]:
    tables = {table for family in app.cache for store, table in family.reads if store == "d1"}
    newest = change_log.newest(site.rooms.d1(app), tables)
    for table, row in newest.items():
        # Of one change Dagster takes one request, however often the log is asked.
        yield Request(
            f"{table}-{row}",
            assets=[("cache", family.name) for family in app.cache if ("d1", table) in family.reads],
        )
    if not newest:
        yield "No row that a cache is made of has changed."

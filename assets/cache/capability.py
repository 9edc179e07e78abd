"""What the cache room brings: warming by the clock and after changes, a daily look at KV itself, and deleting the keys
that changed rows made.
"""

from collections.abc import Iterator

from dagster import AssetSelection

from assets.apps import App
from assets.cache import assets, invalidation_assets, verification_assets
from assets.capability import Capability, Job, Request, Site, Tick, Watch, assets_of
from assets.changes.d1 import D1ChangeLog


def bring(app: App, site: Site) -> Capability:
    """Empty for an app without a KV namespace."""
    if not app.has_kv:
        return Capability()
    invalidated, verified = ("cache", "invalidated"), ("cache", "verified")
    warmed = AssetSelection.groups(f"{app.name}_cache") - assets_of(app, verified)
    warmed = warmed - assets_of(app, invalidated) if app.cache_aside else warmed
    jobs, ticks, watches = [], [], []
    if app.cache_aside:
        jobs.append(Job("invalidate", assets_of(app, invalidated), "Delete cached keys that are made of changed rows."))
        ticks.append(
            Tick(
                "invalidate",
                "*/5 * * * *",
                "invalidate",
                "Every 5 minutes: delete keys that the application made of rows which have changed.",
            )
        )
    if any(table.store == "d1" for table in app.changes):
        watches.append(
            Watch(
                "changed_rows",
                ("warm",),
                "Follows the change log of the app's D1; asks for the caches that are made of a changed table.",
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
            "At hh:35, every cache: values that changed, that expire soon, or that a budget left out before.",
        )
    )
    jobs.append(Job("verify_cache", assets_of(app, verified), "List KV, compare it with the index, correct it."))
    ticks.append(
        Tick(
            "verify_cache",
            "20 4 * * *",
            "verify_cache",
            "Daily at 04:20: list every key of KV; write what is missing or overwritten, delete what is in no index.",
        )
    )
    built = [
        *assets.build(app, site.cache_writes),
        *verification_assets.build(app, site.cache_writes),
        *invalidation_assets.build(app),
    ]
    return Capability(built, jobs, ticks, watches)


def _changed(app: App, site: Site) -> Iterator[Request | str]:
    tables = {table for family in app.cache for store, table in family.reads if store == "d1"}
    newest = D1ChangeLog(site.rooms.d1(app)).newest(tables)
    for table, row in newest.items():
        # Dagster starts one run for a key, so that each change starts one run.
        yield Request(
            f"{table}-{row}",
            assets=[("cache", family.name) for family in app.cache if ("d1", table) in family.reads],
        )
    if not newest:
        yield "No row that a cache is made of has changed."

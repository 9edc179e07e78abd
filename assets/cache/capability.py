"""What the cache room brings: warming by the clock and after changes, a daily look at KV itself, and deleting the keys
that changed rows made.
"""

from collections.abc import Iterator
from datetime import timedelta

from dagster import AssetSelection, MaterializeResult

from assets.apps import App
from assets.cache import assets, health, invalidate, invalidation_assets, today_assets, verification_assets
from assets.capability import AfterGap, Capability, Job, Request, Site, Tick, Watch, assets_of
from assets.changes.d1 import D1ChangeLog


def bring(app: App, site: Site) -> Capability:
    """Empty for an app without a KV namespace."""
    if not app.has_kv:
        return Capability()
    invalidated, verified = ("cache", "invalidated"), ("cache", "verified")
    warmed = AssetSelection.groups(f"{app.name}_cache") - assets_of(app, verified)
    warmed = warmed - assets_of(app, invalidated) if app.cache_aside else warmed
    warmed = warmed - assets_of(app, ("cache", "today")) if app.audience is not None else warmed
    jobs, ticks, watches = [], [], []
    if app.cache_aside:
        jobs.append(
            Job(
                "invalidate",
                assets_of(app, invalidated),
                "Delete cached keys that are made of changed rows.",
                timedelta(hours=1),
            )
        )
        watches.append(
            Watch(
                "invalidation",
                (),
                "Deletes keys that the application made of rows which have changed, without a run.",
                lambda _: _invalidated(app, site),
                seconds=300,
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
    jobs.append(Job("warm", warmed, "Count the access logs, then bring every cache up to date.", timedelta(hours=1)))
    ticks.append(
        Tick(
            "warm",
            "35 * * * *",
            "warm",
            "At hh:35, every cache: values that changed, that expire soon, or that a budget left out before.",
            AfterGap.LATEST,
        )
    )
    jobs.append(
        Job(
            "verify_cache",
            assets_of(app, verified),
            "List KV, compare it with the index, correct it.",
            timedelta(hours=2),
        )
    )
    ticks.append(
        Tick(
            "verify_cache",
            "20 4 * * *",
            "verify_cache",
            "Daily at 04:20: list every key of KV; write what is missing or overwritten, delete what is in no index.",
            AfterGap.LATEST,
        )
    )
    built = [
        *assets.build(app, site.cache_writes),
        *verification_assets.build(app, site.cache_writes),
        *invalidation_assets.build(app),
        *today_assets.build(app, site.cache_writes),
    ]
    return Capability(built, jobs, ticks, watches, health.checks(app, site))


def _changed(app: App, site: Site) -> Iterator[Request | str]:
    tables = {table for family in app.cache for store, table in family.reads if store == "d1"}
    newest = D1ChangeLog(site.rooms.d1(app)).newest(tables)
    for table, (row, changed_at) in newest.items():
        yield Request(
            table,
            assets=[("cache", family.name) for family in app.cache if ("d1", table) in family.reads],
            state=str(row),
            once=True,
            since=changed_at,
        )
    if not newest:
        yield "No row that a cache is made of has changed."


def _invalidated(app: App, site: Site) -> Iterator[MaterializeResult[None]]:
    yield invalidation_assets.result(app, invalidate.of(site.rooms, app, pages=invalidation_assets.PAGES))

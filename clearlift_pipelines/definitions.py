"""The composition root: the only file that knows everything. One loop over the apps builds the graph."""

import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from dagster import (
    AssetChecksDefinition,
    BetaWarning,
    Definitions,
    ResourceDefinition,
    definitions,
    in_process_executor,
)

import assets.ads.assets
import assets.archive.assets
import assets.attribution.assets
import assets.cache.assets
import assets.cache.invalidation_assets
import assets.compaction.assets
import assets.events.assets
import assets.media.assets
import assets.retention.assets
import assets.retention.sesh_assets
import assets.rollups.assets
import assets.sesh.assets
import assets.sesh.metric_assets
import assets.sessions.assets
import assets.tables
import assets.upkeep.assets
from assets.apps import APPS
from assets.partitions import Calendar
from assets.progress import Progress, silent
from assets.windows import midnight
from clearlift_pipelines import jobs, schedules, sensors, settings
from clearlift_pipelines.settings import Settings
from clearlift_pipelines.stores import Stores

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


def build_defs(given: Settings, stores: Stores | None = None, **overrides: Any) -> Definitions:
    """The code location of one set of settings. `overrides` replace resources by name, e.g. `clock=…`.

    Nothing is opened here: a store opens when an asset, check or sensor first uses it.
    """
    # Backfill policies and freshness are beta in Dagster 1.13, said once for every asset.
    warnings.filterwarnings("ignore", category=BetaWarning)
    stores = stores or Stores(given)
    clock: Clock = overrides.get("clock", utc_now)
    calendar = Calendar(given.partitions_start)
    graph: list[Any] = []
    for app in APPS:
        graph += assets.tables.build(app)
        graph += assets.events.assets.build(app, calendar)
        graph += assets.compaction.assets.build(app)
        graph += assets.upkeep.assets.build(app)
        graph += assets.rollups.assets.build(app, calendar, given.late_horizon)
        graph += assets.sessions.assets.build(app, calendar)
        graph += assets.cache.assets.build(app, given.cache_writes_per_run)
        graph += assets.cache.invalidation_assets.build(app)
        graph += assets.ads.assets.build(app, calendar)
        graph += assets.attribution.assets.build(app, calendar)
        graph += assets.archive.assets.build(app, calendar)
        graph += assets.retention.assets.build(app)
        graph += assets.retention.sesh_assets.build(app)
        graph += assets.media.assets.build(app)
        graph += assets.sesh.assets.build(app)
        graph += assets.sesh.metric_assets.build(app)
    all_jobs = jobs.build()
    return Definitions(
        assets=[a for a in graph if not _is_check(a)],
        asset_checks=[a for a in graph if _is_check(a)],
        jobs=list(all_jobs.values()),
        schedules=schedules.build(all_jobs, given.partitions_start),
        sensors=sensors.build(all_jobs, stores, clock, midnight(given.partitions_start), given.late_horizon),
        resources={**_resources(stores), **overrides},
        executor=in_process_executor,
    )


def _resources(stores: Stores) -> dict[str, Any]:
    resources: dict[str, Any] = {
        "postgres": _opened(lambda: stores.postgres, "Ad, growth and roll-up data, ledgers and locks"),
        "object_store": _opened(lambda: stores.object_store, "R2: landing zone, quarantine, lake files, archives"),
        "lake": _opened(lambda: stores.lake, "Iceberg tables"),
        "r2_sql": _opened(lambda: stores.r2_sql, "A second way to read the lake, where it is configured"),
        "keyring": _opened(lambda: stores.keyring, "The keys that seal credentials"),
        "ad_apps": _opened(lambda: stores.ad_apps, "Our registered applications at the ad platforms"),
        "ad_origin": _opened(lambda: stores.ad_origin, "Put in front of the ad platforms' hosts, where it is set"),
        "clock": utc_now,
        "progress": _silent,
    }
    for app in APPS:
        if app.d1_migrations is not None:
            resources[f"{app.name}_d1"] = _opened(partial(stores.d1, app), f"{app.title}'s database")
        resources[f"{app.name}_kv"] = _opened(partial(stores.kv, app), f"{app.title}'s KV namespace")
    return resources


def _opened(open_store: Callable[[], Any], description: str) -> ResourceDefinition:
    return ResourceDefinition(lambda _: open_store(), description=description)


def _silent(_label: str) -> Progress:
    return silent


def _is_check(definition: Any) -> bool:
    return isinstance(definition, AssetChecksDefinition)


@definitions
def defs() -> Definitions:
    """What Dagster loads; it calls this, so that importing the module reads no environment variable."""
    return build_defs(settings.load())

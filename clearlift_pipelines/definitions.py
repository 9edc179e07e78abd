"""The composition root: what every room brings for every app, merged into one code location."""

import warnings
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from types import ModuleType
from typing import Any

from dagster import (
    AssetChecksDefinition,
    BetaWarning,
    Definitions,
    InitResourceContext,
    ResourceDefinition,
    definitions,
    in_process_executor,
)

import assets.ads.capability
import assets.archive.capability
import assets.attribution.capability
import assets.backups.capability
import assets.cache.capability
import assets.columns.capability
import assets.compaction.capability
import assets.compliance.capability
import assets.database.capability
import assets.erasure.capability
import assets.events.capability
import assets.experiments.capability
import assets.export.capability
import assets.growth.capability
import assets.integrity.capability
import assets.media.capability
import assets.metrics.capability
import assets.points.capability
import assets.retention.capability
import assets.rollups.capability
import assets.sealing.capability
import assets.series.capability
import assets.sessions.capability
import assets.tables.capability
import assets.upkeep.capability
from assets.apps import APPS, App
from assets.apps.pipelines import PIPELINES
from assets.automation import as_job, as_schedule, as_sensor
from assets.backups.source_assets import joined
from assets.capability import Capability, Site
from assets.finding import HealthCheck
from assets.health import sensors as health_sensors
from assets.page import assets as page_assets
from assets.partitions import Calendar
from clearlift_pipelines import page, purge_job, settings, store_places
from clearlift_pipelines.health import alerts_of, look_of
from clearlift_pipelines.settings import Settings
from clearlift_pipelines.stores import Stores
from resources import private

ROOMS: tuple[ModuleType, ...] = (
    assets.tables.capability,
    assets.integrity.capability,
    assets.events.capability,
    assets.compaction.capability,
    assets.upkeep.capability,
    assets.rollups.capability,
    assets.sessions.capability,
    assets.cache.capability,
    assets.ads.capability,
    assets.attribution.capability,
    assets.series.capability,
    assets.points.capability,
    assets.metrics.capability,
    assets.columns.capability,
    assets.experiments.capability,
    assets.growth.capability,
    assets.database.capability,
    assets.media.capability,
    assets.archive.capability,
    assets.retention.capability,
    assets.backups.capability,
    assets.sealing.capability,
    assets.erasure.capability,
    assets.export.capability,
    assets.compliance.capability,
)
"""A further capability is a folder in assets/ and one line here."""


def brought(
    stores: Stores, apps: Sequence[App] = APPS, rooms: Sequence[ModuleType] = ROOMS
) -> Iterator[tuple[App, list[Capability]]]:
    """What every room brings, app by app; and at the end for the stores that all apps share."""
    # Backfill policies and freshness are beta in Dagster 1.13, said once for every asset.
    warnings.filterwarnings("ignore", category=BetaWarning)
    chosen = stores.settings
    site = Site(
        stores,
        Calendar(chosen.partitions_start),
        chosen.late_horizon,
        chosen.cache_writes_per_run,
        (chosen.backup_days, chosen.backup_weeks, chosen.backup_months),
        frozenset(app.name for app in apps if stores.is_sealed(app)),
        chosen.plain_email_hashes,
        chosen.erasure_wait,
        chosen.limits,
        chosen.late_pause,
    )
    for app in apps:
        yield app, [room.bring(app, site) for room in rooms]
    shared = [
        assets.backups.capability.bring_shared(site),
        assets.compliance.capability.bring_shared(),
        assets.sealing.capability.bring_shared(site),
    ]
    yield PIPELINES, shared


def health_checks(brought: Iterable[tuple[App, list[Capability]]]) -> list[HealthCheck]:
    """The looks of all rooms at what is wrong."""
    return [check for _, of_app in brought for capability in of_app for check in capability.health]


def build_defs(
    chosen: Settings,
    stores: Stores | None = None,
    *,
    apps: Sequence[App] = APPS,
    rooms: Sequence[ModuleType] = ROOMS,
) -> Definitions:
    """The code location of one set of settings.

    Nothing is opened here: a store opens when an asset, check or sensor first uses it.
    """
    stores = stores or Stores(chosen)
    capabilities = list(brought(stores, apps, rooms))
    purge, purge_schedule = purge_job.build(chosen.history_days, lambda: stores.clock())
    graph: list[Any] = [health_sensors.asset(), page_assets.asset()]
    jobs: list[Any] = [purge]
    schedules: list[Any] = [purge_schedule]
    checks = health_checks(capabilities)
    sensors: list[Any] = health_sensors.build(partial(look_of, stores, checks), partial(alerts_of, stores))
    sensors.append(page_assets.sensor(partial(page.write, stores)))
    for app, of_app in capabilities:
        own = {job.name: as_job(app, job) for capability in of_app for job in capability.jobs}
        graph += [definition for capability in of_app for definition in capability.assets]
        jobs += own.values()
        schedules += [as_schedule(app, tick, own, stores) for capability in of_app for tick in capability.ticks]
        sensors += [as_sensor(app, watch, own, stores) for capability in of_app for watch in capability.watches]
    graph = joined(graph, apps)
    return Definitions(
        assets=[a for a in graph if not isinstance(a, AssetChecksDefinition)],
        asset_checks=[a for a in graph if isinstance(a, AssetChecksDefinition)],
        jobs=jobs,
        schedules=schedules,
        sensors=sensors,
        resources={"rooms": _resource(stores)},
        executor=in_process_executor,
    )


def _resource(stores: Stores) -> ResourceDefinition:
    """The stores; its description in the UI says which is real, which embedded, and where."""

    def stores_of_the_settings(_: InitResourceContext) -> Stores:
        return stores

    rows = [f"| {one.name} | {one.kind} | `{one.where}` |" for one in store_places.of(stores.settings)]
    head = ["The stores that assets work with.", "", "| store | is | where |", "| --- | --- | --- |"]
    return ResourceDefinition(stores_of_the_settings, description="\n".join([*head, *rows]))


@definitions
def defs() -> Definitions:
    """What Dagster loads; it calls this, so that importing the module reads no environment variable."""
    private.from_now_on()
    return build_defs(settings.load())

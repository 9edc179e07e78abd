"""The invalidation of cache-aside keys as an asset. The work is in invalidate.py."""

from collections.abc import Iterator
from datetime import timedelta

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetKey,
    AssetsDefinition,
    FreshnessPolicy,
    MaterializeResult,
    ResourceParam,
)

from assets.apps import App
from assets.cache import invalidate
from assets.cache.invalidate import Invalidated
from assets.description import app_asset
from assets.rooms import Rooms

# The sensor looks every 5 minutes. A row that waited for longer than this was missed by two of its looks.
IN_TIME = timedelta(minutes=15)
# Pages of a change log in one look of the sensor, which has 60 s.
PAGES = 4


def build(app: App) -> list[AssetsDefinition]:
    """The invalidation of an app that writes keys to KV itself; empty for any other."""
    return [_invalidated(app)] if app.cache_aside else []


def _invalidated(app: App) -> AssetsDefinition:
    templates = [f"`{key}`" for aside in app.cache_aside for key in aside.keys]

    @app_asset(
        app,
        "cache",
        "invalidated",
        store="kv",
        holds=[],
        kinds={"cloudflare", "workerskv", "sqlite"},
        deps=[[app.name, "d1", aside.table] for aside in app.cache_aside],
        description=(
            f"Keys that {app.title} writes to KV itself, deleted when the change log says that their row changed: "
            f"{', '.join(dict.fromkeys(templates))}."
        ),
        pool="kv",
        freshness_policy=FreshnessPolicy.time_window(fail_window=timedelta(hours=1), warn_window=timedelta(minutes=20)),
        checks={
            "changes_read_in_time": f"No row of the change log waited longer than {IN_TIME.seconds // 60} minutes.",
        },
    )
    def invalidated(rooms: ResourceParam[Rooms]) -> Iterator[MaterializeResult[None]]:
        yield result(app, invalidate.of(rooms, app))

    return invalidated


def result(app: App, done: Invalidated) -> MaterializeResult[None]:
    """What an invalidation did, as the result of the asset, in a run or without one."""
    lag = done.lag.total_seconds()
    return MaterializeResult(
        asset_key=AssetKey([app.name, "cache", "invalidated"]),
        metadata={"rows_read": done.rows, "keys_deleted": done.keys, "lag_seconds": lag},
        check_results=[
            AssetCheckResult(
                check_name="changes_read_in_time",
                passed=done.lag <= IN_TIME,
                severity=AssetCheckSeverity.WARN,
                description=f"The oldest unread row had waited for {lag:.0f} s.",
                metadata={"lag_seconds": lag},
            )
        ],
    )

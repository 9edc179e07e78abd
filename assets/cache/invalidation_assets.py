"""The invalidation of cache-aside keys as an asset. The work itself is in invalidate.py."""

from collections.abc import Iterator
from datetime import timedelta

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetsDefinition,
    FreshnessPolicy,
    MaterializeResult,
    ResourceParam,
    asset,
)

from assets.apps import App
from assets.cache.invalidate import invalidate
from assets.description import asset_arguments
from assets.rooms import Rooms

# Runs come every 5 minutes: a row that waited longer than this has missed two.
IN_TIME = timedelta(minutes=15)


def build(app: App) -> list[AssetsDefinition]:
    """The invalidation of an application that keeps keys of its own in KV."""
    return [_invalidated(app)] if app.cache_aside else []


def _invalidated(app: App) -> AssetsDefinition:
    arguments = asset_arguments(
        app, "cache", "invalidated", store="kv", holds=[], kinds={"cloudflare", "workerskv", "sqlite"}
    )
    templates = [f"`{key}`" for aside in app.cache_aside for key in aside.keys]

    @asset(
        **arguments,
        deps=[[app.name, "d1", aside.table] for aside in app.cache_aside],
        description=(
            f"Keys that {app.title} writes to KV itself, deleted where the change log says that a row changed: "
            f"{', '.join(dict.fromkeys(templates))}."
        ),
        pool="kv",
        freshness_policy=FreshnessPolicy.time_window(fail_window=timedelta(hours=1), warn_window=timedelta(minutes=20)),
        check_specs=[
            AssetCheckSpec(
                "changes_read_in_time",
                asset=arguments["key"],
                description=f"No row of the change log waited longer than {IN_TIME.seconds // 60} minutes.",
            )
        ],
    )
    def invalidated(rooms: ResourceParam[Rooms]) -> Iterator[MaterializeResult[None]]:
        done = invalidate(
            rooms.d1(app),
            rooms.kv(app),
            app.cache_aside,
            rooms.clock,
        )
        lag = done.lag.total_seconds()
        yield MaterializeResult(
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

    return invalidated

"""Cache assets: one a family of keys. The work itself is in warm.py."""

from datetime import timedelta

from dagster import (
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    FreshnessPolicy,
    MaterializeResult,
    MetadataValue,
    asset,
)

from assets.apps import App
from assets.cache.dashboards import FAMILIES, RANGES, Family, wanted
from assets.cache.warm import warm
from assets.description import asset_arguments


def build(app: App) -> list[AssetsDefinition]:
    """The dashboards of an application that has an audience."""
    if app.audience is None:
        return []
    return [_family(app, family) for family in FAMILIES]


def _family(app: App, family: Family) -> AssetsDefinition:
    kv = f"{app.name}_kv"

    @asset(
        **asset_arguments(app, "cache", family.name, store="kv", pii=False, kinds={"cloudflare", "workerskv", "json"}),
        deps=[[app.name, "rollups", "daily"]],
        description=(
            f"{family.description}, by organisation, over {', '.join(RANGES)}: keys "
            f"`dashboard:{{org_tag}}:{family.name}:{{range}}`. Values that did not change are not written again."
        ),
        pool="kv",
        freshness_policy=FreshnessPolicy.time_window(fail_window=timedelta(hours=26), warn_window=timedelta(hours=3)),
        required_resource_keys={kv, "postgres", "clock"},
    )
    def warmed(context: AssetExecutionContext) -> MaterializeResult[None]:
        postgres, clock = context.resources.postgres, context.resources.clock
        done = warm(
            getattr(context.resources, kv),
            postgres,
            app.name,
            family.name,
            lambda: wanted(postgres, family, clock().date()),
            clock,
        )
        return MaterializeResult(
            metadata={
                "keys": done.wanted,
                "written": done.written,
                "new": done.new,
                "changed": done.changed,
                "renewed": done.renewed,
                "deleted": done.deleted,
                "unchanged": done.unchanged,
                "bytes_written": done.bytes,
                "made_from": MetadataValue.asset(AssetKey([app.name, "rollups", "daily"])),
            }
        )

    return warmed

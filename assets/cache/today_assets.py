"""The asset of what KV serves of today. The work is in today.py."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from statistics import median
from typing import Any, cast

from dagster import (
    AssetExecutionContext,
    AssetRecordsFilter,
    AssetsDefinition,
    FreshnessPolicy,
    MaterializeResult,
    MetadataValue,
    ResourceParam,
)

from assets.apps import App
from assets.cache import today
from assets.cache.today import Shown, p95
from assets.description import app_asset
from assets.rooms import Rooms
from assets.windows import DAY

# The entry of an asset's metadata that says up to which roll-up it shows; the next run goes on from there.
THROUGH = "through"
# The entry with the seconds that each batch took.
TOOK = "landing_to_kv_s"
# More runs than a day has minutes are not read.
MOST_RUNS = 1_440


def build(app: App, writes: int) -> list[AssetsDefinition]:
    """What KV serves of today, for an app that collects events. writes: how many keys of a family one run may write."""
    if app.audience is None:
        return []

    @app_asset(
        app,
        "cache",
        "today",
        store="kv",
        holds=[("kv", family.name) for family in today.rolled_up(app)],
        kinds={"cloudflare", "workerskv", "json"},
        deps=[[app.name, "rollups", "today"], [app.name, "d1", app.audience.org_tags_table]],
        description=(
            "Dashboards of the organisations whose events landed, brought up to date in the run that took them in. The "
            "hourly warming writes the same keys, and those that expire. The plots show how long batches took from "
            "their landing in R2 until KV served them."
        ),
        pool="kv",
        # As for events/ingested: a quiet site lands nothing, and only the daily sweep is due.
        freshness_policy=FreshnessPolicy.time_window(fail_window=timedelta(hours=50), warn_window=timedelta(hours=26)),
    )
    def shown(context: AssetExecutionContext, rooms: ResourceParam[Rooms]) -> MaterializeResult[None]:
        done = today.run(rooms, app, _through(context), writes)
        return MaterializeResult(metadata=_metadata(done, _of_a_day(context, rooms.clock())))

    return [shown]


def _through(context: AssetExecutionContext) -> datetime | None:
    event = context.instance.get_latest_materialization_event(context.asset_key)
    made = event.asset_materialization if event is not None else None
    entry = made.metadata.get(THROUGH) if made is not None else None
    return datetime.fromisoformat(str(entry.value)) if entry is not None else None


def _of_a_day(context: AssetExecutionContext, now: datetime) -> list[float]:
    """How long the batches of earlier runs took, of the last 24 hours."""
    since = AssetRecordsFilter(asset_key=context.asset_key, after_timestamp=(now - DAY).timestamp())
    records = context.instance.fetch_materializations(since, limit=MOST_RUNS).records
    made = (record.asset_materialization for record in records)
    entries = (one.metadata.get(TOOK) for one in made if one is not None)
    return [each for entry in entries if entry is not None for each in cast("list[float]", entry.value)]


def _metadata(shown: Shown, before: list[float]) -> Mapping[str, Any]:
    took = [round(each.total_seconds(), 1) for each in shown.took]
    of_a_day = before + took
    return {
        "organisations": shown.organisations,
        "keys": shown.keys,
        "written": shown.written,
        "batches": len(took),
        **({"landing_to_kv_longest_s": max(took), TOOK: MetadataValue.json(took)} if took else {}),
        **(
            {"landing_to_kv_median_of_a_day_s": median(of_a_day), "landing_to_kv_p95_of_a_day_s": p95(of_a_day)}
            if of_a_day
            else {}
        ),
        **({THROUGH: MetadataValue.text(shown.through.isoformat())} if shown.through is not None else {}),
    }

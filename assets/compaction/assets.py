"""The compaction asset: the lake's small files merged, hour by hour. The work itself is in rewrite.py."""

from dagster import AssetExecutionContext, AssetsDefinition, Config, MaterializeResult, asset

from assets.apps import App
from assets.compaction.rewrite import Compaction
from assets.description import asset_arguments
from assets.description import table as table_of
from assets.events.assets import EVENT_SCHEMA
from assets.events.table import EVENTS


class CompactionConfig(Config):
    """org: one organisation's tag only. dry_run: say what would be merged, merge nothing."""

    org: str | None = None
    dry_run: bool = False


def build(app: App) -> list[AssetsDefinition]:
    """The compaction of an application that has an audience."""
    if app.audience is None:
        return []

    @asset(
        **asset_arguments(app, "events", "compacted", store="lake", pii=True, kinds={"iceberg", "parquet", "polars"}),
        deps=[[app.name, "events", "ingested"]],
        description=(
            "The events table with each partition's small files merged into large ones, by replacing exactly the "
            "files that were read. Partitions that need nothing are left alone."
        ),
        metadata={"dagster/column_schema": EVENT_SCHEMA, "dagster/table_name": ".".join(EVENTS.identifier)},
        pool="lake",
        required_resource_keys={"lake", "progress"},
    )
    def compacted(context: AssetExecutionContext, config: CompactionConfig) -> MaterializeResult[None]:
        table = context.resources.lake.table(EVENTS)
        engine = Compaction(table, progress=context.resources.progress("groups compacted"))
        if config.dry_run:
            groups = engine.plan(org=config.org)
            return MaterializeResult(
                metadata={
                    "would_merge_files": sum(len(g.files) for g in groups),
                    "would_make_files": len(groups),
                    "plan": table_of(
                        [
                            {"org": g.tenant, "day": g.day, "files": len(g.files), "bytes": g.bytes, "rows": g.rows}
                            for g in groups
                        ]
                    ),
                }
            )
        done = engine.run(org=config.org)
        live = table.files()
        return MaterializeResult(
            metadata={
                "groups": done.groups,
                "files_before": done.files_before,
                "files_after": done.files_after,
                "bytes_before": done.bytes_before,
                "bytes_after": done.bytes_after,
                "rows_rewritten": done.rows,
                "doubles_dropped": done.doubles,
                "seconds": round(done.seconds, 3),
                "mb_per_second": round(done.mb_per_second, 1),
                "dagster/row_count": sum(f.rows for f in live),
                "table_files": len(live),
                "table_bytes": sum(f.bytes for f in live),
                "partitions": table_of([{"org": o, "day": d} for o, d in done.partitions[:100]]),
            }
        )

    return [compacted]

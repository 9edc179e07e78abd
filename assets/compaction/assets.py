"""The compaction asset: the lake's small files merged, hour by hour. The work itself is in rewrite.py."""

from datetime import UTC, datetime

from dagster import AssetExecutionContext, AssetsDefinition, Config, MaterializeResult, ResourceParam, asset
from dagster._core.storage.tags import PARTITION_NAME_TAG

from assets.apps import App
from assets.compaction.rewrite import Compaction
from assets.description import asset_arguments
from assets.description import table as table_of
from assets.events.assets import EVENT_SCHEMA
from assets.events.table import events_table
from assets.rooms import Rooms
from assets.windows import DAY, midnight


class CompactionConfig(Config):
    """org: one organisation's tag only. dry_run: say what would be merged, merge nothing."""

    org: str | None = None
    dry_run: bool = False


def build(app: App) -> list[AssetsDefinition]:
    """The compaction of an application that has an audience."""
    if app.audience is None:
        return []

    @asset(
        **asset_arguments(
            app,
            "events",
            "compacted",
            store="lake",
            holds=[("lake", app.audience.table)],
            kinds={"iceberg", "parquet", "polars"},
        ),
        deps=[[app.name, "events", "ingested"]],
        description=(
            "The events table with each partition's small files merged into large ones, by replacing exactly the "
            "files that were read. Partitions that need nothing are left alone."
        ),
        metadata={"dagster/column_schema": EVENT_SCHEMA, "dagster/table_name": ".".join(events_table(app).identifier)},
        pool="lake",
    )
    def compacted(
        context: AssetExecutionContext, config: CompactionConfig, rooms: ResourceParam[Rooms]
    ) -> MaterializeResult[None]:
        table = rooms.lake.table(events_table(app))
        engine = Compaction(table, progress=rooms.progress("groups compacted"))
        since = looked_at_since(context.run.tags.get(PARTITION_NAME_TAG))
        if config.dry_run:
            groups = engine.plan(since, org=config.org)
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
        done = engine.run(since, org=config.org)
        live = table.totals()
        return MaterializeResult(
            metadata={
                "groups": done.groups,
                "files_before": done.files_before,
                "files_after": done.files_after,
                "bytes_before": done.bytes_before,
                "bytes_after": done.bytes_after,
                "checksum_before": f"{done.checksum_before:016x}",
                "checksum_after": f"{done.checksum_after:016x}",
                "rows_rewritten": done.rows,
                "doubles_dropped": done.doubles,
                "seconds": round(done.seconds, 3),
                "mb_per_second": round(done.mb_per_second, 1),
                "looked_at_since": since.isoformat() if since else "the beginning",
                "dagster/row_count": live.rows,
                "table_files": live.files,
                "table_bytes": live.bytes,
                "partitions": table_of([{"org": o, "day": d} for o, d in done.partitions[:100]]),
            }
        )

    return [compacted]


def looked_at_since(hour: str | None) -> datetime | None:
    """From when on an hourly run plans: the day before its hour; at midnight, and in a run of no hour, from the start.

    A plan reads an entry of every file that it looks at, 0.15 ms each: the whole history, every hour, would come to
    cost more than the hour itself. What arrives for older days waits for midnight.
    """
    if hour is None:
        return None
    at = datetime.strptime(hour, "%Y-%m-%d-%H:%M").replace(tzinfo=UTC)
    return None if at.hour == 0 else midnight(at.date()) - DAY

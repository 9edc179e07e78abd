"""The compaction asset: small files of the lake merged, hour by hour. The engine is in rewrite.py."""

from datetime import datetime
from typing import Any

from dagster import AssetExecutionContext, AssetsDefinition, Config, MaterializeResult, ResourceParam
from dagster._core.storage.tags import PARTITION_NAME_TAG
from pydantic import Field

from assets.apps import App
from assets.compaction.by_catalog import seen
from assets.compaction.plan import planned_since
from assets.compaction.rewrite import Compaction
from assets.description import app_asset, column_schema
from assets.description import table as table_of
from assets.lake_tables import AppTable, lake_tables
from assets.other_engine import within
from assets.rooms import Rooms
from resources.lake import LakeTable

MERGED = (
    "The {} table, with the small files of each partition merged into large ones. Exactly the files that were read "
    "are replaced. Partitions that need no merge stay as they are."
)
LEFT = "The {} table, whose small files the catalog merges. A run only looks at what it merged, and what waits."


class CompactionConfig(Config):
    """What a run merges."""

    org: str | None = Field(default=None, description="Only the files of this organisation's tag.")
    dry_run: bool = Field(default=False, description="Report what would be merged, and merge nothing.")


def build(app: App, *, by_catalog: bool = False) -> list[AssetsDefinition]:
    """The compaction of an app's lake tables; `by_catalog`, they are only looked at, for the catalog does it."""
    return [_compacted(app, table, by_catalog=by_catalog) for table in lake_tables(app)]


def _compacted(app: App, table: AppTable, *, by_catalog: bool) -> AssetsDefinition:
    @app_asset(
        app,
        *table.compacted,
        store="lake",
        holds=[("lake", table.title)],
        kinds={"iceberg", "parquet", "polars"},
        deps=[[app.name, *table.written_by]],
        description=(LEFT if by_catalog else MERGED).format(table.spec.name),
        metadata={
            "dagster/column_schema": column_schema(
                (column.name, column.type.value, column.doc, not column.required) for column in table.spec.columns
            ),
            "dagster/table_name": table.title,
        },
        pool="lake",
    )
    def compacted(
        context: AssetExecutionContext, config: CompactionConfig, rooms: ResourceParam[Rooms]
    ) -> MaterializeResult[None]:
        engine = Compaction.of(rooms, table.spec, within(rooms.other_engine, context))
        since = planned_since(context.run.tags.get(PARTITION_NAME_TAG))
        if by_catalog:
            return MaterializeResult(metadata=_seen(engine.table, since, config.org))
        if config.dry_run:
            groups = engine.plan(since, org=config.org)
            return MaterializeResult(
                metadata={
                    "would_merge_files": sum(len(group.files) for group in groups),
                    "would_make_files": len(groups),
                    "files_of_other_partition_specs": engine.foreign(since, org=config.org),
                    "plan": table_of(
                        [
                            {
                                "org": group.tenant,
                                "day": group.day,
                                "files": len(group.files),
                                "bytes": group.bytes,
                                "rows": group.rows,
                            }
                            for group in groups
                        ]
                    ),
                }
            )
        done = engine.run(since, org=config.org)
        live = engine.table.totals()
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
                "groups_by_other_engine": done.elsewhere,
                "seconds": round(done.seconds, 3),
                "mb_per_second": round(done.mb_per_second, 1),
                "looked_at_since": since.isoformat() if since else "the beginning",
                "dagster/row_count": live.rows,
                "table_files": live.files,
                "table_bytes": live.bytes,
                "partitions": table_of([{"org": org, "day": day} for org, day in done.partitions[:100]]),
            }
        )

    return compacted


def _seen(table: LakeTable, since: datetime | None, org: str | None) -> dict[str, Any]:
    found, live = seen(table, since, org), table.totals()
    return {
        "compacted_by": "the catalog",
        "merges_in_the_kept_history": found.merges,
        "merged_at": found.merged_at.isoformat() if found.merged_at else "never",
        "files": found.files,
        "small_files": found.small,
        "files_of_other_partition_specs": found.apart,
        "looked_at_since": since.isoformat() if since else "the beginning",
        "dagster/row_count": live.rows,
        "table_files": live.files,
        "table_bytes": live.bytes,
    }

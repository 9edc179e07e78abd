"""Event assets: what has landed, and what was ingested of it. The work itself is in ingest.py."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetsDefinition,
    AssetSpec,
    Config,
    FreshnessPolicy,
    MaterializeResult,
    MetadataValue,
    ResourceParam,
    asset,
)

from assets.apps import App
from assets.apps.personal import Holding
from assets.description import asset_arguments, column_schema, preview
from assets.description import table as table_of
from assets.events.ingest import Ingest
from assets.events.ledger import Ledger, RunOutcome
from assets.events.record import FIELDS
from assets.events.table import events_table
from assets.events.validation import Admission
from assets.partitions import Calendar
from assets.rooms import Rooms
from assets.windows import midnight
from resources.d1 import D1
from resources.lake import LakeTable
from resources.sql_files import read_sql

EVENT_SCHEMA = column_schema((f.name, f.kind.value, f.doc, not f.required) for f in FIELDS)


class IngestConfig(Config):
    """sweep: list the whole landing zone, not only what arrived since the last run."""

    sweep: bool = False


def build(app: App, calendar: Calendar) -> list[AssetsDefinition | AssetSpec]:
    """The event assets of an application that has an audience."""
    if app.audience is None:
        return []
    org_tags = app.audience.org_tags
    holding = app.holding("lake", app.audience.table)
    landing = AssetSpec(
        **asset_arguments(
            app, "events", "landing", store="r2", holds=[("r2", app.audience.landing)], kinds={"cloudflare", "json"}
        ),
        description="Batches of events as the tracking Worker lands them: NDJSON under landing/events/YYYY/MM/DD/HH/.",
        metadata={"dagster/column_schema": EVENT_SCHEMA},
    )
    ingested_arguments = asset_arguments(
        app, "events", "ingested", store="lake", holds=[(holding.store, holding.name)], kinds={"iceberg", "parquet"}
    )

    @asset(
        **ingested_arguments,
        deps=[landing, [app.name, "d1", "org_tag_mappings"]],
        description="Landed batches, validated, without doubles, in the Iceberg table clearlift.events: exactly once.",
        metadata={"dagster/column_schema": EVENT_SCHEMA, "dagster/table_name": ".".join(events_table(app).identifier)},
        pool="lake",
        freshness_policy=FreshnessPolicy.time_window(fail_window=timedelta(hours=1), warn_window=timedelta(minutes=20)),
        check_specs=[
            AssetCheckSpec(
                "every_line_counted",
                asset=ingested_arguments["key"],
                description="For each batch: received = stored + doubled + quarantined + without consent.",
            ),
            AssetCheckSpec(
                "lake_holds_what_the_ledger_says",
                asset=ingested_arguments["key"],
                description="Rows added by the run's commit to the lake = rows that the ledger says were stored.",
            ),
        ],
    )
    def ingested(config: IngestConfig, rooms: ResourceParam[Rooms]) -> Iterator[MaterializeResult[None]]:
        table: LakeTable = rooms.lake.table(events_table(app))
        engine = Ingest(
            table,
            rooms.object_store,
            rooms.postgres,
            admission(rooms.d1(app), org_tags, calendar),
            rooms.clock,
            progress=rooms.progress("batches ingested"),
        )
        run = engine.run(sweep=config.sweep)
        ledger = Ledger(rooms.postgres)
        yield MaterializeResult(
            metadata=_metadata(run, table, holding),
            check_results=[_every_line_counted(ledger, run), _lake_agrees(run, table)],
        )

    return [landing, ingested]


def admission(d1: D1, org_tags: str, calendar: Calendar) -> Callable[[datetime], Admission]:
    """What is let in: the organisations that D1 knows, and events from the first partition on."""

    def at(now: datetime) -> Admission:
        orgs = {row["tag"]: bool(row["active"]) for row in d1.query(read_sql(org_tags))}
        return Admission(orgs, midnight(calendar.start), now)

    return at


def _metadata(run: RunOutcome, table: LakeTable, holding: Holding) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "batches": len(run.batches),
        **{what: run.total(what) for what in ("received", "stored", "doubled", "quarantined", "without_consent")},
        "files": run.files,
        "bytes": run.bytes,
        "dagster/partition_row_count": run.total("stored"),
        "unknown_fields": MetadataValue.json(dict(run.unknown_fields)),
    }
    if run.snapshot_id is not None:
        metadata["snapshot"] = str(run.snapshot_id)
        made = table.load().metadata.snapshot_by_id(run.snapshot_id)
        after = made.parent_snapshot_id if made is not None else None
        stored = next((c for c in table.changes(after) if c.id == run.snapshot_id), None)
        if stored is not None and stored.added:
            metadata["preview"] = preview(table.read([stored.added[0].file_path]), holding)
    if run.total("quarantined"):
        # The run's own: to count all that is open took 180 ms of every run once 90,000 lines were.
        refused = Counter((r.reason.value, r.field) for batch in run.batches for r in batch.refusals)
        metadata["quarantine"] = table_of(
            [{"reason": reason, "field": field, "lines": lines} for (reason, field), lines in refused.most_common()]
        )
    return metadata


def _every_line_counted(ledger: Ledger, run: RunOutcome) -> AssetCheckResult:
    unbalanced = ledger.unbalanced(run.ingest_id)
    return AssetCheckResult(
        check_name="every_line_counted",
        passed=not unbalanced,
        severity=AssetCheckSeverity.ERROR,
        metadata={
            "batches": len(run.batches),
            "unbalanced": MetadataValue.json(unbalanced),
            **ledger.totals(run.ingest_id),
        },
    )


def _lake_agrees(run: RunOutcome, table: LakeTable) -> AssetCheckResult:
    stored = run.total("stored")
    added = 0
    if run.snapshot_id is not None:
        snapshot = table.load().metadata.snapshot_by_id(run.snapshot_id)
        summary = snapshot.summary if snapshot is not None else None
        added = int(summary["added-records"] or 0) if summary is not None else -1
    return AssetCheckResult(
        check_name="lake_holds_what_the_ledger_says",
        passed=added == stored,
        severity=AssetCheckSeverity.ERROR,
        metadata={"ledger": stored, "lake": added},
    )

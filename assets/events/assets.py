"""Event assets: what has landed, and what was ingested of it.

What does not belong here: the work itself (ingest.py).
"""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetsDefinition,
    AssetSpec,
    Config,
    FreshnessPolicy,
    MaterializeResult,
    MetadataValue,
    ResourceParam,
)
from pydantic import Field

from assets.apps import App
from assets.apps.personal import Holding
from assets.description import app_asset, asset_arguments, column_schema, preview
from assets.description import table as table_of
from assets.events.ingest import Ingest
from assets.events.ledger import IngestLedger, RunOutcome
from assets.events.record import FIELDS
from assets.events.stream_assets import KEY as STREAMED
from assets.events.table import events_table
from assets.events.validation import EventReason
from assets.intake.described import taken
from assets.partitions import Calendar
from assets.rooms import Rooms
from assets.tables.observation_assets import observed_prefix
from assets.windows import midnight
from resources.lake import LakeTable

EVENT_SCHEMA = column_schema((f.name, f.kind.value, f.doc, not f.required) for f in FIELDS)

REPLAY = f"`clearlift quarantine replay --reason {EventReason.DAMAGED_PARTITION}`"


class IngestConfig(Config):
    """Which batches a run looks at."""

    sweep: bool = Field(
        default=False,
        description="List the whole landing zone, not only what arrived since the last run or shortly before.",
    )


def build(app: App, calendar: Calendar, *, has_stream: bool = False) -> list[AssetsDefinition]:
    """The event assets of an application that has an audience. has_stream: whether its stream lands batches too."""
    if app.audience is None:
        return []
    audience = app.audience
    holding = app.holding("lake", audience.table)
    landing = AssetSpec(
        **asset_arguments(
            app, "events", "landing", store="r2", holds=[("r2", audience.landing)], kinds={"cloudflare", "json"}
        ),
        description=(
            f"Batches of events as the tracking Worker lands them: NDJSON under {audience.landing}YYYY/MM/DD/HH/."
        ),
        metadata={"dagster/column_schema": EVENT_SCHEMA},
    )

    @app_asset(
        app,
        "events",
        "ingested",
        store="lake",
        holds=[(holding.store, holding.name)],
        kinds={"iceberg", "parquet"},
        checks={
            "every_line_counted": "For each batch: received = stored + doubled + quarantined + without consent.",
            "lake_holds_what_the_ledger_says": (
                "Rows added by the run's commits to the lake = rows that the ledger says were stored."
            ),
            "partitions_are_whole": (
                "The files of all partitions that landed events fall on can be read. Events of others are quarantined."
            ),
        },
        deps=[landing, *([[app.name, *STREAMED]] if has_stream else []), [app.name, "d1", audience.org_tags_table]],
        description=f"Landed batches, validated, without doubles, in the Iceberg table {audience.table}: exactly once.",
        metadata={"dagster/column_schema": EVENT_SCHEMA, "dagster/table_name": ".".join(events_table(app).identifier)},
        pool="lake",
        # A quiet site lands nothing: only the daily sweep is due. A batch that waits is a finding (health.py).
        freshness_policy=FreshnessPolicy.time_window(fail_window=timedelta(hours=50), warn_window=timedelta(hours=26)),
    )
    def ingested(config: IngestConfig, rooms: ResourceParam[Rooms]) -> Iterator[MaterializeResult[None]]:
        engine = Ingest.of(rooms, app, midnight(calendar.start))
        run = engine.run(sweep=config.sweep)
        ledger = IngestLedger(rooms.postgres, app.name)
        yield MaterializeResult(
            metadata=_metadata(run, engine.events, holding),
            check_results=[_every_line_counted(ledger, run), _lake_agrees(run, engine.events), _whole(run)],
        )

    return [observed_prefix(app, landing, audience.landing), ingested]


def _metadata(run: RunOutcome, table: LakeTable, holding: Holding) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "batches": len(run.batches),
        **{
            count: run.total(count)
            for count in ("received", "stored", "doubled", "conflicting", "quarantined", "without_consent")
        },
        "files": run.files,
        "bytes": run.bytes,
        "dagster/partition_row_count": run.total("stored"),
        "unknown_fields": MetadataValue.json(dict(run.unknown_fields)),
    }
    if run.snapshot_id is not None:
        metadata["snapshot"] = str(run.snapshot_id)
        snapshot = table.load().metadata.snapshot_by_id(run.snapshot_id)
        parent = snapshot.parent_snapshot_id if snapshot is not None else None
        commit = next((c for c in table.changes(parent) if c.id == run.snapshot_id), None)
        if commit is not None and commit.added:
            metadata["preview"] = preview(table.read([commit.added[0]]), holding)
    if run.batches:
        metadata["landed"] = table_of(taken(run.batches, lambda batch: batch.object_key))
    if run.total("quarantined"):
        # Of this run only, because a count of all open lines took 180 ms of every run where 90,000 lines were open.
        refused = Counter((str(r.reason), r.field) for batch in run.batches for r in batch.refusals)
        metadata["quarantine"] = table_of(
            [{"reason": reason, "field": field, "lines": lines} for (reason, field), lines in refused.most_common()]
        )
    return metadata


def _every_line_counted(ledger: IngestLedger, run: RunOutcome) -> AssetCheckResult:
    ids = [ingest_id for ingest_id, _ in run.commits] or [run.ingest_id]
    totals = Counter[str]()
    for ingest_id in ids:
        totals.update(ledger.totals(ingest_id))
    unbalanced = [batch for ingest_id in ids for batch in ledger.unbalanced(ingest_id)]
    return AssetCheckResult(
        check_name="every_line_counted",
        passed=not unbalanced,
        severity=AssetCheckSeverity.ERROR,
        metadata={
            "batches": len(run.batches),
            "unbalanced": MetadataValue.json(unbalanced),
            **totals,
        },
    )


def _lake_agrees(run: RunOutcome, table: LakeTable) -> AssetCheckResult:
    stored = run.total("stored")
    metadata = table.load().metadata
    added = 0
    for snapshot in (metadata.snapshot_by_id(commit) for _, commit in run.commits if commit is not None):
        summary = snapshot.summary if snapshot is not None else None
        added += int(summary["added-records"] or 0) if summary is not None else -1
    return AssetCheckResult(
        check_name="lake_holds_what_the_ledger_says",
        passed=added == stored,
        severity=AssetCheckSeverity.ERROR,
        metadata={"ledger": stored, "lake": added},
    )


def _whole(run: RunOutcome) -> AssetCheckResult:
    return AssetCheckResult(
        check_name="partitions_are_whole",
        passed=not run.damaged,
        severity=AssetCheckSeverity.ERROR,
        description="; ".join(run.damaged) + ("; then " + REPLAY if run.damaged else ""),
        metadata={"damaged": run.damaged_files},
    )

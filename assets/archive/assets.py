"""Archives as assets: one a table, by quarters; the policy as a table; checks.

What belongs here: what Dagster shows. What does not: the work, which is in write.py, verify.py and audit.py.
"""

from dataclasses import asdict
from typing import Any

from dagster import (
    AssetCheckResult,
    AssetChecksDefinition,
    AssetCheckSeverity,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    BackfillPolicy,
    MaterializeResult,
    ResourceParam,
    asset_check,
)

from assets.apps import App
from assets.apps.lifecycle import Lifecycle
from assets.archive.audit import waiting
from assets.archive.commands import repairs
from assets.archive.policy import in_brief
from assets.archive.quarters import Quarter, due, quarters
from assets.archive.registry import Revision
from assets.archive.sealed import NewerManifestError
from assets.archive.verify import Verified, faults_of
from assets.archive.write import Archived, Archiver
from assets.declined import plainly_declined
from assets.description import app_asset
from assets.description import table as table_of
from assets.partitions import Calendar, window
from assets.rooms import Rooms
from resources.counts import counted

# Checks look at as many due quarters as a year has.
CHECKED = 4
NOTHING_KNOWN = "Nothing is archived yet: nothing is proved."


def build(app: App, calendar: Calendar) -> list[AssetsDefinition | AssetChecksDefinition]:
    """The policy of an app, and the archive of each table that has one."""
    definitions: list[AssetsDefinition | AssetChecksDefinition] = [_policy(app)]
    for entry in app.lifecycles:
        if entry.archive is not None:
            definitions += [_archived(app, entry, calendar), _source_archived(app, entry), _reads_back(app, entry)]
    return definitions


def archive_object(entry: Lifecycle) -> tuple[str, str]:
    """The asset of a table's archive, below its app."""
    return "archive", entry.table.replace(".", "_")


def _policy(app: App) -> AssetsDefinition:
    @app_asset(
        app,
        "archive",
        "policy",
        store="policy",
        holds=[],
        kinds={"python"},
        description=(
            f"How long {app.title}'s data is kept, table by table: until when it is hot and warm, from when archived "
            "and deleted, what must be true first, what stays."
        ),
    )
    def policy() -> MaterializeResult[None]:
        return MaterializeResult(metadata={"entries": len(app.lifecycles), "policy": table_of(in_brief(app))})

    return policy


def _archived(app: App, entry: Lifecycle, calendar: Calendar) -> AssetsDefinition:
    policy = entry.archive
    assert policy is not None  # build asked
    by = f"{policy.buckets} buckets of it" if policy.buckets else "value"

    @app_asset(
        app,
        *archive_object(entry),
        store=entry.store,
        holds=[(entry.store, entry.name)],
        kinds={"cloudflare", "json"},
        deps=[[app.name, *parent] for parent in entry.parents],
        partitions_def=calendar.quarterly,
        backfill_policy=BackfillPolicy.single_run(),
        description=(
            f"Quarters of {entry.name} as JSON lines in R2, by {policy.bucket} ({by}), once their last row is "
            f"{policy.after_days} days old. They are read back and compared, then sealed. Late rows are further parts."
        ),
        pool="archive",
    )
    def archived(context: AssetExecutionContext, rooms: ResourceParam[Rooms]) -> MaterializeResult[None]:
        archiver = Archiver.of(rooms, app, entry)
        done = {quarter: archiver.run(quarter) for quarter in quarters(window(context))}
        return MaterializeResult(metadata=_metadata(done))

    return archived


def _source_archived(app: App, entry: Lifecycle) -> AssetChecksDefinition:
    @asset_check(
        asset=AssetKey([app.name, *archive_object(entry)]),
        name="source_is_archived",
        description=f"No live row of the last {CHECKED} due quarters waits to be archived.",
    )
    @plainly_declined
    def source_is_archived(rooms: ResourceParam[Rooms]) -> AssetCheckResult:
        archiver = Archiver.of(rooms, app, entry)
        assert entry.archive is not None  # build asked
        by_quarter = waiting(archiver, due(archiver.clock().date(), entry.archive.after_days, CHECKED))
        late = sum(w.rows for w in by_quarter)
        known = any(w.sealed_buckets for w in by_quarter)
        return AssetCheckResult(
            passed=known and not late,
            severity=AssetCheckSeverity.WARN,
            description=f"{counted(late, 'row waits', 'rows wait')} for the next run." if known else NOTHING_KNOWN,
            metadata={
                "rows_waiting": late,
                "quarters": table_of(
                    [
                        {"quarter": str(w.quarter), "waiting": w.rows, "sealed_buckets": w.sealed_buckets}
                        for w in by_quarter
                    ]
                ),
            },
        )

    return source_is_archived


def _reads_back(app: App, entry: Lifecycle) -> AssetChecksDefinition:
    @asset_check(
        asset=AssetKey([app.name, *archive_object(entry)]),
        name="a_bucket_reads_back",
        description="One sealed bucket of each quarter, another each day, has the bytes and rows that were sealed.",
    )
    @plainly_declined
    def a_bucket_reads_back(rooms: ResourceParam[Rooms]) -> AssetCheckResult:
        archiver = Archiver.of(rooms, app, entry)
        by_quarter: dict[Quarter, list[Revision]] = {}
        for revision in archiver.registry.sealed():
            by_quarter.setdefault(revision.quarter, []).append(revision)
        done = Verified()
        turn = archiver.clock().toordinal()
        newer: list[str] = []
        for revisions in by_quarter.values():
            try:
                faults_of(archiver.store, app.name, entry.table, revisions[turn % len(revisions)], done)
            except NewerManifestError as error:
                newer.append(str(error))
        damaged = [*done.faults[:5], repairs(done.faults)] if done.faults else []
        summary = (
            "; ".join([*damaged, *newer[:5]]) or f"{counted(done.parts, 'part')} read with {counted(done.rows, 'row')}."
        )
        return AssetCheckResult(
            passed=bool(by_quarter) and not done.faults and not newer,
            severity=AssetCheckSeverity.ERROR if done.faults or newer else AssetCheckSeverity.WARN,
            description=summary if by_quarter else NOTHING_KNOWN,
            metadata={
                "buckets": done.buckets,
                "parts": done.parts,
                "rows": done.rows,
                "faults": len(done.faults) + len(newer),
            },
        )

    return a_bucket_reads_back


def _metadata(done: dict[Quarter, Archived]) -> dict[str, Any]:
    packed, lines = sum(d.packed_bytes for d in done.values()), sum(d.line_bytes for d in done.values())
    shown = [{"quarter": str(q), **{k: v for k, v in asdict(d).items() if isinstance(v, int)}} for q, d in done.items()]
    return {
        "rows": sum(d.rows for d in done.values()),
        "buckets_sealed": sum(d.sealed for d in done.values()),
        "buckets_with_nothing_new": sum(d.nothing_new for d in done.values()),
        "buckets_not_looked_at": sum(d.not_looked_at for d in done.values()),
        "parts": sum(d.parts for d in done.values()),
        "bytes": packed,
        "bytes_of_lines": lines,
        "ratio": round(lines / packed, 2) if packed else 0.0,
        "seconds": round(sum(d.seconds for d in done.values()), 3),
        "seconds_reading_back": round(sum(d.read_back_seconds for d in done.values()), 3),
        "quarters": table_of(shown),
    }

"""Archives as assets: one a table, by quarters; the policy as a table; checks. The work itself is in write.py."""

from dataclasses import asdict
from datetime import date, timedelta
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
    asset,
    asset_check,
)

from assets.apps import App
from assets.apps.lifecycle import Lifecycle
from assets.archive.audit import waiting
from assets.archive.policy import rows
from assets.archive.quarters import Quarter, quarters
from assets.archive.tables import source_of
from assets.archive.verify import Verified, faults_of
from assets.archive.write import Archived, Archiver
from assets.description import asset_arguments
from assets.description import table as table_of
from assets.partitions import Calendar, window
from assets.rooms import Rooms
from assets.windows import DAY, Window, midnight

# What a check looks at: as many due quarters as a year has.
CHECKED = 4
NOTHING_KNOWN = "Nothing is archived yet: nothing is proved."
PARENTS = {
    "clearlift.events": ["events", "compacted"],
    "ads.restatements": ["ads", "restatements"],
    "sessions_*": ["series", "partitions"],
    "points_*": ["points", "ingested"],
}


def build(app: App, calendar: Calendar) -> list[AssetsDefinition | AssetChecksDefinition]:
    """The policy of an application, and the archive of each table that has one."""
    found: list[AssetsDefinition | AssetChecksDefinition] = [_policy(app)] if app.lifecycles else []
    for entry in app.lifecycles:
        if entry.archive is not None:
            found += [_archived(app, entry, calendar), _source_archived(app, entry), _reads_back(app, entry)]
    return found


def archive_object(entry: Lifecycle) -> tuple[str, str]:
    """The asset of a table's archive, below its app."""
    return "archive", _name(entry)


def due(now: date, after_days: int, number: int = CHECKED) -> list[Quarter]:
    """The youngest quarters that are due at a day, oldest first."""
    since = midnight(now) - timedelta(days=after_days)
    return [q for q in quarters(Window(since - (number + 1) * 93 * DAY, since)) if q.window.end <= since][-number:]


def _name(entry: Lifecycle) -> str:
    return entry.table.replace(".", "_")


def _policy(app: App) -> AssetsDefinition:
    @asset(
        **asset_arguments(app, "archive", "policy", store="policy", holds=[], kinds={"python"}),
        description=(
            f"How long {app.title}'s data is kept, table by table: until when it is hot and warm, from when archived "
            "and deleted, what must be true first, what stays."
        ),
    )
    def policy() -> MaterializeResult[None]:
        return MaterializeResult(metadata={"entries": len(app.lifecycles), "policy": table_of(rows(app))})

    return policy


def _archived(app: App, entry: Lifecycle, calendar: Calendar) -> AssetsDefinition:
    policy = entry.archive
    assert policy is not None  # asked by build
    parent = PARENTS.get(entry.name)
    by = f"{policy.buckets} buckets of it" if policy.buckets else "value"

    @asset(
        **asset_arguments(
            app,
            "archive",
            _name(entry),
            store=entry.store,
            holds=[(entry.store, entry.name)],
            kinds={"cloudflare", "json"},
        ),
        deps=[[app.name, *parent]] if parent else [],
        partitions_def=calendar.quarterly,
        backfill_policy=BackfillPolicy.single_run(),
        description=(
            f"Quarters of {entry.name} as JSON lines in R2, by {policy.bucket} ({by}), once their last row is "
            f"{policy.after_days} days old; read back and compared, then sealed. Late rows are further parts."
        ),
        pool="archive",
    )
    def archived(context: AssetExecutionContext, rooms: ResourceParam[Rooms]) -> MaterializeResult[None]:
        archiver = _archiver(app, entry, rooms)
        archiver.progress = rooms.progress(f"{entry.table}: archived")
        done = {quarter: archiver.run(quarter) for quarter in quarters(window(context))}
        return MaterializeResult(metadata=_told(done))

    return archived


def _source_archived(app: App, entry: Lifecycle) -> AssetChecksDefinition:
    @asset_check(
        asset=AssetKey([app.name, *archive_object(entry)]),
        name="source_is_archived",
        description=f"No live row of the last {CHECKED} due quarters waits to be archived.",
    )
    def source_is_archived(rooms: ResourceParam[Rooms]) -> AssetCheckResult:
        archiver = _archiver(app, entry, rooms)
        assert entry.archive is not None  # asked by build
        found = waiting(archiver, due(archiver.clock().date(), entry.archive.after_days))
        late = sum(w.rows for w in found)
        known = any(w.sealed_buckets for w in found)
        return AssetCheckResult(
            passed=known and not late,
            severity=AssetCheckSeverity.WARN,
            description=f"{late:,} rows wait for the next run." if known else NOTHING_KNOWN,
            metadata={
                "rows_waiting": late,
                "quarters": table_of(
                    [{"quarter": str(w.quarter), "waiting": w.rows, "sealed_buckets": w.sealed_buckets} for w in found]
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
    def a_bucket_reads_back(rooms: ResourceParam[Rooms]) -> AssetCheckResult:
        archiver = _archiver(app, entry, rooms)
        by_quarter: dict[Quarter, list[Any]] = {}
        for revision in archiver.registry.sealed():
            by_quarter.setdefault(revision.quarter, []).append(revision)
        done = Verified()
        turn = archiver.clock().toordinal()
        for found in by_quarter.values():
            faults_of(archiver.store, app.name, entry.table, found[turn % len(found)], done)
        said = "; ".join(done.faults[:5]) or f"{done.parts} parts with {done.rows:,} rows were read."
        return AssetCheckResult(
            passed=bool(by_quarter) and not done.faults,
            severity=AssetCheckSeverity.ERROR if done.faults else AssetCheckSeverity.WARN,
            description=said if by_quarter else NOTHING_KNOWN,
            metadata={"buckets": done.buckets, "parts": done.parts, "rows": done.rows, "faults": len(done.faults)},
        )

    return a_bucket_reads_back


def _archiver(app: App, entry: Lifecycle, rooms: Rooms) -> Archiver:
    source = source_of(app, entry, rooms)
    return Archiver(app.name, entry, source, rooms.object_store, rooms.postgres, rooms.clock)


def _told(done: dict[Quarter, Archived]) -> dict[str, Any]:
    packed, lines = sum(d.packed_bytes for d in done.values()), sum(d.line_bytes for d in done.values())
    shown = [{"quarter": str(q), **{k: v for k, v in asdict(d).items() if isinstance(v, int)}} for q, d in done.items()]
    return {
        "rows": sum(d.rows for d in done.values()),
        "buckets_sealed": sum(d.sealed for d in done.values()),
        "buckets_unchanged": sum(d.unchanged for d in done.values()),
        "parts": sum(d.parts for d in done.values()),
        "bytes": packed,
        "bytes_of_lines": lines,
        "ratio": round(lines / packed, 2) if packed else 0.0,
        "seconds": round(sum(d.seconds for d in done.values()), 3),
        "seconds_reading_back": round(sum(d.read_back_seconds for d in done.values()), 3),
        "quarters": table_of(shown),
    }

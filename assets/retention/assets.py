"""Retention as assets: one a store and application, with a dry run as the default, and checks. The work is beside."""

from collections.abc import Iterator, Sequence
from typing import Any

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    Config,
    Failure,
    MaterializeResult,
    ResourceParam,
    asset,
)
from pydantic import Field

from assets.apps import App
from assets.description import asset_arguments
from assets.description import table as table_of
from assets.retention.audit import unproved
from assets.retention.engine import PARTS, Part, Tools, entries, prune_all
from assets.retention.outcome import Outcome
from assets.rooms import Rooms

# What each part is deleted after: whatever proves that it may go, or reads it last.
ABOVE: dict[tuple[str, Part], list[list[str]]] = {
    ("clearlift", "events"): [
        ["archive", "events"],
        *(["rollups", grain] for grain in ("hourly", "daily", "weekly", "monthly")),
        *(["sessions", "daily"], ["attribution", "daily"]),
    ],
    ("clearlift", "postgres"): [["archive", "ads_restatements"], ["sessions", "daily"], ["attribution", "daily"]],
    ("clearlift", "objects"): [["events", "ingested"], ["ads", "campaign_metrics_daily"]],
    ("sesh", "objects"): [["points", "ingested"]],
    ("sesh", "d1"): [["archive", "change_log"]],
}
SAID: dict[Part, str] = {
    "events": "Days of events leave the lake once they are archived, read back and counted. Their aggregates stay.",
    "postgres": "Old rows of Postgres, proved where the policy asks for it, go in short transactions.",
    "objects": "Old objects of R2 go once they were read by whoever reads them.",
    "d1": "Old rows of D1, archived where the policy asks for it, go in small paced steps.",
}
KINDS = {"events": {"iceberg"}, "postgres": {"postgres"}, "objects": {"cloudflare"}, "d1": {"cloudflare", "sqlite"}}


class RetentionConfig(Config):
    """dry_run: say what would go, delete nothing. confirm: delete though a larger share of a table goes than its policy
    expects. tables: only these, by the names that `clearlift policy` shows.
    """

    dry_run: bool = True
    confirm: bool = False
    tables: list[str] = Field(default_factory=list)


def build(app: App) -> list[AssetsDefinition]:
    """The retention of each store that an application has something to delete in."""
    return [_retention(app, part) for part in PARTS.values() if entries(app, part)]


def _retention(app: App, part: Part) -> AssetsDefinition:
    store = next(name for name, found in PARTS.items() if found == part)
    arguments = asset_arguments(app, "retention", part, store=store, holds=[], kinds=KINDS[part])

    @asset(
        **arguments,
        deps=[[app.name, *above] for above in ABOVE.get((app.name, part), [])],
        description=SAID[part] + " A dry run unless it is told otherwise.",
        pool="archive",
        check_specs=check_specs(arguments["key"]),
    )
    def retention(
        context: AssetExecutionContext, config: RetentionConfig, rooms: ResourceParam[Rooms]
    ) -> Iterator[MaterializeResult[None]]:
        found = [e for e in entries(app, part) if not config.tables or {e.name, e.table} & set(config.tables)]
        tools = tools_of(app, context, rooms)
        outcomes = prune_all(tools, found, dry_run=config.dry_run, confirmed=config.confirm)
        yield result(app, tools, outcomes, dry_run=config.dry_run)

    return retention


def tools_of(app: App, context: AssetExecutionContext, rooms: Rooms) -> Tools:
    """What deleting needs, of a run's rooms."""
    return Tools(app, rooms, context.run.run_id)


def check_specs(key: AssetKey) -> list[AssetCheckSpec]:
    """The checks that `result` answers."""
    return [
        AssetCheckSpec(
            "nothing_unproved_was_deleted",
            asset=key,
            description="No archive that was looked at is damaged, and none holds less than what went.",
        ),
        AssetCheckSpec(
            "nothing_waits",
            asset=key,
            description="What is old enough has gone: nothing is held back, and no large share waits for a word.",
        ),
    ]


def result(app: App, tools: Tools, outcomes: Sequence[Outcome], *, dry_run: bool) -> MaterializeResult[None]:
    """What a run tells of itself, and its checks.

    Raises:
        Failure: a large share waits for a word; of the other tables all that may go went.
    """
    stopped = [outcome.stopped for outcome in outcomes if outcome.stopped]
    if stopped and not dry_run:
        raise Failure("; ".join(stopped), metadata={"tables": table_of(told(outcomes))}, allow_retries=False)
    return MaterializeResult(
        metadata={
            "dry_run": dry_run,
            "deleted": sum(outcome.deleted for outcome in outcomes),
            "would_go" if dry_run else "proved": sum(outcome.going for outcome in outcomes),
            "held_back": sum(outcome.held_rows for outcome in outcomes),
            "bytes": sum(outcome.bytes for outcome in outcomes),
            "tables": table_of(told(outcomes)),
            "reasons": table_of(
                [
                    {"name": outcome.order.entry.name, "place": held.place, "rows": held.rows, "why": held.why}
                    for outcome in outcomes
                    for held in outcome.held_back
                ]
            ),
        },
        check_results=[_nothing_unproved(app, tools, outcomes), _nothing_waits(outcomes)],
    )


def told(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """A row an entry."""
    return [
        {
            "name": outcome.order.entry.name,
            "before": f"{outcome.order.before:%Y-%m-%d}",
            "rows": outcome.total,
            "old_and_proved": outcome.going,
            "deleted": outcome.deleted,
            "held_back": outcome.held_rows,
            "stopped": outcome.stopped,
        }
        for outcome in outcomes
    ]


def _nothing_unproved(app: App, tools: Tools, outcomes: Sequence[Outcome]) -> AssetCheckResult:
    faults = [fault for outcome in outcomes for fault in outcome.faults]
    for outcome in outcomes:
        if outcome.order.entry.archive is not None:
            faults += unproved(tools.rooms.postgres, app, outcome.order.entry, tools.run)
    return AssetCheckResult(
        check_name="nothing_unproved_was_deleted",
        passed=not faults,
        severity=AssetCheckSeverity.ERROR,
        description="; ".join(faults[:5]) or f"{sum(o.deleted for o in outcomes):,} rows went, each of them proved.",
        metadata={"faults": len(faults)},
    )


def _nothing_waits(outcomes: Sequence[Outcome]) -> AssetCheckResult:
    waiting = {o.order.entry.name: o.held_rows for o in outcomes if o.held_rows}
    stopped = [o.stopped for o in outcomes if o.stopped]
    reasons = sorted({held.why for o in outcomes for held in o.held_back})
    return AssetCheckResult(
        check_name="nothing_waits",
        passed=not waiting and not stopped,
        severity=AssetCheckSeverity.WARN,
        description="; ".join([*stopped, *reasons][:5]) or None,
        metadata={"held_back": sum(waiting.values()), "tables": len(waiting), "stopped": len(stopped)},
    )

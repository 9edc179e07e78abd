"""Retention as assets: one a kind of store and app, with a dry run as the default, and checks.

What belongs here: what Dagster shows. What does not: the work, which is in stores.py and beside it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetExecutionContext,
    AssetsDefinition,
    Config,
    Failure,
    MaterializeResult,
    ResourceParam,
)
from pydantic import Field

from assets.apps import App
from assets.apps.lifecycle import Store
from assets.archive.assets import archive_object
from assets.archive.commands import repairs
from assets.declined import NEXT
from assets.description import app_asset
from assets.description import table as table_of
from assets.retention.audit import unproved
from assets.retention.deletion import DeletionOutcome
from assets.retention.stores import entries, prune_all
from assets.rooms import Rooms
from resources.counts import counted
from resources.declined import DeclinedError


class Retained(NamedTuple):
    """The asset of one kind of store: its name, its description, the kinds that the UI shows."""

    name: str
    description: str
    kinds: frozenset[str]


RETAINED: Mapping[Store, Retained] = {
    "lake": Retained(
        "events",
        "Days of events leave the lake once they are archived, read back and counted. Their aggregates stay.",
        frozenset({"iceberg"}),
    ),
    "postgres": Retained(
        "postgres",
        "Old rows of Postgres, proved where the policy asks for it, go in short transactions.",
        frozenset({"postgres"}),
    ),
    "app_postgres": Retained(
        "app_postgres",
        "Old rows of the app's own Postgres, archived where the policy asks for it, go in short transactions.",
        frozenset({"postgres"}),
    ),
    "r2": Retained("objects", "Old objects of R2 go once their readers have read them.", frozenset({"cloudflare"})),
    "d1": Retained(
        "d1",
        "Old rows of D1, archived where the policy asks for it, go in small steps with rests between them.",
        frozenset({"cloudflare", "sqlite"}),
    ),
}


CHECKS = {
    "nothing_unproved_was_deleted": "No archive that was looked at is damaged, and none holds less than what went.",
    "nothing_waits": "What is old enough has gone: nothing is held back, and no large share waits for confirmation.",
}


class RetentionConfig(Config):
    """What a run deletes."""

    dry_run: bool = Field(default=True, description="Report what would go, and delete nothing.")
    confirm: bool = Field(
        default=False, description="Delete also where a larger share of a table goes than its policy expects."
    )
    tables: list[str] = Field(
        default_factory=list, description="Only these tables, by the names that `clearlift policy` shows."
    )


def names(app: App) -> list[str]:
    """The assets of an app, below its retention: one for each kind of store with something to delete."""
    return [retained.name for store, retained in RETAINED.items() if entries(app, store)]


def build(app: App) -> list[AssetsDefinition]:
    """The retention of each kind of store with something to delete."""
    return [_retention(app, store) for store in RETAINED if entries(app, store)]


def _retention(app: App, store: Store) -> AssetsDefinition:
    retained, daily = RETAINED[store], entries(app, store)
    before = [
        *(archive_object(entry) for entry in daily if entry.archive is not None),
        *(reader for entry in daily for reader in entry.readers),
    ]

    @app_asset(
        app,
        "retention",
        retained.name,
        store=store,
        holds=[],
        kinds=set(retained.kinds),
        checks=CHECKS,
        deps=[[app.name, *key] for key in dict.fromkeys(before)],
        description=retained.description + " A dry run unless the configuration says otherwise.",
        pool="archive",
    )
    def retention(
        context: AssetExecutionContext, config: RetentionConfig, rooms: ResourceParam[Rooms]
    ) -> Iterator[MaterializeResult[None]]:
        wanted = [entry for entry in daily if not config.tables or {entry.name, entry.table} & set(config.tables)]
        run_id, dry_run = context.run.run_id, config.dry_run
        outcomes = prune_all(rooms, app, wanted, run_id=run_id, dry_run=dry_run, confirmed=config.confirm)
        yield result(rooms, app, run_id, outcomes, dry_run=dry_run)

    return retention


def result(
    rooms: Rooms, app: App, run_id: str, outcomes: Sequence[DeletionOutcome], *, dry_run: bool
) -> MaterializeResult[None]:
    """The metadata of a run and its checks.

    Raises:
        Failure: a large share waits for confirmation, as an expected refusal; what may go of the other tables went.
    """
    stopped = [outcome.stopped for outcome in outcomes if outcome.stopped]
    if stopped and not dry_run:
        error = DeclinedError.together(stopped)
        raise Failure(
            str(error),
            metadata={NEXT: error.next_step, "tables": table_of(_rows(outcomes))},
            allow_retries=error.retryable,
        )
    return MaterializeResult(
        metadata={
            "dry_run": dry_run,
            "deleted": sum(outcome.deleted for outcome in outcomes),
            "would_go" if dry_run else "proved": sum(outcome.going for outcome in outcomes),
            "held_back": sum(outcome.held_rows for outcome in outcomes),
            "bytes": sum(outcome.bytes for outcome in outcomes),
            "tables": table_of(_rows(outcomes)),
            "reasons": table_of(
                [
                    {"name": outcome.deletion.entry.name, "place": held.place, "rows": held.rows, "why": held.why}
                    for outcome in outcomes
                    for held in outcome.held_back
                ]
            ),
        },
        check_results=[_nothing_unproved(rooms, app, run_id, outcomes), _nothing_waits(outcomes)],
    )


def _rows(outcomes: Sequence[DeletionOutcome]) -> list[dict[str, Any]]:
    """A row an entry."""
    return [
        {
            "name": outcome.deletion.entry.name,
            "before": f"{outcome.deletion.before:%Y-%m-%d}",
            "rows": outcome.total,
            "old_and_proved": outcome.going,
            "deleted": outcome.deleted,
            "held_back": outcome.held_rows,
            "stopped": str(outcome.stopped or ""),
        }
        for outcome in outcomes
    ]


def _nothing_unproved(rooms: Rooms, app: App, run_id: str, outcomes: Sequence[DeletionOutcome]) -> AssetCheckResult:
    damaged = [fault for outcome in outcomes for fault in outcome.faults]
    faults = list(damaged)
    for outcome in outcomes:
        if outcome.deletion.entry.archive is not None:
            faults += unproved(rooms.postgres, app, outcome.deletion.entry, run_id)
    return AssetCheckResult(
        check_name="nothing_unproved_was_deleted",
        passed=not faults,
        severity=AssetCheckSeverity.ERROR,
        description="; ".join(filter(None, [*faults[:5], repairs(damaged)]))
        or f"{counted(sum(o.deleted for o in outcomes), 'row')} went, each of them proved.",
        metadata={"faults": len(faults)},
    )


def _nothing_waits(outcomes: Sequence[DeletionOutcome]) -> AssetCheckResult:
    waiting = {o.deletion.entry.name: o.held_rows for o in outcomes if o.held_rows}
    stopped = [str(o.stopped) for o in outcomes if o.stopped]
    reasons = sorted({held.why for o in outcomes for held in o.held_back})
    return AssetCheckResult(
        check_name="nothing_waits",
        passed=not waiting and not stopped,
        severity=AssetCheckSeverity.WARN,
        description="; ".join([*stopped, *reasons][:5]) or None,
        metadata={"held_back": sum(waiting.values()), "tables": len(waiting), "stopped": len(stopped)},
    )

"""The old rows of each kind of store, and running retention over the entries of an app's policy.

What belongs here: which kind of old rows an entry has, and what these prove. What does not: the order of a run
(run.py).
"""

from collections.abc import Callable, Collection, Iterable

from assets.apps import App
from assets.apps.lifecycle import Condition, Lifecycle, Store
from assets.retention.d1_aged import D1Aged
from assets.retention.d1_sealed import D1Sealed
from assets.retention.deletion import Deletion, DeletionOutcome
from assets.retention.eligible import due
from assets.retention.lake import LakeDays
from assets.retention.log import DeletionLog
from assets.retention.objects import OldObjects
from assets.retention.postgres_rule import PostgresRule
from assets.retention.postgres_sealed import PostgresSealed
from assets.retention.run import OldRows, run
from assets.rooms import Rooms
from resources.declined import DeclinedError


def entries(app: App, store: Store | None = None) -> list[Lifecycle]:
    """The entries whose rows a daily run deletes, of one kind of store or all, in the order of the policy.

    Other jobs delete those with `deleted_by`, and time series once a year.
    """
    return [
        entry
        for entry in app.lifecycles
        if entry.delete_after_days is not None
        and not entry.deleted_by
        and not entry.is_series
        and store in (None, entry.store)
    ]


def proved(entry: Lifecycle) -> Collection[Condition]:
    """The conditions that a run proves of each row of an entry."""
    sealed: set[Condition] = {"sealed"} if entry.archive is not None else set()
    consumed: set[Condition] = {"consumed"} if entry.read_by is not None else set()
    match entry.store:
        case "lake":
            return {"sealed", "reconciled"}
        case "r2":
            return {"consumed", "unneeded"} if entry.read_by is not None else set()
        case "d1":
            return sealed | consumed if entry.archive is not None else {"expired"}
        case _:
            return sealed or (entry.rule.proves if entry.rule else ())


def prune(
    rooms: Rooms, app: App, entry: Lifecycle, *, run_id: str, dry_run: bool, confirmed: bool = False
) -> DeletionOutcome:
    """Delete what may go of one entry, or report what would. `run_id` names who deletes, in the log."""
    allowed = due(entry, rooms.clock(), proved(entry))
    deletion = Deletion(app.name, entry, allowed.before, dry_run, confirmed)
    if allowed.why_not:
        return DeletionOutcome(deletion, stopped=_unproved(app, entry, allowed.why_not))
    log = DeletionLog(rooms.postgres, app.name, run_id, rooms.clock)
    rows = _old_rows(entry)(rooms, app, deletion, log)
    return run(rows, deletion, log, rooms.postgres, rooms.progress(f"{entry.table.rstrip('/')}: deleted"))


def _unproved(app: App, entry: Lifecycle, why_not: str) -> DeclinedError:
    return DeclinedError(
        f"{app.name} {entry.name}: {why_not}", f"`clearlift policy --app {app.name}` shows what is proved first"
    )


def prune_all(
    rooms: Rooms, app: App, wanted: Iterable[Lifecycle], *, run_id: str, dry_run: bool, confirmed: bool = False
) -> list[DeletionOutcome]:
    """The same for several entries. Where one is stopped, the others go on."""
    return [prune(rooms, app, entry, run_id=run_id, dry_run=dry_run, confirmed=confirmed) for entry in wanted]


def _old_rows(entry: Lifecycle) -> Callable[[Rooms, App, Deletion, DeletionLog], OldRows]:
    match entry.store:
        case "lake":
            return LakeDays.of
        case "r2":
            return OldObjects.of
        case "d1":
            return D1Sealed.of if entry.archive is not None else D1Aged.of
        case _:
            return PostgresSealed.of if entry.archive is not None else PostgresRule.of

"""Which deleter each entry of an application's policy has, and running them one after another."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from assets.apps import App
from assets.apps.lifecycle import Condition, Lifecycle
from assets.archive.tables import LAKE_TABLES
from assets.retention import d1, objects
from assets.retention.d1 import D1Pruner
from assets.retention.eligible import due
from assets.retention.lake import LakePruner
from assets.retention.ledger import Ledger
from assets.retention.objects import ObjectPruner, Taken
from assets.retention.outcome import Order, Outcome
from assets.retention.postgres import PostgresPruner
from assets.retention.postgres_sealed import SealedPruner
from assets.retention.rows import ELSEWHERE, RULES
from assets.rooms import Rooms
from assets.series.pace import Pace

Part = Literal["events", "postgres", "objects", "d1"]
# Assets by the store that they delete from.
PARTS: Mapping[str, Part] = {"lake": "events", "postgres": "postgres", "r2": "objects", "d1": "d1"}
# Prefixes whose objects say whether they were read, by what says it.
READ: Mapping[str, Callable[["Tools"], Taken]] = {
    "landing/events/": lambda tools: objects.batches(tools.rooms.postgres, tools.app.name),
    "raw/ads/": lambda tools: objects.pages(tools.rooms.postgres),
    "access/clearlift/": lambda tools: objects.access_logs(tools.rooms.postgres, "clearlift"),
    "access/sesh/": lambda tools: objects.access_logs(tools.rooms.postgres, "sesh"),
    "sesh/points/": lambda tools: objects.points(lambda: tools.rooms.d1(tools.app)),
}


@dataclass(frozen=True)
class Tools:
    """What deleting needs: the app, the rooms, and who deletes (`run`)."""

    app: App
    rooms: Rooms
    run: str


def entries(app: App, part: Part | None = None) -> list[Lifecycle]:
    """The entries whose rows a daily run deletes, of one part or all, in the order in which they go.

    Those of ELSEWHERE go by other hands, and families of partitions once a year.
    """
    found = [
        entry
        for entry in app.lifecycles
        if entry.delete_after_days is not None
        and entry.name not in ELSEWHERE
        and not entry.is_family
        and PARTS.get(entry.store) in ([part] if part else PARTS.values())
    ]
    order = list(RULES)
    return sorted(found, key=lambda e: order.index(e.name) if e.name in RULES else -1)


def proved(entry: Lifecycle) -> Collection[Condition]:
    """The conditions that the entry's deleter proves of each row."""
    if entry.store == "lake":
        return {"sealed", "reconciled"}
    if entry.store == "r2":
        return {"consumed"} if entry.name in READ else set()
    if entry.store == "d1":
        return d1.PROVED
    return {"sealed"} if entry.archive is not None else RULES[entry.name].proves


def prune(tools: Tools, entry: Lifecycle, *, dry_run: bool, confirmed: bool = False) -> Outcome:
    """Delete what may go of one entry, or say what would."""
    found = due(entry, tools.rooms.clock(), proved(entry))
    order = Order(tools.app.name, entry, found.before, dry_run, confirmed)
    if found.why_not:
        return Outcome(order, stopped=f"{tools.app.name} {entry.name}: {found.why_not}")
    return _deleter(tools, entry)(order)


def prune_all(tools: Tools, wanted: Iterable[Lifecycle], *, dry_run: bool, confirmed: bool = False) -> list[Outcome]:
    """The same of some entries. Where one is stopped, the others go on."""
    return [prune(tools, entry, dry_run=dry_run, confirmed=confirmed) for entry in wanted]


def _deleter(tools: Tools, entry: Lifecycle) -> Callable[[Order], Outcome]:
    clock, store, postgres = tools.rooms.clock, tools.rooms.object_store, tools.rooms.postgres
    ledger = Ledger(postgres, tools.app.name, tools.run, clock)
    progress = tools.rooms.progress(f"{entry.table.rstrip('/')}: deleted")
    if entry.store == "lake":
        table = tools.rooms.lake.table(LAKE_TABLES[entry.name])
        return LakePruner(tools.app, table, store, postgres, ledger, clock, progress).run
    if entry.store == "d1":
        return D1Pruner(tools.rooms.d1(tools.app), store, postgres, ledger, clock, Pace(), progress=progress).run
    if entry.store == "r2":
        taken = {entry.name: READ[entry.name](tools)} if entry.name in READ else {}
        return ObjectPruner(store, ledger, postgres, taken, progress).run
    engine = SealedPruner if entry.archive is not None else PostgresPruner
    return engine(store, postgres, ledger, progress).run

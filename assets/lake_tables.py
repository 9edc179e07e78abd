"""The lake tables of an app as data: what each is called, whose data it holds, how long, and where its rows come from.

All that keeps the lake in order goes over this list: migrations, compaction, upkeep, archive, retention, erasure,
export, backups, looks. What belongs here: the entries. What does not: what is made of the rows of one of these tables
(it names its table: assets/events/table.py), and how any table is read and written (resources/lake).
"""

from collections.abc import Callable
from dataclasses import dataclass

from assets.apps import App
from assets.apps.lifecycle import Asset, Lifecycle
from assets.apps.personal import Holding
from assets.events import ingest
from assets.events.table import events_table
from resources.lake import TableSpec


@dataclass(frozen=True)
class AppTable:
    """A lake table of an app.

    spec: its name, columns and layout. holding: whose data a row is, and which columns are personal. lifecycle: how
    long rows are kept, and whether they are archived. written_by: the asset, below the app, that brings the rows. lock:
    who brings rows holds the lock of this name. made_from: the lake table that the rows are made from; empty where they
    came out of a landing zone.
    """

    spec: TableSpec
    holding: Holding
    lifecycle: Lifecycle
    written_by: Asset
    lock: str
    made_from: str = ""

    @property
    def title(self) -> str:
        """Its name for people, `namespace.name`."""
        return self.holding.name

    @property
    def is_landed(self) -> bool:
        """Whether its rows were ingested: then the ledger knows its commits, and roll-ups follow them."""
        return not self.made_from

    @property
    def compacted(self) -> Asset:
        """The asset that is the table with its small files merged."""
        return self.written_by[0], "compacted"


def _events(app: App) -> AppTable:
    return of_data(app, events_table(app), ("events", "ingested"), ingest.lock_name(app))


OF_AUDIENCE: tuple[Callable[[App], AppTable], ...] = (_events,)
"""Those of an app that collects web events."""


def of_data(app: App, spec: TableSpec, written_by: Asset, lock: str, made_from: str = "") -> AppTable:
    """A table with what the app's data says of it.

    Raises:
        LookupError: the data does not say whose its rows are, or how long they are kept.
    """
    name = ".".join(spec.identifier)
    return AppTable(spec, app.holding("lake", name), app.lifecycle("lake", name), written_by, lock, made_from)


def lake_tables(app: App) -> tuple[AppTable, ...]:
    """The tables of an app, the one that others are made from first; none where it collects no events."""
    return tuple(table(app) for table in OF_AUDIENCE) if app.audience is not None else ()


def lake_table(app: App, name: str) -> AppTable:
    """The table of an app by its name, `namespace.name`.

    Raises:
        LookupError: it has no such table.
    """
    for table in lake_tables(app):
        if table.title == name:
            return table
    raise LookupError(f"{app.name} has no lake table {name}")

"""The section of backups: of each store the newest verified set, and the newest that was restored to prove it."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from assets.backups import covered
from assets.backups.manifest import Manifest, ManifestError, NewerFormatError
from assets.backups.sets import DRILLED, VERIFIED, mark, read_manifest
from assets.backups.target import StoreName, Target
from assets.page import figures
from assets.page.blocks import Cell, Column, Note, Section, Standing, Table
from assets.page.source import Source
from resources.keyring import SealError
from resources.r2 import ObjectNotFoundError

NAME, TITLE = "backups", "Backups and drills"
SAYS = (
    "Of each store the newest set that was read back, what a loss would cost now, and the newest set that was restored."
)
# Of the newest sets; older ones are `clearlift backup list`.
LOOKED_AT = 6
READERS = 8
FEW = "none of the newest 6 sets"


@dataclass(frozen=True)
class Kept:
    """A store's newest verified set, and the moment of the newest set that was drilled; None where none is.

    sets: how many sets there are.
    """

    store: StoreName
    sets: int
    verified: Manifest | None
    drilled: datetime | None


@dataclass(frozen=True)
class Recovery:
    """All stores, at a moment."""

    now: datetime
    stores: Sequence[Kept]
    backup_hours: float
    drill_hours: float


def read(source: Source) -> Recovery:
    """What lies in the place of the backups."""
    target = covered.target_of(source.rooms)
    names = [one.name for one in covered.every()]
    with ThreadPoolExecutor(READERS) as readers:
        stores = list(readers.map(lambda name: _newest(target, name), names))
    return Recovery(source.now, stores, source.thresholds.backup_hours, source.thresholds.drill_hours)


def _newest(target: Target, store: StoreName) -> Kept:
    ids = target.ids(store)
    verified, drilled = None, None
    for set_id in list(reversed(ids))[:LOOKED_AT]:
        if verified is not None and drilled is not None:
            break
        try:
            manifest = read_manifest(target, store, set_id)
        except (ObjectNotFoundError, SealError, ManifestError, NewerFormatError):
            continue  # the finding `backup` names it
        if verified is None and mark(target, store, set_id, VERIFIED) is not None:
            verified = manifest
        if drilled is None and mark(target, store, set_id, DRILLED) is not None:
            drilled = manifest.moment
    return Kept(store, len(ids), verified, drilled)


def section(recovery: Recovery) -> Section:
    """How it is shown."""
    columns = [
        *(Column("store"), Column("verified"), Column("kind"), Column("size", True), Column("rows", True)),
        *(Column("a loss costs", True), Column("restored"), Column("sets", True)),
    ]
    rows = [_row(recovery, one) for one in recovery.stores]
    without = [str(one.store) for one in recovery.stores if one.verified is None]
    notes = [Note(f"No data of a verified backup: {', '.join(without)}.", Standing.UNKNOWN)] if without else []
    return Section(NAME, TITLE, SAYS, [*notes, Table("Backups, one row a store", columns, rows)])


def _row(recovery: Recovery, one: Kept) -> list[str | Cell]:
    newest = one.verified
    age = recovery.now - newest.moment if newest else None
    rows = sum(table.rows for table in newest.tables) if newest and newest.tables else None
    return [
        str(one.store),
        _moment(newest.moment if newest else None, recovery.now, recovery.backup_hours),
        newest.kind.value if newest else "",
        figures.size(newest.size if newest else None),
        figures.count(rows),
        figures.duration(age),
        _moment(one.drilled, recovery.now, recovery.drill_hours),
        figures.count(one.sets),
    ]


def _moment(at: datetime | None, now: datetime, hours: float) -> Cell:
    if at is None:
        return Cell(FEW, Standing.UNKNOWN)
    return Cell(figures.moment(at), Standing.WARNING if now - at > timedelta(hours=hours) else Standing.GOOD)

"""Erasing people from the archives of an app's tables: their lines, and the buckets of organisations.

What belongs here: what goes of each archived table. What does not: how it is taken out (assets/archive).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from assets.apps import App
from assets.apps.lifecycle import Lifecycle
from assets.archive.damage import DamagedError
from assets.archive.layout import bucket_of
from assets.archive.take_out import TakeOut
from assets.erasure.erased_people import ErasedPeople
from assets.erasure.lines import Lines
from assets.lake_tables import lake_table
from assets.privacy.identity import Erased, Identity
from assets.rooms import Rooms


def eraser(rooms: Rooms, app: App) -> "ArchivesEraser | None":
    """The Eraser of an app's archives; None for an app without any."""
    return ArchivesEraser(rooms, app) if any(entry.archive for entry in app.lifecycles) else None


@dataclass(frozen=True)
class ArchivesEraser:
    """The sealed archives of all tables of an app."""

    rooms: Rooms
    app: App

    @property
    def place(self) -> str:
        """See Eraser."""
        return "archives"

    def erase(self, identities: Sequence[Identity]) -> Erased:
        """See Eraser. objects: parts that went or were written again.

        Raises:
            DeclinedError: parts or manifests are damaged, so that nobody knows whom they hold; all others are done.
        """
        people = ErasedPeople.of(identities, self.app.name)
        rows = objects = written = 0
        damaged = list[DamagedError]()
        for entry in self._archived() if people else ():
            archive = TakeOut.of(self.rooms, self.app, entry)
            done = [archive.bucket(name) for name in self._buckets(entry, people)]
            if self._has_people(entry):
                of_rows, faults = archive.rows(self._lines(entry, people).changed)
                done.append(of_rows)
                damaged += faults
            rows += sum(each.rows for each in done)
            objects += sum(each.parts for each in done)
            written += sum(each.written for each in done)
        if damaged:
            raise DamagedError.together(damaged)
        return Erased(self.place, rows, objects, written)

    def _archived(self) -> Iterator[Lifecycle]:
        return (entry for entry in self.app.lifecycles if entry.archive is not None)

    def _has_people(self, entry: Lifecycle) -> bool:
        return self.app.holding(entry.store, entry.name).erasure not in (None, "keep")

    def _buckets(self, entry: Lifecycle, people: ErasedPeople) -> list[str]:
        """The buckets of organisations, where each value has a bucket of its own."""
        assert entry.archive is not None, "it is archived"
        if entry.archive.buckets is not None:
            return []
        return [bucket_of(organisation, None) for organisation in sorted(people.organisations)]

    def _lines(self, entry: Lifecycle, people: ErasedPeople) -> Lines:
        holding = self.app.holding(entry.store, entry.name)
        # Which columns of a database must have a value is not known here.
        columns = lake_table(self.app, entry.name).spec.columns if entry.store == "lake" else None
        required = {column.name for column in columns if column.required} if columns is not None else None
        tenant = holding.organisation
        return Lines(people, holding.subjects, tenant, holding.impersonal_columns, required)

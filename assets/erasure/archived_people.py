"""Where the ids of people stand in sealed archives, for those of whom nothing live is left.

What belongs here: reading the lines of a person. What does not: taking them out (archives.py), live rows (people.py).
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from assets.apps import App
from assets.apps.lifecycle import Lifecycle
from assets.apps.personal import Holding, Person
from assets.archive import parts
from assets.archive.damage import DamagedError
from assets.archive.layout import bucket_folder
from assets.archive.registry import ArchiveRegistry, Revision
from assets.archive.sealed import manifest_of
from assets.erasure.d1_rows import LOGS
from assets.erasure.people import People, Row, places
from assets.privacy.identity import Identity
from assets.rooms import Rooms
from assets.search.needles import Needles


@dataclass
class ArchivedPeople:
    """The archive of one table: a `People`. It is read once for ids that were not asked for before."""

    rooms: Rooms
    app: App
    lifecycle: Lifecycle
    entry: Holding
    within: frozenset[str] = frozenset()
    _asked: set[str] = field(default_factory=set, repr=False)
    _lines: list[dict[str, Any]] = field(default_factory=list, repr=False)

    @property
    def name(self) -> str:
        """See People.name."""
        return f"the archive of {self.lifecycle.table}"

    def rows(self, ids: Mapping[Person, Collection[str]], columns: Sequence[str] = ()) -> list[Row]:
        """See People.rows. A damaged archive is passed over: the erasure, which needs all of it, reports it."""
        own = places(self.entry)
        new = {id_ for kind, _ in own for id_ in ids.get(kind, ())} - self._asked
        if new:
            self._asked |= new
            self._lines += self._read(new)
        named = (line for line in self._lines if any(line.get(place) in ids.get(kind, ()) for kind, place in own))
        names = dict.fromkeys([*(place for _, place in own), *columns])
        found = {tuple((name, line.get(name)) for name in names) for line in named}
        return [dict(row) for row in found]

    def named(self, column: str, values: Collection[str], columns: Sequence[str]) -> list[Row]:
        """See People.named: rows are looked for by their people alone."""
        del column, values, columns
        return []

    def addresses(self) -> Iterator[Row]:
        """See People.addresses: no table that is archived has one."""
        yield from ()

    def _read(self, ids: Collection[str]) -> Iterator[dict[str, Any]]:
        needles = Needles([Identity("", self.app.name, {"user": frozenset(ids)})])
        for revision in ArchiveRegistry(self.rooms.postgres, self.app.name, self.lifecycle.table).sealed():
            with suppress(DamagedError):
                for lines in self._members(revision):
                    if needles.are_in(lines):
                        named = (json.loads(line) for line in lines.splitlines() if needles.are_in(line))
                        yield from (row for row in named if self._is_within(row))

    def _members(self, revision: Revision) -> Iterator[bytes]:
        store = self.rooms.object_store
        folder = bucket_folder(self.app.name, self.lifecycle.table, revision.quarter, revision.bucket)
        for part in manifest_of(store, folder, revision).parts:
            yield from parts.members(parts.checked_bytes(store, folder, part), part.name)

    def _is_within(self, row: Mapping[str, Any]) -> bool:
        return not self.within or row.get(self.entry.organisation) in self.within


def archived_of(rooms: Rooms, app: App, within: frozenset[str] = frozenset()) -> list[People]:
    """The archives of all tables whose rows are of people. within: as of `tables_of`."""
    return [
        ArchivedPeople(rooms, app, lifecycle, entry, within)
        for lifecycle in app.lifecycles
        if lifecycle.archive is not None
        and lifecycle.name not in LOGS
        and places(entry := app.holding(lifecycle.store, lifecycle.name))
        and (entry.organisation or not within)
    ]

"""Makes the damaged files of one organisation and day again: from the landing zone, else from the archive.

Only what is proved is put in their place: rows that no whole file of the day holds, with the checksum that the damaged
files had, by their names. One commit replaces exactly these files, so that a run that is killed anywhere leaves nothing
but a file that no commit names, and the next one does all of it or finds that nothing is damaged.
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal, Self

import polars as pl

from assets.apps import App
from assets.apps.personal import Subject
from assets.events import pruned
from assets.events.ingest import lock_name
from assets.events.table import events_table
from assets.privacy.tombstones import Tombstones
from assets.recovery.archived import sealed
from assets.recovery.landed import landed
from assets.rooms import Rooms
from assets.rows.lake import version_of
from assets.rows.lake_columns import as_stored, lake_columns
from assets.windows import day_window
from resources.counts import counted
from resources.declined import DeclinedError
from resources.lake import DataFile, FileInfo, LakeTable, PartitionKey, SourcesGoneError
from resources.lake.proof import names
from resources.postgres import Postgres
from resources.r2 import ObjectStore

Origin = Literal["landing zone", "archive"]


class NotWholeError(DeclinedError):
    """A partition cannot be made whole again; nothing was changed."""


@dataclass(frozen=True)
class Rebuilt:
    """What was made again, or would be: damaged files by their names, their rows, and from where these came.

    Without damaged files there is nothing to do.
    """

    key: PartitionKey
    damaged: tuple[DataFile, ...] = ()
    rows: int = 0
    origin: Origin | None = None


@dataclass(frozen=True)
class _Candidate:
    """Rows that may be the lost ones. same_files: they were archived from exactly the files that are live now."""

    origin: Origin
    rows: pl.DataFrame
    same_files: bool
    about: str


@dataclass(frozen=True)
class Rebuild:
    """The engine over its stores, for one app that collects events."""

    app: App
    table: LakeTable
    store: ObjectStore
    postgres: Postgres

    @classmethod
    def of(cls, rooms: Rooms, app: App) -> Self:
        """The engine of an app over its rooms."""
        return cls(app, rooms.lake.table(events_table(app)), rooms.object_store, rooms.postgres)

    def run(self, day: date, org: str, *, dry_run: bool) -> Rebuilt:
        """Make the damaged files of a partition again, or only prove that it can be done.

        Raises:
            NotWholeError: neither landing zone nor archive hold all rows of the damaged files.
        """
        key = PartitionKey(org, day)
        # No batch is ingested meanwhile: its events would be compared with files that cannot be read. And nobody is
        # erased: an erasure waits, and then finds the rows that were made again.
        with self.postgres.lock(lock_name(self.app)) as connection:
            tombstones = Tombstones.locked(connection, self.app.name)
            live = self._live(key)
            if not live:
                raise NotWholeError(f"{org} {day} has no data file", "`clearlift lake verify` reads all that there are")
            damaged = [info.file for info in live if not self.table.is_whole(info.file)]
            if not damaged:
                return Rebuilt(key)
            if any(info.has_deletes for info in live):
                raise NotWholeError(
                    f"{org} {day}: another writer deleted rows of it one by one, so nobody knows which rows it had",
                    f"put copies of {names(damaged)} back in their place",
                )
            found = self._proved(key, live, damaged, tombstones)
            if not dry_run:
                self._replace(key, live, damaged, found.rows)
            return Rebuilt(key, tuple(damaged), found.rows.height, found.origin)

    def _live(self, key: PartitionKey) -> list[FileInfo]:
        day = day_window(key.day)
        return [info for info in self.table.files(day.start, day.end, [key.tenant]) if info.partition == key]

    def _proved(
        self, key: PartitionKey, live: Sequence[FileInfo], damaged: Sequence[DataFile], tombstones: Tombstones
    ) -> _Candidate:
        lost = {file.file_path for file in damaged}
        whole = [info for info in live if info.path not in lost]
        with self.table.named(whole):
            kept = self.table.read(whole).select("event_id").collect(engine="streaming")
        why_not = []
        columns, subjects = lake_columns(self.table.layout), self._subjects
        for candidate in self._candidates(key, live):
            rows = as_stored(tombstones.kept(candidate.rows, columns, subjects), self.table.layout)
            rows = rows.join(kept, on="event_id", how="anti", maintain_order="left")
            if not (wrong := self._wrong(rows, damaged, candidate)):
                return replace(candidate, rows=rows)
            why_not.append(f"{candidate.origin}: {wrong}")
        raise NotWholeError(
            f"{key.tenant} {key.day} cannot be made whole: {'; '.join(why_not)}",
            f"put copies of {names(damaged)} back in their place",
        )

    def _candidates(self, key: PartitionKey, live: Sequence[FileInfo]) -> Iterator[_Candidate]:
        of_landing = landed(self.app, self.store, self.postgres, key)
        gone = (
            f"{counted(len(of_landing.gone), 'batch is', 'batches are')} gone, {of_landing.gone[0]} for one"
            if of_landing.gone
            else ""
        )
        yield _Candidate("landing zone", of_landing.events, same_files=False, about=gone)
        of_archive = sealed(self.app, self.store, self.postgres, key, lake_columns(self.table.layout))
        now = version_of(sum(info.rows for info in live), (info.path for info in live))
        rows = of_landing.events.clear() if of_archive.events is None else of_archive.events
        yield _Candidate("archive", rows, same_files=of_archive.version == now, about=of_archive.why_not)

    @property
    def _subjects(self) -> Sequence[Subject]:
        assert self.app.audience is not None, f"{self.app.name} collects no events"
        return self.app.holding("lake", self.app.audience.table).subjects

    def _wrong(self, rows: pl.DataFrame, damaged: Sequence[DataFile], candidate: _Candidate) -> str:
        """Why rows are not proved to be those of the damaged files; empty where they are."""
        expected = sum(file.record_count for file in damaged)
        if rows.height != expected:
            return f"{counted(rows.height, 'row')} found where {expected:,} are missing" + (
                f" ({candidate.about})" if candidate.about else ""
            )
        written = self.table.written(damaged)
        if written is None:
            # The names of other writers' files say nothing. Those of another release say nothing that this one can
            # compare, but all rows of its files were landed ones.
            proved = candidate.same_files or all(map(self.table.wrote, damaged))
            return "" if proved else "another writer wrote them, and nothing says which values they had"
        return "" if self.table.tally(rows) == written else f"of the {expected:,} rows some have other values"

    def _replace(
        self, key: PartitionKey, live: Sequence[FileInfo], damaged: Sequence[DataFile], rows: pl.DataFrame
    ) -> None:
        lost = {file.file_path for file in damaged}
        made = self.table.write([(key, rows)])
        if not all(map(self.table.is_whole, made)):
            raise NotWholeError(f"{names(made)} did not come back as it was written", "run the same again")
        try:
            self.table.replace(
                damaged,
                made,
                str(uuid.uuid4()),
                {pruned.WRITER: pruned.REBUILD},
                relied_on=[info.file for info in live if info.path not in lost],
            )
        except SourcesGoneError:
            raise NotWholeError(
                f"files of {key.tenant} {key.day} were rewritten meanwhile", "run the same again"
            ) from None

"""Makes the damaged files of one organisation and day again: from the landing zone, else from the archive.

Only what is proved is put in their place: rows that no whole file of the day holds, with the checksum that the damaged
files had, by their names. Rows that were deleted stay deleted. What cannot be proved is taken only where a person says
so. One commit replaces exactly these files, so that a run that is killed anywhere leaves nothing
but a file that no commit names, and the next one does all of it or finds that nothing is damaged.
"""

import shlex
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
from assets.privacy.tombstones import Keys, Tombstones
from assets.recovery.archived import sealed
from assets.recovery.deleted import deleted
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

    Without damaged files there is nothing to do. given_up: how many rows are nowhere. returned: how many rows are back
    that another writer had deleted; None where only some are, and nobody knows which. proved: whether they have the
    values that were lost, as far as anything says them.
    """

    key: PartitionKey
    damaged: tuple[DataFile, ...] = ()
    rows: int = 0
    origin: Origin | None = None
    given_up: int = 0
    returned: int | None = 0
    proved: bool = True


@dataclass(frozen=True)
class Choices:
    """What a person takes where nothing is proved.

    with_deleted: also rows that another writer deleted. give_up: what is found, so that the rest is given up.
    """

    with_deleted: bool = False
    give_up: bool = False

    def cover(self, found: int, missing: int) -> bool:
        """Whether so many rows may be taken for those that are missing."""
        return self.with_deleted if found > missing else self.give_up


PROVED = Choices()


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
    keys: Keys

    @classmethod
    def of(cls, rooms: Rooms, app: App) -> Self:
        """The engine of an app over its rooms."""
        return cls(app, rooms.lake.table(events_table(app)), rooms.object_store, rooms.postgres, lambda: rooms.keyring)

    def run(self, day: date, org: str, *, dry_run: bool, choices: Choices = PROVED) -> Rebuilt:
        """Make the damaged files of a partition again, or only prove that it can be done.

        Raises:
            NotWholeError: neither landing zone nor archive hold exactly the rows of the damaged files, and no choice
                covers what they hold.
        """
        key = PartitionKey(org, day)
        # No batch is ingested meanwhile: its events would be compared with files that cannot be read. And nobody is
        # erased: an erasure waits, and then finds the rows that were made again.
        with self.postgres.lock(lock_name(self.app)) as connection:
            tombstones = Tombstones.locked(connection, self.app.name, self.keys)
            live = self._live(key)
            if not live:
                raise NotWholeError(f"{org} {day} has no data file", "`clearlift lake verify` reads all that there are")
            damaged = [info for info in live if not self.table.is_whole(info.file)]
            if not damaged:
                return Rebuilt(key)
            files, cut = [info.file for info in damaged], any(info.has_deletes for info in damaged)
            if cut and not choices.with_deleted:
                raise NotWholeError(
                    f"{org} {day}: another writer deleted rows of the damaged files one by one, and nobody knows which",
                    f"{_copies(files)}, or {_command(key)} --with-deleted` takes these rows back too",
                )
            found, why_not = self._found(key, live, files, tombstones)
            rows, missing = found.rows.height, sum(file.record_count for file in files)
            if why_not and not choices.cover(rows, missing):
                step = (
                    f"{_command(key)} --with-deleted` takes back rows that another writer deleted"
                    if rows > missing
                    else f"{_command(key)} --give-up` takes what is found, and gives up the rest"
                )
                raise NotWholeError(f"{org} {day} cannot be made whole: {why_not}", f"{_copies(files)}, or {step}")
            if not dry_run:
                self._replace(key, live, damaged, found.rows)
            given_up, returned = max(missing - rows, 0), None if cut else max(rows - missing, 0)
            return Rebuilt(key, tuple(files), rows, found.origin, given_up, returned, not why_not)

    def _live(self, key: PartitionKey) -> list[FileInfo]:
        day = day_window(key.day)
        return [info for info in self.table.files(day.start, day.end, [key.tenant]) if info.partition == key]

    def _found(
        self, key: PartitionKey, live: Sequence[FileInfo], damaged: Sequence[DataFile], tombstones: Tombstones
    ) -> tuple[_Candidate, str]:
        """The rows that prove to be the lost ones; else the most that there are, and why nothing is proved."""
        lost = {file.file_path for file in damaged}
        # With the rows that were deleted from them one by one, which stay deleted.
        whole = [info.file for info in live if info.path not in lost]
        with self.table.named(whole):
            kept = self.table.read(whole).select("event_id").collect(engine="streaming")
        why_not, most = list[str](), None
        expected = sum(file.record_count for file in damaged)
        columns, subjects = lake_columns(self.table.layout), self._subjects
        for candidate in self._candidates(key, live):
            rows = as_stored(tombstones.kept(candidate.rows, columns, subjects), self.table.layout)
            rows = rows.join(kept, on="event_id", how="anti", maintain_order="left")
            if rows.height > expected:
                rows = rows.filter(~pl.col("event_id").is_in(list(deleted(self.table, key))))
            of_origin = replace(candidate, rows=rows)
            if not (wrong := self._wrong(rows, damaged, candidate)):
                return of_origin, ""
            why_not.append(f"{candidate.origin}: {wrong}")
            most = of_origin if most is None or rows.height > most.rows.height else most
        assert most is not None, "there are two candidates"
        return most, "; ".join(why_not)

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
        return self.app.holding("lake", self.app.audience.table).tombstoned

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
        self, key: PartitionKey, live: Sequence[FileInfo], damaged: Sequence[FileInfo], rows: pl.DataFrame
    ) -> None:
        lost = {info.path for info in damaged}
        made = self.table.write([(key, rows)] if rows.height else [])
        if not all(map(self.table.is_whole, made)):
            raise NotWholeError(f"{names(made)} did not come back as it was written", "run the same again")
        try:
            self.table.replace(
                damaged,
                made,
                str(uuid.uuid4()),
                {pruned.WRITER: pruned.REBUILD},
                relied_on=[info for info in live if info.path not in lost],
            )
        except SourcesGoneError:
            raise NotWholeError(
                f"files of {key.tenant} {key.day} were rewritten meanwhile", "run the same again"
            ) from None


def _command(key: PartitionKey) -> str:
    """A command of this partition, without its last option and backquote."""
    return f"`clearlift lake rebuild --day {key.day} --org {shlex.quote(key.tenant)}"


def _copies(files: Sequence[DataFile]) -> str:
    return (
        f"put copies of {names(files)} back in their place, out of `clearlift backup restore pipelines/lake --into "
        "copies` (docs/runbooks/damaged-lake.md)"
    )

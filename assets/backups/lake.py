"""Backups of the lake: one state of each table, with all that its kept snapshots reach.

One metadata file pins a state. Its files never change, so that each is copied once, and later sets take it over. What
belongs here: which files make a set, and tables made of them. What does not: Iceberg (resources/lake).
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Self

import polars as pl
from pyiceberg.table import Table as IcebergTable

from assets.apps import App
from assets.apps.personal import Holding
from assets.backups.lake_copies import Content, Copies
from assets.backups.lake_people import erase
from assets.backups.manifest import Kind, Manifest, Table
from assets.backups.method import At, Chain, Contents, NotRestorableError, OccupiedError, Restored, Scope
from assets.backups.parts import Draft
from assets.backups.sets import Sets, find
from assets.backups.target import StoreName, Target
from assets.lake_tables import lake_tables
from assets.rooms import Clock, Rooms
from resources.declined import DeclinedError
from resources.lake import DamagedFilesError, DataFile, FileInfo, Lake, LakeTable, SnapshotGoneError, TableSpec, reach
from resources.lake.moments import earliest, set_back
from resources.lake.place import CATALOG, LakePlace

LOOKS = 5
DATA = ".parquet"
_COMMON = "root"

Place = Callable[[], AbstractContextManager[LakePlace]]
"""Opens a place. A catalog in a folder is a file that is closed after use."""


class DamagedLakeError(DeclinedError):
    """The live lake names files that it does not have, so that no whole set can be made of it."""


@dataclass(frozen=True)
class Pinned:
    """One state of a table, whose files are all in the draft: their locations in order, and what the state holds."""

    table: IcebergTable
    locations: Sequence[str]
    held: Table


@dataclass(frozen=True)
class RestoredFiles(Restored):
    """files: the locations of those that were brought, where others were left out."""

    files: frozenset[str] = frozenset()


@dataclass(frozen=True)
class LakeBackup:
    """The means of the lake. tables: those that are backed up, each with what it holds of people. live_place: the
    catalog and the files that the pipelines work on.
    """

    store: StoreName
    lake: Lake
    tables: Mapping[TableSpec, Holding]
    live_place: Place
    clock: Clock

    @classmethod
    def of(cls, rooms: Rooms, apps: Sequence[App]) -> Self:
        """The lake of the rooms, with the tables of apps."""
        tables = {table.spec: table.holding for app in apps for table in lake_tables(app)}

        def live() -> AbstractContextManager[LakePlace]:
            lake, objects = rooms.lake, rooms.object_store
            root = objects.uri() if "://" in objects.uri() else f"file://{objects.uri()}"
            return nullcontext(LakePlace(lake.catalog, root, True, objects.iceberg_properties(), lake.lock))

        return cls(StoreName("pipelines", "lake"), rooms.lake, tables, live, rooms.clock)

    def full(self, draft: Draft) -> Contents:
        """See `Method.full`. Files of the newest good set are taken over, because they never change."""
        return self._snapshot(draft, find(draft.target, self.store).newest_good)

    def incremental(self, draft: Draft, base: Manifest) -> Contents:
        """See `Method.incremental`. The set stands alone: it names what it takes over from `base`."""
        return self._snapshot(draft, base)

    def _snapshot(self, draft: Draft, before: Manifest | None) -> Contents:
        moment = self.clock()
        copies = Copies(draft, before)
        pinned = [self._pinned(copies, self.lake.table(spec)) for spec in self.tables]
        copies.keep(location for one in pinned for location in one.locations)
        since = [first for one in pinned if (first := earliest(one.table.metadata)) is not None]
        folders = set().union(*(reach.folders(one.table, one.locations) for one in pinned))
        return Contents(
            Kind.SNAPSHOT,
            since=max(since).isoformat() if since else None,
            until=",".join(f"{one.held.name}@{one.table.metadata.current_snapshot_id or ''}" for one in pinned),
            moment=moment,
            tables=[one.held for one in pinned],
            facts={_COMMON: reach.common(folders), **{one.held.name: one.table.metadata_location for one in pinned}},
        )

    def _pinned(self, copies: Copies, table: LakeTable) -> Pinned:
        """Copy one state. Where a file of it expires meanwhile, the state of then is copied: no writer is held up."""
        for look in range(LOOKS):
            live = table.load()
            try:
                locations = reach.in_order(live)
                copies.add(live, locations)
                return Pinned(live, locations, _held(table, live.metadata.current_snapshot_id))
            except (FileNotFoundError, DamagedFilesError, SnapshotGoneError) as error:
                if look == LOOKS - 1 or table.load().metadata_location == live.metadata_location:
                    raise DamagedLakeError(
                        f"{'.'.join(table.spec.identifier)} names a file that is not there ({error})",
                        "`clearlift lake verify` names all of them",
                    ) from error
        raise AssertionError

    def chain(self, sets: Sets, at: At | None) -> Chain:
        """See `Method.chain`: the set whose kept snapshots reach back to `at`, else the newest before it."""
        if isinstance(at, str):
            return sets.at_position(at)
        if at is not None:
            for manifest in sets.complete:
                if manifest.since is not None and datetime.fromisoformat(manifest.since) <= at <= manifest.moment:
                    return (manifest,)
        return sets.at_or_before(at)

    def stays(self) -> Sequence[str]:
        """See `Method.stays`: nothing."""
        return ()

    def live(self) -> Place:
        """See `Method.live`."""
        return self.live_place

    def place(self, name: str) -> Place:
        """See `Method.place`: a folder, which gets a catalog of its own."""
        folder = Path(name)
        if folder.exists() and not (folder.is_dir() and ((folder / CATALOG).exists() or not any(folder.iterdir()))):
            raise OccupiedError(f"{name} holds something else", "name a folder that is new or empty")
        return partial(LakePlace.in_folder, folder)

    @contextmanager
    def scratch(self, folder: Path) -> Iterator[Place]:
        """See `Method.scratch`."""
        yield partial(LakePlace.in_folder, folder / "lake")

    def is_empty(self, place: Place) -> bool:
        """See `Method.is_empty`."""
        with place() as there:
            return not there.tables([spec.identifier for spec in self.tables])

    def preview(self, target: Target, chain: Chain, scope: Scope) -> tuple[Table, ...]:  # noqa: ARG002 - as the Protocol has them
        """See `Method.preview`."""
        names = {_name(spec) for spec in self._chosen(chain[-1], scope)}
        return tuple(table for table in chain[-1].tables if table.name in names)

    def restore(self, target: Target, chain: Chain, place: Place, scope: Scope) -> Restored:
        """See `Method.restore`. The tables are registered at the end, as they shall be: until then nobody sees them."""
        manifest = chain[-1]
        specs = self._chosen(manifest, scope)
        content = Content(target, manifest, {_name(spec) for spec in specs})
        if scope.live:
            content.require_whole()
        with place() as there:
            # A restore that was killed at its end has left them as the set has them.
            if not scope.live and not self._as_in(manifest, there):
                raise OccupiedError(
                    "the place holds tables of this name in another state", "name a folder that is new or empty"
                )
            moved = there.moved(manifest.fact(_COMMON))
            known = _restored_before(manifest, scope.since)
            brought = [location for location in content.files if location not in known]
            for location in brought:
                there.put(moved(location), partial(content.of, location))
            with there.staged() as staged:
                tables, gone = [], 0
                for spec in specs:
                    there.stage(staged, spec.identifier, manifest.fact(_name(spec)), manifest.fact(_COMMON))
                    table = staged.table(spec)
                    if isinstance(scope.at, datetime) and scope.at < manifest.moment:
                        set_back(table.load(), scope.at)
                    if scope.since is None:
                        gone += erase(table, self.tables[spec], scope.erased, alone=not scope.live)
                        tables.append(_held(table, table.head()[0]))
                for spec in specs:
                    there.register(spec.identifier, staged.table(spec).load().metadata_location)
        reached = min(scope.at, manifest.moment) if isinstance(scope.at, datetime) else manifest.moment
        if scope.since is not None:
            held = tuple(table for table in manifest.tables if table.name in {_name(spec) for spec in specs})
            return RestoredFiles(manifest.until, reached, held, new_only=True, files=frozenset(map(moved, brought)))
        return Restored(manifest.until, reached, tuple(tables), gone)

    def differences(self, place: Place, restored: Restored) -> Iterator[str]:
        """See `Method.differences`: every data file is read, and compared with what was written to it."""
        wanted = {table.name: table for table in restored.tables}
        with place() as there:
            for spec in self.tables:
                if (expected := wanted.get(_name(spec))) is None:
                    continue
                table = there.lake.table(spec)
                if not there.tables([spec.identifier]):
                    yield f"{expected.name} is not in the catalog"
                    continue
                if isinstance(restored, RestoredFiles):
                    yield from _wrong_of_new(table, expected, restored.files)
                    continue
                held = _held(table, table.head()[0])
                if held.rows != expected.rows:
                    yield f"{expected.name} has {held.rows} rows, and {expected.rows} were restored"
                elif held.checksum != expected.checksum:
                    yield f"{expected.name} has other files than those that were restored"
                yield from _not_whole(table, table.files())

    def _as_in(self, manifest: Manifest, there: LakePlace) -> bool:
        """Whether the tables that a place has are as a set has them; also where it has none."""
        wanted = {table.name: table for table in manifest.tables}
        for spec in self.tables:
            if there.tables([spec.identifier]):
                table = there.lake.table(spec)
                if _held(table, table.head()[0]) != wanted.get(_name(spec)):
                    return False
        return True

    def _chosen(self, manifest: Manifest, scope: Scope) -> list[TableSpec]:
        if scope.owners:
            raise NotRestorableError(
                "rows of single organisations or people do not come back out of a backup of the lake",
                "restore it with --into FOLDER and read their rows there, or `clearlift archive restore`",
            )
        held = {table.name for table in manifest.tables}
        if unknown := [name for name in scope.tables if name not in held]:
            raise NotRestorableError(
                f"{manifest.id} holds no table {unknown[0]}", f"name one of {', '.join(sorted(held))}"
            )
        return [spec for spec in self.tables if _name(spec) in (scope.tables or held)]


def _held(table: LakeTable, snapshot_id: int | None) -> Table:
    """What a snapshot holds: its rows, and a checksum of the names of its files and of the rows in each.

    Raises:
        SnapshotGoneError: it expired.
    """
    files = table.files(snapshot_id=snapshot_id) if snapshot_id is not None else []
    rows = sum(file.rows for file in files if not file.has_deletes)
    if some := [file for file in files if file.has_deletes]:
        with table.named(some):
            rows += table.read(some).select(pl.len()).collect(engine="streaming").item()
    return Table(name=_name(table.spec), rows=rows, checksum=_checksum(files))


def _checksum(files: Sequence[FileInfo]) -> str:
    lines = sorted(f"{_file(one)} {one.record_count}" for file in files for one in (file.file, *file.deletes))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _wrong_of_new(table: LakeTable, expected: Table, brought: frozenset[str]) -> Iterator[str]:
    """What is wrong with a table of which only new data files are there: its metadata names all of them."""
    files = table.files()
    if _checksum(files) != expected.checksum:
        yield f"{expected.name} has other files than those of the set"
    yield from _not_whole(table, [file for file in files if file.path in brought])


def _not_whole(table: LakeTable, files: Sequence[FileInfo]) -> Iterator[str]:
    for file in files:
        if not table.is_whole(file.file):
            yield f"{_name(table.spec)}: {file.path} does not hold the rows that were written to it"


def _restored_before(manifest: Manifest, since: Manifest | None) -> set[str]:
    """The locations of data files that an earlier set has by the same parts. Metadata comes each time, because no table
    can be read without.
    """
    if since is None:
        return set()
    there = since.objects
    new = {part.file for part in manifest.parts if manifest.object_of(part) not in there}
    return {file for file in manifest.files() if file.endswith(DATA)} - new


def _file(file: DataFile) -> str:
    return file.file_path.rpartition("/")[2]


def _name(spec: TableSpec) -> str:
    return ".".join(spec.identifier)

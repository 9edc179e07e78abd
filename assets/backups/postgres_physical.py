"""Backups of the embedded Postgres server by its files: base backups and its log, restored to any second.

They hold every database of the server. What belongs here: the Protocol of a method for such a server. What does not:
slot, segments and recovery (resources/postgres), databases of which only a login is given (postgres_logical.py).

A full set has the base backup, and the log from the newest good set on, so that no moment between the two is lost. An
incremental has the log since the newest good set.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import msgspec
import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.sql import SQL

from assets.backups.manifest import Kind, Manifest, Table
from assets.backups.method import (
    At,
    Chain,
    Contents,
    FullNeededError,
    NotRestorableError,
    OccupiedError,
    Restored,
    Scope,
)
from assets.backups.parts import Draft, read
from assets.backups.postgres_database import DatabaseSchema, Description, described
from assets.backups.postgres_people import remove
from assets.backups.postgres_restore import KEPT_TOMBSTONES, DatabaseRestore, compared, differences, sound
from assets.backups.sets import Sets, find
from assets.backups.target import StoreName, Target
from resources.postgres import Postgres, embedded, wal
from resources.postgres.load import loading
from resources.postgres.recovery import alone, base_backup, clear, recovered, settle
from resources.postgres.row_checksum import RowChecksum
from resources.postgres.snapshot import Snapshot, TableOf, snapshot, tables_of

BASE = "base.tar"
LOG = "wal/"
CONTINUES = "continues"
EXACT = "tables_are_exact"
SERVER = ("system", "timeline", "segment_bytes")


@dataclass(frozen=True, kw_only=True)
class RestoredServer(Restored):
    """exact: whether `tables` are as they were read when the set was made; else as they were read once it was back."""

    exact: bool


@dataclass(frozen=True)
class PostgresPhysical:
    """A server by its files: a `Method[Path]`, whose places are data folders.

    postgres: the database of ours on the server, as its superuser. folder: of the server. schema: of that database.
    others: the schemas of the other databases on the server, by their names; stores: the store that each of them is.
    """

    store: StoreName
    postgres: Postgres
    folder: Path
    schema: DatabaseSchema
    others: Mapping[str, DatabaseSchema] = field(default_factory=dict)
    stores: Mapping[str, StoreName] = field(default_factory=dict)

    def full(self, draft: Draft) -> Contents:
        """See Method.full."""
        server, start = wal.identity(self.postgres.dsn), wal.keep(self.postgres.dsn)
        before = find(draft.target, self.store).newest_good
        if before is not None and (_of_other(before, server) or wal.position_of(before.until) < start):
            before = None
        if before is None:
            # The log before is of no use, and would count against the limit of what is kept.
            since = wal.mark(self.postgres.dsn).position
            wal.release(self.postgres.dsn, since)
        else:
            since = wal.position_of(before.until)
        with draft.file(BASE) as write:
            for chunk in base_backup(self.folder):
                write(chunk)
        return self._log(draft, Kind.BASE, server, since, {CONTINUES: before.id} if before else {})

    def incremental(self, draft: Draft, base: Manifest) -> Contents:
        """See Method.incremental."""
        server, kept = wal.identity(self.postgres.dsn), wal.kept(self.postgres.dsn)
        needed = f"`clearlift backup run {self.store} --full`"
        if reason := _of_other(base, server):
            raise FullNeededError(f"{self.store} {base.id} is {reason}", needed)
        if kept.start is None or kept.start > wal.position_of(base.until):
            raise FullNeededError(f"the server of {self.store} gave up its log after {base.id}", needed)
        try:
            return self._log(draft, Kind.WAL, server, wal.position_of(base.until), base=base.id)
        except wal.WalGoneError as error:
            raise FullNeededError(error.reason, needed) from None

    def prune(self, sets: Sets) -> None:
        """Let the server remove the log that good sets hold."""
        newest = sets.newest_good
        if newest is not None and not _of_other(newest, wal.identity(self.postgres.dsn)):
            wal.release(self.postgres.dsn, wal.position_of(newest.until))

    def chain(self, sets: Sets, at: At | None) -> Chain:
        """See Method.chain. The last set is the one whose log holds the moment; a full one may be that too."""
        if at is None:
            return sets.at_or_before(None)
        for last in reversed(sets.complete):
            if at in (last.moment, last.until):
                return sets.chain(last)
            before = sets.get(last.base or last.facts.get(CONTINUES, ""))
            if before and isinstance(at, datetime) and before.moment <= at < last.moment:
                return (*sets.chain(before), last)
        raise NotRestorableError(
            f"no backup of {self.store} holds {at}", sets.instead(at if isinstance(at, datetime) else None)
        )

    def stays(self) -> Sequence[str]:
        """See Method.stays: the databases of apps too, because people have written to them since."""
        others = (
            f"the database {name} (`clearlift backup restore {store} --into live --confirm` sets it back)"
            for name, store in self.stores.items()
        )
        return (*others, *sorted(self.schema.kept))

    def live(self) -> Path:
        """See Method.live."""
        return self.folder

    def place(self, name: str) -> Path:
        """See Method.place: a folder, which is made."""
        return Path(name).expanduser().resolve()

    @contextmanager
    def scratch(self, folder: Path) -> Iterator[Path]:
        """See Method.scratch."""
        place = folder / "postgres"
        try:
            yield place
        finally:
            clear(place)

    def is_empty(self, place: Path) -> bool:
        """See Method.is_empty."""
        return not place.exists() or not any(place.iterdir())

    def preview(self, target: Target, chain: Chain, scope: Scope) -> tuple[Table, ...]:
        """See Method.preview."""
        if scope.whole:
            return self.schema.set_back(chain[0].tables)
        if self.is_empty(self.folder):
            raise self._not_single()
        with alone(self.folder):
            draft = _draft(self.folder)
            try:
                with self._recovered(target, chain, draft, scope) as (_, source, *_):
                    return DatabaseRestore(self.store, self.schema).preview(source, self.postgres, scope)
            finally:
                clear(draft)

    def restore(self, target: Target, chain: Chain, place: Path, scope: Scope) -> Restored:
        """See Method.restore. Into the live server the rows of our database come back, as of a recovered one beside it;
        what other databases it has is not touched. Anywhere else a data folder is made, of all of them.
        """
        with alone(place):
            return self._restored(target, chain, place, scope)

    def _not_single(self) -> NotRestorableError:
        return NotRestorableError(
            f"single rows of {self.store} come back into the live database alone", "restore all with --into"
        )

    def _restored(self, target: Target, chain: Chain, place: Path, scope: Scope) -> Restored:
        if self.is_empty(place):
            # What was live is lost, and is made again.
            scope = replace(scope, live=False)
        if not scope.live and not scope.whole:
            raise self._not_single()
        if not scope.live and not self.is_empty(place):
            raise OccupiedError(
                f"{place} is not empty; a restore gives a folder its name once all of it is there",
                "name a folder that is not there, or remove this one and run the restore again",
            )
        draft = _draft(place)
        try:
            with self._recovered(target, chain, draft, scope) as (dsn, source, erased, changed):
                if scope.live:
                    return DatabaseRestore(self.store, self.schema).run(source, self.postgres, scope)
                last = chain[-1]
                exact = source.moment == last.moment and not changed and EXACT in last.facts
                tables = last.tables if exact else tuple(_counted(source.snapshot))
                tables += tuple(self._others(dsn))
            settle(draft, place)
        finally:
            clear(draft)
        return RestoredServer(until=source.until, moment=source.moment, tables=tables, erased=erased, exact=exact)

    @contextmanager
    def _recovered(
        self, target: Target, chain: Chain, draft: Path, scope: Scope
    ) -> Iterator[tuple[str, "RecoveredRows", int, bool]]:
        """A server in a new folder as it was at the moment of a scope, without erased people: its DSN, the rows of our
        database, how many of erased people went, and whether it holds something else than it did.
        """
        last = chain[-1]
        at = scope.at if isinstance(scope.at, datetime) and scope.at < last.moment else None
        segments = (
            (file.removeprefix(LOG), read(target, one, file))
            for one in chain
            for file in one.files()
            if file.startswith(LOG)
        )
        with recovered(draft, read(target, chain[0], BASE), segments, at) as dsn:
            erased, changed = self._without(dsn, scope)
            with Postgres(dsn) as server, snapshot(server) as now:
                (reached,) = now.connection.execute("select pg_last_wal_replay_lsn()::text as lsn").fetchall()
                description = described(now, self.schema.number(server))
                until = str(reached["lsn"])
                rows = RecoveredRows(now, description, until, at or last.moment, last.code_version)
                yield dsn, rows, erased, changed

    def differences(self, place: Path, restored: Restored) -> Iterator[str]:
        """See Method.differences."""
        if not isinstance(restored, RestoredServer):
            yield from differences(self.postgres, restored)
            return
        expected = {table.name: table for table in restored.tables}
        found = set()
        with embedded.running(place) as dsn:
            for name, schema in self._databases(dsn):
                with Postgres(make_conninfo(dsn, dbname=name)) as server, snapshot(server) as now:
                    yield from (f"database {name}: {what}" for what in sound(now.connection))
                    for table in now.tables:
                        said = table.name if schema is self.schema else f"{name}.{table.name}"
                        found.add(said)
                        if said in expected and (restored.exact or schema is not self.schema):
                            yield from compared(now.connection, table, expected[said])
        yield from (f"table {gone} is missing" for gone in sorted(expected.keys() - found))

    def _others(self, dsn: str) -> Iterator[Table]:
        """What the other databases of a server hold."""
        for name, schema in self._databases(dsn):
            if schema is not self.schema:
                with Postgres(make_conninfo(dsn, dbname=name)) as server, snapshot(server) as now:
                    yield from (msgspec.structs.replace(table, name=f"{name}.{table.name}") for table in _counted(now))

    def _databases(self, dsn: str) -> list[tuple[str, DatabaseSchema]]:
        """The databases of a server that are of ours, the first one among them."""
        own = str(conninfo_to_dict(dsn)["dbname"])
        with Postgres(dsn) as server:
            there = {row["datname"] for row in server.fetch("select datname from pg_database")}
        return [(own, self.schema), *((name, schema) for name, schema in self.others.items() if name in there)]

    def _without(self, dsn: str, scope: Scope) -> tuple[int, bool]:
        """Remove the rows of erased people from all databases of a recovered server; how many, and whether it holds
        something else than it did.
        """
        erased, changed = 0, False
        for name, schema in self._databases(dsn) if scope.erased.hashes else ():
            with Postgres(make_conninfo(dsn, dbname=name)) as server:
                with server.connection() as connection:
                    names = [row["name"] for row in tables_of(connection) if row["missing"] is None]
                with loading(server, names, emptied=()) as load:
                    counts = {table: RowChecksum() for table in names}
                    erased += remove(load, schema, scope.erased, counts)
                    if schema is self.schema and not KEPT_TOMBSTONES - load.tables.keys():
                        changed |= scope.remember(load.connection) > 0
                    tables = [load.tables[table] for table, count in counts.items() if count != RowChecksum()]
                    changed |= bool(tables)
            with psycopg.connect(make_conninfo(dsn, dbname=name), autocommit=True) as vacuuming:
                for table in tables:
                    # Deleted rows stay in the files until then.
                    vacuuming.execute(SQL("vacuum full {}").format(table.identifier))
        return erased, changed

    def _log(
        self,
        draft: Draft,
        kind: Kind,
        server: wal.Server,
        since: int,
        facts: Mapping[str, str] | None = None,
        base: str | None = None,
    ) -> Contents:
        """Write the log up to now."""
        with snapshot(self.postgres) as now:
            tables, position, objects = list(_counted(now)), now.position, now.objects
        mark = wal.mark(self.postgres.dsn)
        for name, data in wal.segments(self.postgres.dsn, self.folder, server, since, mark.position):
            draft.write(f"{LOG}{name}", data)
        # Nobody wrote between the two if the next transaction after the snapshot is the mark's.
        exact = position == f"{mark.transaction}:{mark.transaction}:"
        return Contents(
            kind=kind,
            base=base,
            since=wal.text_of(since),
            until=wal.text_of(mark.position),
            moment=mark.moment,
            schema=sha256("\n".join(objects).encode()).hexdigest(),
            tables=tables,
            facts={
                **{name: str(getattr(server, name)) for name in SERVER},
                **({EXACT: "yes"} if exact else {}),
                **(facts or {}),
            },
        )


@dataclass(frozen=True)
class RecoveredRows:
    """Our database on a recovered server: a `Source`."""

    snapshot: Snapshot
    description: Description
    until: str
    moment: datetime
    release: str
    _checksums: dict[str, RowChecksum] = field(default_factory=dict)

    def rows(self, table: str) -> Iterator[bytes]:
        """See Source."""
        self._checksums[table] = RowChecksum()
        return self.snapshot.rows(self._table(table), self._checksums[table])

    def checksum(self, table: str) -> RowChecksum:
        """See Source."""
        return self._checksums[table]

    def count(self, table: str) -> int:
        """See Source."""
        statement = SQL("select count(*) as n from {}").format(self._table(table).identifier)
        (found,) = self.snapshot.connection.execute(statement).fetchall()
        return int(found["n"])

    def _table(self, name: str) -> TableOf:
        return next(table for table in self.snapshot.tables if table.name == name)


def _draft(place: Path) -> Path:
    """Where a server is recovered beside a place."""
    return place.with_name(f".{place.name}.restored")


def _of_other(manifest: Manifest, server: wal.Server) -> str:
    """Why a set is not of this server's present log; empty where it is."""
    if manifest.kind not in (Kind.BASE, Kind.WAL):
        return "no base backup and no log"
    if any(manifest.facts.get(name) != str(getattr(server, name)) for name in SERVER):
        return "of another server, or of the time before it was restored"
    return ""


def _counted(now: Snapshot) -> Iterator[Table]:
    for table in now.tables:
        checksum = RowChecksum()
        for _ in now.rows(table, checksum):
            pass
        yield Table(name=table.name, rows=checksum.rows, checksum=checksum.checksum)

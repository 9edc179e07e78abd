"""Ingest: landed batches of an app into its lake table, exactly once, a group of them in one commit.

The order of effects makes a kill harmless: data files (no commit names them yet), the bytes of refused lines (by
checksum), the prepared run in the ledger, the commit of the lake, the run marked as committed.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Self

import polars as pl

from assets.apps import App
from assets.apps.personal import Subject
from assets.events import doubles, hours, landing
from assets.events.ledger import BatchOutcome, IngestLedger, RunOutcome
from assets.events.pruned import WRITER
from assets.events.stored_ids import StoredIds
from assets.events.table import events_table
from assets.events.validation import Admission, EventReason, sift
from assets.intake import kept_bytes, objects, refusal
from assets.intake.objects import Fetched, Identity, Landed, identity
from assets.intake.refusal import Refusal, TooManyRefusedError, with_values
from assets.intake.zone import blocks, numbered
from assets.privacy.erased_lines import names_erased, object_names_erased
from assets.privacy.tombstones import Keys, Tombstones
from assets.progress import Progress, silent
from assets.rooms import Rooms
from assets.rows.columns import ColumnKind, RowColumn
from resources.d1 import D1
from resources.lake import DamagedFilesError, DataFile, LakeTable, PartitionKey, Source
from resources.postgres import Postgres
from resources.r2 import ObjectInfo, ObjectStore
from resources.sql_files import read_sql

# Unpacked bytes of a group: 256 MiB are some 210,000 events. A larger group has fewer files, because it has one an
# organisation and day, but 354 MiB took a process of 1,040 MiB.
GROUP_BYTES = 256 * 2**20
CHUNK_BYTES = 32 * 2**20  # decoded at once
_DAY = pl.col("timestamp").dt.date().alias("day")


def lock_name(app: App) -> str:
    """The lock that one ingest of an app holds at a time."""
    return f"{app.name}.ingest"


@dataclass
class _Known:
    """What a run found out only while it read its batches, so that it begins again.

    damaged: partitions with damaged files, and what is wrong with these (files). whole: batches that are refused as a
    whole.
    """

    damaged: dict[PartitionKey, str] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)
    whole: dict[Identity, str] = field(default_factory=dict)

    def learn(self, error: DamagedFilesError) -> None:
        """Add the partitions of damaged files.

        Raises:
            DamagedFilesError: they were known, so that to begin again would not help.
        """
        if error.partitions <= self.damaged.keys():
            raise error
        self.damaged |= dict.fromkeys(error.partitions, str(error))
        self.files |= {file.file_path for file in error.files}


@dataclass
class Ingest:
    """The engine of ingestion over its stores, for one app with an audience.

    admission: what is admitted at a moment. clock: now in UTC. copies: the folder of what this machine keeps of stores.
    """

    app: App
    events: LakeTable
    store: ObjectStore
    postgres: Postgres
    admission: Callable[[datetime], Admission]
    clock: Callable[[], datetime]
    keys: Keys
    copies: Path
    group_bytes: int = GROUP_BYTES
    progress: Progress = silent

    @classmethod
    def of(cls, rooms: Rooms, app: App, earliest: datetime) -> Self:
        """The engine of an app over its rooms; events from `earliest` on are admitted."""
        assert app.audience is not None, f"{app.name} collects no events"
        return cls(
            app,
            rooms.lake.table(events_table(app)),
            rooms.object_store,
            rooms.postgres,
            admission(rooms.d1(app), app.audience.org_tags, earliest),
            rooms.clock,
            lambda: rooms.keyring,
            rooms.copies,
            progress=rooms.progress("batches ingested"),
        )

    def run(self, *, sweep: bool = False) -> RunOutcome:
        """Take every landed batch that is not in the ledger; `sweep` lists the whole landing zone, not only its end.

        However many wait, one group of them after another is in memory, and has a commit of its own.

        Raises:
            FencedOffError: this run lost its lock with its connection, and another took its batches; nothing is stored
                of the group that it was about to commit.
        """
        with self.postgres.lock(lock_name(self.app)) as connection:
            ledger = IngestLedger(self.postgres, self.app.name)
            ledger.settle(self.events, self.clock())
            fence, history = self.events.fence(), self.events.history()
            ledger.forget_rolled_back(history.holds)
            batches = pending(self.app, self.store, self.postgres, sweep=sweep)
            total = RunOutcome(str(uuid.uuid4()), self.clock())
            if not batches:
                return total
            # Until this run ends nobody is erased: an erasure waits, and then finds what was stored.
            erased = Tombstones.locked(connection, self.app.name, self.keys)
            number = len(batches)
            while batches:
                self.progress(number - len(batches), number)
                run, left = self._group(batches, ledger, erased, fence)
                if left:
                    run.forget_lines()
                total, batches = run.after(total), batches[len(batches) - left :]
            self.progress(number, number)
            return total

    def _group(
        self, batches: Sequence[ObjectInfo], ledger: IngestLedger, erased: Tombstones, fence: str
    ) -> tuple[RunOutcome, int]:
        """Take the first batches, as many as are in memory at once; what became of them, and how many are left."""
        assert self.app.audience is not None, f"{self.app.name} collects no events"
        history = self.events.history()
        run, files, left = self._taken(batches, ledger, erased)
        for batch in run.batches:
            kept_bytes.keep(self.store, self.app.audience.quarantine, batch.sha256, batch.refusals)
        ledger.prepare(run)
        if files:
            run.snapshot_id = self.events.append(
                files,
                run.ingest_id,
                {WRITER: "ingest", "clearlift.batches": str(len(run.batches)), **hours.summary(run.hours)},
                behind=fence,
                upon=history.head,
            )
        # A run that stored nothing stands on the commit whose events its own were doubles of.
        snapshot_id = run.snapshot_id or history.head[0]
        sequence = self.events.sequence(run.snapshot_id) if run.snapshot_id else history.head[1]
        ledger.commit(run.ingest_id, snapshot_id, sequence, self.clock())
        return run, left

    def _taken(
        self, batches: Sequence[ObjectInfo], ledger: IngestLedger, erased: Tombstones
    ) -> tuple[RunOutcome, list[DataFile], int]:
        """What becomes of the first batches, the data files of their events, which no commit names yet, and how many
        batches are left.

        Each time that it turns out that a batch or a partition cannot be read, all is read again without that one, so
        that it harms no other. The files of before are left to the sweep.
        """
        known, started = _Known(), self.clock()
        while True:
            run = RunOutcome(str(uuid.uuid4()), started)
            run.damaged, run.damaged_files = sorted(set(known.damaged.values())), len(known.files)
            try:
                files, left = self._write(run, batches, ledger, known, erased)
            except DamagedFilesError as error:
                known.learn(error)
            except TooManyRefusedError:
                continue  # `_read` has noted the batch
            else:
                taken = batches[: len(batches) - left]
                arrived = [at for info in taken if (at := landing.zone(self.app).arrival(info.key)) is not None]
                run.arrived = max(arrived, default=None)
                return run, files, left

    def _write(
        self,
        run: RunOutcome,
        batches: Sequence[ObjectInfo],
        ledger: IngestLedger,
        known: _Known,
        erased: Tombstones,
    ) -> tuple[list[DataFile], int]:
        damaged = frozenset((key.tenant, key.day) for key in known.damaged)
        admission = replace(self.admission(run.started_at), damaged=damaged)
        taken: set[str] = set()
        files: list[DataFile] = []
        group: list[pl.DataFrame] = []
        group_bytes = total_bytes = 0
        left = len(batches)
        for fetched in self._fetched(batches, ledger, taken):
            for chunk, size in self._read(run, fetched, admission, taken, known, erased):
                total_bytes += size
                chunk = self._without_erased(run, chunk, erased)
                if chunk.is_empty():
                    continue
                group.append(chunk)
                group_bytes += size
                if group_bytes >= self.group_bytes:
                    files += self._write_group(run, group, files)
                    group, group_bytes = [], 0
            left -= 1
            if total_bytes >= self.group_bytes:
                break
        files += self._write_group(run, group, files)
        run.files = len(files)
        run.bytes = sum(f.file_size_in_bytes for f in files)
        return files, left

    def _fetched(self, batches: Sequence[ObjectInfo], ledger: IngestLedger, taken: set[str]) -> Iterator[Fetched]:
        """The batches as they come. `taken` gets the checksums of those whose content was taken by a run before."""
        for some in objects.fetch_ahead(self.store, landing.zone(self.app), batches):
            taken |= ledger.known_checksums(each.sha256 for each in some)
            yield from some

    def _read(
        self,
        run: RunOutcome,
        fetched: Fetched,
        admission: Admission,
        taken: set[str],
        known: _Known,
        erased: Tombstones,
    ) -> Iterator[tuple[pl.DataFrame, int]]:
        """Judge one batch. Its outcome joins the run. Its events come as frames, with their size in unpacked bytes.

        A batch that cannot be read, and is another one by now, is left to the next run.
        """
        assert self.app.audience is not None, f"{self.app.name} collects no events"
        info = fetched.info
        landed = fetched.landed(landing.zone(self.app))
        if why := known.whole.get(identity(info)):
            landed = replace(landed, text=None, unreadable=why)
        batch = BatchOutcome(landed.key, landed.etag, landed.sha256, landed.size, info.last_modified)
        repeated = landed.sha256 in taken
        if not repeated and landed.text is None:
            reason = self._kept_whole(landed, erased)
            if reason is None:
                return
            batch.refusals = [Refusal(0, reason, landed.unreadable, b"")]
        taken.add(landed.sha256)
        run.batches.append(batch)
        if repeated:
            batch.received = batch.doubled = 1 if landed.text is None else sum(1 for _ in numbered(landed.text))
            return
        if landed.text is None:
            batch.received = 1
            return
        shown = self.app.holding("lake", self.app.audience.table).impersonal_columns
        index = len(run.batches) - 1
        first = 1
        for chunk in blocks(landed.text, CHUNK_BYTES):
            try:
                sifted = sift(chunk, admission, first)
                if len(batch.refusals) + len(sifted.refusals) > refusal.MOST_REFUSED:
                    raise TooManyRefusedError
            except TooManyRefusedError as error:
                known.whole[identity(info)] = str(error)
                raise
            first += sifted.lines
            batch.received += sifted.received
            refused = refusal.without_erased(
                sifted.refusals, lambda raw: names_erased(raw, self._in_lines, erased), EventReason.ERASED_PERSON
            )
            batch.refusals += with_values(refused, shown)
            batch.without_consent += sifted.without_consent.total()
            run.without_consent += sifted.without_consent
            run.unknown_fields += sifted.unknown_fields
            yield sifted.frame().with_columns(pl.lit(index, pl.Int32).alias(doubles.BATCH)), len(chunk)

    def _kept_whole(self, landed: Landed, erased: Tombstones) -> EventReason | None:
        """Why a batch is refused as a whole; it is kept unless it names somebody erased. None: it is another by now."""
        assert self.app.audience is not None, f"{self.app.name} collects no events"
        if object_names_erased(self.store, landed.key, self._in_lines, erased):
            return EventReason.ERASED_PERSON
        is_kept = kept_bytes.keep_whole(self.store, self.app.audience.quarantine, landed)
        return EventReason.UNREADABLE_BATCH if is_kept else None

    @property
    def _stored_ids(self) -> StoredIds:
        return StoredIds.of(self.events, self.copies / f"{self.app.name}_event_ids.sqlite", self.clock)

    @property
    def _in_lines(self) -> Sequence[Subject]:
        """Whom a landed line names, and where."""
        assert self.app.audience is not None, f"{self.app.name} collects no events"
        return self.app.holding("r2", self.app.audience.landing).tombstoned

    def _without_erased(self, run: RunOutcome, events: pl.DataFrame, erased: Tombstones) -> pl.DataFrame:
        """The events without those of people who were erased, which are counted like those without consent."""
        assert self.app.audience is not None, f"{self.app.name} collects no events"
        subjects = self.app.holding("lake", self.app.audience.table).tombstoned
        columns = [RowColumn(name, ColumnKind.TEXT, "") for _, name in subjects]
        kept = erased.kept(events.with_row_index("at"), columns, subjects)
        if kept.height == events.height:
            return events
        gone = events.with_row_index("at").join(kept, on="at", how="anti")
        for index, org, at, event_type in gone.select(doubles.BATCH, "org_tag", "timestamp", "event_type").iter_rows():
            hour = at.replace(minute=0, second=0, microsecond=0)
            run.without_consent[org, hour, event_type] += 1
            run.batches[index].without_consent += 1
        return kept.drop("at")

    def _write_group(
        self, run: RunOutcome, group: Sequence[pl.DataFrame], written: Sequence[DataFile]
    ) -> list[DataFile]:
        if not group:
            return []
        events = pl.concat(group)
        stored_in = self._stored_ids.may_hold(events, self._stored_in(events, written))
        with self.events.named(stored_in):
            distinct = doubles.drop(events, self.events.read(stored_in))
        for index, doubled in distinct.doubled.items():
            run.batches[index].doubled += doubled
            run.batches[index].conflicting += distinct.conflicting.get(index, 0)
        stored = (
            distinct.events.select(doubles.BATCH, "timestamp")
            .group_by(doubles.BATCH)
            .agg(
                pl.len().alias("stored"),
                pl.col("timestamp").min().alias("first"),
                pl.col("timestamp").max().alias("last"),
            )
        )
        for index, n, first, last in stored.iter_rows():
            batch = run.batches[index]
            batch.stored += n
            batch.first_event = min(batch.first_event or first, first)
            batch.last_event = max(batch.last_event or last, last)
        by_hour = distinct.events.group_by(pl.col("timestamp").dt.truncate("1h")).len()
        run.hours.update({hour.astimezone(UTC): rows for hour, rows in by_hour.iter_rows()})
        parts = list(_partitions(distinct.events))
        files = self.events.write(parts)
        self._stored_ids.add((file, rows) for file, (_, rows) in zip(files, parts, strict=True))
        return files

    def _stored_in(self, events: pl.DataFrame, written: Iterable[DataFile]) -> list[Source]:
        """The files of the partitions that `events` fall on: in the lake, and written earlier by this run."""
        keys = {PartitionKey(tenant, day) for tenant, day in events.select("org_tag", _DAY).unique().iter_rows()}
        days = [key.day for key in keys]
        live = self.events.files(
            since=datetime.combine(min(days), time(), UTC),
            until=datetime.combine(max(days) + timedelta(days=1), time(), UTC),
            tenants=sorted({key.tenant for key in keys}),
        )
        return [
            *(info for info in live if info.partition is None or info.partition in keys),
            *(file for file in written if PartitionKey.of(file) in keys),
        ]


def pending(app: App, store: ObjectStore, postgres: Postgres, *, sweep: bool = False) -> list[ObjectInfo]:
    """Landed batches of an app that no committed run has taken, by key.

    Those of the hours since the last run and some days before it, or of all hours (`sweep`).
    """
    ledger = IngestLedger(postgres, app.name)
    return objects.waiting(store, landing.zone(app), None if sweep else ledger.taken_until(), ledger.known_objects)


def admission(d1: D1, org_tags: str, earliest: datetime) -> Callable[[datetime], Admission]:
    """What is admitted at a moment: events of the organisations that D1 knows, from `earliest` on.

    org_tags: the statement, under sql/, that reads the organisations.
    """

    def at(now: datetime) -> Admission:
        orgs = {row["tag"]: bool(row["active"]) for row in d1.query(read_sql(org_tags))}
        return Admission(orgs, earliest, now)

    return at


def _partitions(events: pl.DataFrame) -> Iterator[tuple[PartitionKey, pl.DataFrame]]:
    ordered = events.sort("org_tag", "timestamp")
    start = 0
    for tenant, day, rows in ordered.group_by("org_tag", _DAY, maintain_order=True).len().iter_rows():
        yield PartitionKey(tenant, day), ordered.slice(start, rows)
        start += rows

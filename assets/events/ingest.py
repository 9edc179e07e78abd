"""Ingest: landed batches into the lake, exactly once, in one commit a run.

The order of effects is what makes a kill harmless: data files (orphans until committed), the quarantine's bytes (keyed
by checksum), the ledger's prepared run, the lake's commit, the ledger's committed mark.
"""

import hashlib
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

import polars as pl

from assets.events import doubles, landing, quarantine
from assets.events.ledger import BatchOutcome, Ledger, RunOutcome
from assets.events.validation import Admission, Reason, Refusal, sift
from assets.progress import Progress, silent
from resources.lake import DataFile, LakeTable, PartitionKey
from resources.postgres import Postgres
from resources.r2 import ObjectInfo, ObjectStore

# Unpacked bytes that are held at once: 256 MiB are some 170,000 events, 100 MB as columns.
GROUP_BYTES = 256 * 2**20
CHUNK_BYTES = 32 * 2**20  # held as events
LOCK = "clearlift.ingest"
_DAY = pl.col("timestamp").dt.date().alias("day")


@dataclass
class Ingest:
    """The engine of ingestion over its stores. `admission` says what is let in at the moment; `clock` gives UTC now."""

    events: LakeTable
    store: ObjectStore
    postgres: Postgres
    admission: Callable[[datetime], Admission]
    clock: Callable[[], datetime]
    group_bytes: int = GROUP_BYTES
    progress: Progress = silent

    def run(self, *, sweep: bool = False) -> RunOutcome:
        """Take every landed batch that is not in the ledger; `sweep` lists the whole landing zone, not just its end.

        Raises:
            FencedOffError: this run lost its lock with its connection, and another took its batches; nothing is stored.
        """
        with self.postgres.lock(LOCK):
            ledger = Ledger(self.postgres)
            ledger.settle(self.events.settled, self.clock())
            fence = self.events.fence()
            run = RunOutcome(str(uuid.uuid4()), self.clock())
            batches = pending(self.store, self.postgres, sweep=sweep)
            if not batches:
                return run
            files = self._write(run, batches, ledger)
            for batch in run.batches:
                quarantine.keep(self.store, batch)
            ledger.prepare(run)
            if files:
                run.snapshot_id = self.events.append(
                    files,
                    run.ingest_id,
                    {"clearlift.writer": "ingest", "clearlift.batches": str(len(run.batches))},
                    behind=fence,
                )
            ledger.commit(run.ingest_id, run.snapshot_id, self.clock())
            return run

    def _write(self, run: RunOutcome, batches: Sequence[ObjectInfo], ledger: Ledger) -> list[DataFile]:
        admission = self.admission(self.clock())
        taken: set[str] = set()
        files: list[DataFile] = []
        group: list[pl.DataFrame] = []
        group_bytes = 0
        for done, landed in enumerate(batches):
            self.progress(done, len(batches))
            for chunk, size in self._read(run, landed, admission, taken, ledger):
                group.append(chunk)
                group_bytes += size
                if group_bytes >= self.group_bytes:
                    files += self._write_group(run, group, files)
                    group, group_bytes = [], 0
        files += self._write_group(run, group, files)
        self.progress(len(batches), len(batches))
        run.files = len(files)
        run.bytes = sum(f.file_size_in_bytes for f in files)
        return files

    def _read(
        self, run: RunOutcome, landed: ObjectInfo, admission: Admission, taken: set[str], ledger: Ledger
    ) -> Iterator[tuple[pl.DataFrame, int]]:
        """Judge one batch; its outcome joins the run, its events come as frames with their size in landed bytes."""
        if landed.size > landing.LARGEST_OBJECT:
            reason = f"larger than {landing.LARGEST_OBJECT >> 20} MiB"
            batch = BatchOutcome(
                landed.key, landed.etag or "", _sha256(f"{landed.key} {landed.etag}".encode()), landed.size
            )
            run.batches.append(_unreadable(batch, reason))
            return
        data = self.store.get(landed.key)
        batch = BatchOutcome(landed.key, landed.etag or "", _sha256(data), len(data))
        run.batches.append(batch)
        try:
            text = landing.text(data)
        except landing.UnreadableBatchError as error:
            if batch.sha256 in taken or ledger.known_checksums([batch.sha256]):
                batch.received = batch.doubled = 1
            else:
                _unreadable(batch, str(error))
            taken.add(batch.sha256)
            return
        if batch.sha256 in taken or ledger.known_checksums([batch.sha256]):
            batch.received = batch.doubled = sum(1 for line in text.split(b"\n") if line and not line.isspace())
            return
        taken.add(batch.sha256)
        index = len(run.batches) - 1
        first = 1
        for chunk in landing.blocks(text, CHUNK_BYTES):
            found = sift(chunk, admission, first)
            first += found.lines
            batch.received += found.received
            batch.refusals += found.refusals
            batch.without_consent += found.without_consent.total()
            run.without_consent += found.without_consent
            run.unknown_fields += found.unknown_fields
            if found.columns[0]:
                yield found.frame().with_columns(pl.lit(index, pl.Int32).alias(doubles.BATCH)), len(chunk)

    def _write_group(
        self, run: RunOutcome, group: Sequence[pl.DataFrame], written: Sequence[DataFile]
    ) -> list[DataFile]:
        if not group:
            return []
        events = pl.concat(group)
        stored_in = self._stored_in(events, written)
        with self.events.named(stored_in):
            distinct = doubles.drop(events, self.events.read(file.file_path for file in stored_in))
        for index, doubled in distinct.doubled.items():
            run.batches[index].doubled += doubled
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
        return self.events.write(_partitions(distinct.events))

    def _stored_in(self, events: pl.DataFrame, written: Iterable[DataFile]) -> list[DataFile]:
        """The files of the partitions that `events` fall on: in the lake, and written earlier by this run."""
        keys = {PartitionKey(tenant, day) for tenant, day in events.select("org_tag", _DAY).unique().iter_rows()}
        days = [key.day for key in keys]
        live = self.events.files(
            since=datetime.combine(min(days), time(), UTC),
            until=datetime.combine(max(days) + timedelta(days=1), time(), UTC),
            tenants=sorted({key.tenant for key in keys}),
        )
        return [
            *(info.file for info in live if info.key in keys),
            *(file for file in written if PartitionKey.of(file) in keys),
        ]


def pending(store: ObjectStore, postgres: Postgres, *, sweep: bool = False) -> list[ObjectInfo]:
    """Landed batches that no committed run has taken, by key: of the hours since the last run, or of all (`sweep`)."""
    ledger = Ledger(postgres)
    start = None if sweep else landing.listing_start(ledger.last_run())
    listed = [o for o in store.list(landing.PREFIX, start_after=start) if landing.is_batch(o.key)]
    known = ledger.known_objects([(o.key, o.etag or "") for o in listed])
    return sorted((o for o in listed if (o.key, o.etag or "") not in known), key=lambda o: o.key)


def _partitions(events: pl.DataFrame) -> Iterator[tuple[PartitionKey, pl.DataFrame]]:
    ordered = events.sort("org_tag", "timestamp")
    start = 0
    for tenant, day, rows in ordered.group_by("org_tag", _DAY, maintain_order=True).len().iter_rows():
        yield PartitionKey(tenant, day), ordered.slice(start, rows)
        start += rows


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _unreadable(batch: BatchOutcome, reason: str) -> BatchOutcome:
    batch.received = 1
    batch.refusals = [Refusal(0, Reason.UNREADABLE_BATCH, reason, b"")]
    return batch

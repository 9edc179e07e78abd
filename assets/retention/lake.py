"""Dropping days of events that are archived and counted: exactly the files that were compared, a quarter in one commit.

A day goes where its organisation's archive was read back whole, every live row is in it as it is, and the aggregates
that are kept hold what it holds. The files themselves are removed by the lake's upkeep, once no snapshot names them.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from assets.apps import App
from assets.apps.lifecycle import Lifecycle
from assets.archive.lake_source import BATCH_ROWS, lake_columns, rows_of
from assets.archive.late import Known
from assets.archive.layout import bucket_of
from assets.archive.lines import schema
from assets.archive.quarters import Quarter
from assets.archive.registry import Revision
from assets.events import pruned
from assets.progress import Progress, silent
from assets.retention import share
from assets.retention.ledger import Ledger
from assets.retention.outcome import Order, Outcome
from assets.retention.proof import DAMAGED, LATE, UNSEALED, Proof
from assets.retention.reconciled import DayCount, Kept, Reconciled
from assets.rollups.follow import follow
from assets.windows import Window, day_window
from resources.lake import FileInfo, LakeTable, PartitionKey
from resources.postgres import Postgres
from resources.r2 import ObjectStore

# Archived rows that are compared at a time are those of so many live ones, by days: 40 bytes each are in memory.
ROWS_AT_ONCE = 500_000
MEANWHILE = "events came while the day was compared"
DELETES = "another writer deleted rows of it one by one: compaction merges its files first"
PRUNED = "late events of a day that is archived only: {restore}"


@dataclass(frozen=True)
class Day:
    """The live files of one organisation and day."""

    key: PartitionKey
    files: tuple[FileInfo, ...]

    @property
    def rows(self) -> int:
        return sum(file.rows for file in self.files)

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)


@dataclass
class _Quarter:
    """The days of a quarter that may go, and the archives that were found to hold them."""

    quarter: Quarter
    days: list[Day] = field(default_factory=list)
    revisions: dict[str, Revision] = field(default_factory=dict)


@dataclass
class LakePruner:
    """The engine."""

    app: App
    table: LakeTable
    store: ObjectStore
    postgres: Postgres
    ledger: Ledger
    clock: Callable[[], datetime]
    progress: Progress = silent

    def run(self, order: Order) -> Outcome:
        """Drop what may go, or say what would. Where that is too much, nothing goes and the outcome says so."""
        entry, outcome = order.entry, Outcome(order)
        with self.postgres.lock(order.lock):
            if not order.dry_run:
                self._settle(entry)
            head = self.table.head()[0]
            while follow(self.app, self.table, self.postgres, self.clock):
                pass
            outcome.total = self.table.totals().rows
            proof = Proof(order.app, entry, self.store, self.postgres, outcome.faults)
            found = list(self._eligible(order, head, proof, outcome))
            outcome.going = sum(day.rows for each in found for day in each.days)
            if share.admitted(outcome):
                for each in found:
                    self._drop(each, proof, outcome)
        return outcome

    def _settle(self, entry: Lifecycle) -> None:
        """What killed runs were about to drop: it went with their commit, or stayed."""
        for note in self.ledger.unsettled(entry):
            snapshot = self.table.landed(str(note.id))
            files = self.table.removed_by(snapshot) if snapshot else []
            with self.postgres.connection() as connection:
                pruned.settle(connection, self.app, note.id, {PartitionKey.of(file) for file in files})
            self.ledger.settle(
                note, sum(file.record_count for file in files), sum(file.file_size_in_bytes for file in files)
            )

    def _eligible(self, order: Order, head: int | None, proof: Proof, outcome: Outcome) -> Iterator[_Quarter]:
        by_quarter: dict[Quarter, list[Day]] = defaultdict(list)
        if head is not None:
            for day in self._days(order.before, head):
                by_quarter[Quarter.of(day.key.day)].append(day)
        done, total = 0, sum(len(days) for days in by_quarter.values())
        for quarter, days in sorted(by_quarter.items()):
            with proof.registry.lock(quarter):
                found = _Comparison(self, quarter, proof, outcome).run(days)
            yield found
            done += len(days)
            self.progress(done, total)

    def _days(self, before: datetime, head: int) -> Iterator[Day]:
        files: dict[PartitionKey, list[FileInfo]] = defaultdict(list)
        for info in self.table.files(until=before, snapshot_id=head):
            if info.key.day < before.date():
                files[info.key].append(info)
        for key in sorted(files):
            yield Day(key, tuple(files[key]))

    def _drop(self, found: _Quarter, proof: Proof, outcome: Outcome) -> None:
        days, quarter = {day.key: day for day in found.days}, found.quarter
        if not days:
            return
        with proof.registry.lock(quarter):
            sealed = proof.sealed(quarter)
            if any(sealed.get(bucket) != revision for bucket, revision in found.revisions.items()):
                outcome.hold(str(quarter), sum(day.rows for day in days.values()), "it was archived again meanwhile")
                return
            rows = {key: day.rows for key, day in days.items()}
            with self.postgres.connection() as connection:
                note = self.ledger.intend(
                    outcome.order.entry,
                    str(quarter),
                    sum(rows.values()),
                    sum(day.bytes for day in days.values()),
                    "sealed and reconciled",
                    connection,
                )
                pruned.mark(connection, self.app, str(quarter), rows, commit_id=note.id, at=self.clock())
            gone = self.table.drop(
                {key: [file.file for file in day.files] for key, day in days.items()},
                str(note.id),
                {pruned.WRITER: pruned.RETENTION},
            )
            with self.postgres.connection() as connection:
                pruned.settle(connection, self.app, note.id, gone)
            went = sum(rows[key] for key in gone)
            size = sum(days[key].bytes for key in gone)
            self.ledger.settle(note, went, size)
        outcome.deleted += went
        outcome.bytes += size
        stayed = [key for key in days if key not in gone]
        if stayed:
            outcome.hold(f"{quarter}, {len(stayed)} days", sum(rows[key] for key in stayed), MEANWHILE)


class _Comparison:
    """The days of one quarter beside their archives and aggregates, under the quarter's lock."""

    def __init__(self, pruner: LakePruner, quarter: Quarter, proof: Proof, outcome: Outcome) -> None:
        self._pruner = pruner
        self._proof = proof
        self._outcome = outcome
        self._found = _Quarter(quarter)
        self._columns = lake_columns(pruner.table.spec)
        self._reconciled = Reconciled(pruner.app, pruner.postgres, pruner.clock)

    def run(self, days: Sequence[Day]) -> _Quarter:
        """The days that may go; what stays is told to the outcome, an organisation and reason together."""
        quarter = self._found.quarter
        sealed = self._proof.sealed(quarter)
        waiting = self._reconciled.waiting(quarter.window)
        with self._pruner.postgres.connection() as connection:
            archived_only = pruned.marked(connection, self._pruner.app, str(quarter))
        restore = PRUNED.format(restore=pruned.restore_command(self._pruner.app, str(quarter)))
        by_org: dict[str, list[Day]] = defaultdict(list)
        for day in days:
            by_org[day.key.tenant].append(day)
        for org, of_org in sorted(by_org.items()):
            revision = sealed.get(bucket_of(org, None))
            kept: dict[str, list[Day]] = defaultdict(list)
            compared = []
            for day in of_org:
                why = restore if day.key in archived_only else _not_archived(day, revision)
                if why := why or waiting.get(day.key.day, ""):
                    kept[why].append(day)
                else:
                    compared.append(day)
            if compared and revision is not None:
                self._compare(org, revision, compared, kept)
            for why, held in kept.items():
                self._outcome.hold(f"{quarter} of {org}, {len(held)} days", sum(d.rows for d in held), why)
        return self._found

    def _compare(self, org: str, revision: Revision, days: Sequence[Day], kept: Mapping[str, list[Day]]) -> None:
        if not self._proof.whole(revision):
            kept[DAMAGED].extend(days)
            return
        aggregates = self._reconciled.counted(org, self._found.quarter.window)
        for some in _chunks(days):
            window = Window(day_window(some[0].key.day).start, day_window(some[-1].key.day).end)
            known = self._proof.known(revision, self._columns, window)
            for day in some:
                if why := self._differs(day, known, aggregates):
                    kept[why].append(day)
                else:
                    self._found.days.append(day)
                    self._found.revisions[revision.bucket] = revision

    def _differs(self, day: Day, known: Known, aggregates: Kept) -> str:
        counted = DayCount()
        table = self._pruner.table
        with table.named(file.file for file in day.files):
            rows = table.read(file.path for file in day.files).select(list(schema(self._columns)))
            for frame in rows.collect_batches(chunk_size=BATCH_ROWS, maintain_order=True, engine="streaming"):
                if not known.late(frame).is_empty():
                    return LATE
                counted.add(frame)
        return aggregates.differs(day.key.day, counted)


def _not_archived(day: Day, revision: Revision | None) -> str:
    """What the registry alone says against a day; empty where it says nothing."""
    if revision is None:
        return UNSEALED
    if any(file.has_deletes for file in day.files):
        return DELETES
    # A day that was pruned and restored is not noted there: its rows are compared.
    noted = revision.slices.get(str(day.key.day))
    return LATE if noted is not None and day.rows > rows_of(noted) else ""


def _chunks(days: Sequence[Day]) -> Iterator[list[Day]]:
    """Days in order, cut where they hold too many rows to be compared at once."""
    some: list[Day] = []
    for day in sorted(days, key=lambda d: d.key):
        if some and sum(d.rows for d in some) + day.rows > ROWS_AT_ONCE:
            yield some
            some = []
        some.append(day)
    if some:
        yield some

"""Old days of a lake table that are archived and counted: exactly the compared files go, a quarter in one commit.

A day goes where its organisation's archive was read back whole, every live row is in it as it is, and the aggregates
that are kept hold what the day holds. Upkeep removes the files themselves, once no snapshot names them. What belongs
here: comparing and dropping days. What does not: aggregates (reconciled.py).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from assets.apps import App
from assets.archive.layout import bucket_of
from assets.archive.quarters import Quarter
from assets.archive.registry import Revision
from assets.events import pruned
from assets.lake_tables import lake_table
from assets.retention.deletion import Deletion, DeletionOutcome, Portion
from assets.retention.log import DeletionLog, DeletionRecord
from assets.retention.proof import DAMAGED, LATE, UNSEALED, ArchiveProof
from assets.retention.reconciled import DayCount, Reconciled, RolledUpCounts
from assets.retention.run import OldRows
from assets.rollups.follow import follow
from assets.rooms import Clock, Rooms
from assets.rows.known import KnownRows
from assets.rows.lake import file_rows, rows_of
from assets.rows.lake_columns import lake_columns
from assets.windows import Window, day_window
from resources.counts import counted
from resources.lake import DamagedFilesError, FileInfo, LakeTable, PartitionKey
from resources.postgres import Postgres

# Days are compared together up to so many live rows; each of their archived rows takes 40 bytes of memory.
ROWS_AT_ONCE = 500_000
WHY = "sealed and reconciled"
UNREADABLE = "data files of the day are damaged"
MEANWHILE = "events came while the day was compared"
ARCHIVED_AGAIN = "it was archived again meanwhile"
DELETES = "another writer deleted rows of it one by one: compaction merges its files first"
OTHER_SPEC = "another engine wrote files with rows of several days: compaction writes them again by day first"
PRUNED = "late events of a day that is archived only: {command}"


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
class _GoingDays:
    """The days of a quarter that may go, and the archives that hold them."""

    days: list[Day] = field(default_factory=list)
    revisions: dict[str, Revision] = field(default_factory=dict)


@dataclass
class LakeDays(OldRows):
    """The days of an app's events."""

    app: App
    table: LakeTable
    postgres: Postgres
    deletion: Deletion
    log: DeletionLog
    proof: ArchiveProof
    clock: Clock
    _quarters: dict[Quarter, _GoingDays] = field(default_factory=dict)

    @classmethod
    def of(cls, rooms: Rooms, app: App, deletion: Deletion, log: DeletionLog) -> "LakeDays":
        """The old days of the app's events, over the stores of the rooms."""
        table = lake_table(app, deletion.entry.name)
        assert table.is_landed, f"the marks of pruned days are those of events, not of {table.title}"
        return cls(
            app=app,
            table=rooms.lake.table(table.spec),
            postgres=rooms.postgres,
            deletion=deletion,
            log=log,
            proof=ArchiveProof.of(rooms, app, deletion.entry),
            clock=rooms.clock,
        )

    def went(self, record: DeletionRecord) -> tuple[int, int]:
        """The days went with the commit of the record, or stayed."""
        snapshot = self.table.landed(str(record.id))
        files = self.table.removed_by(snapshot) if snapshot else []
        with self.postgres.connection() as connection:
            pruned.settle(connection, self.app, record.id, {self.table.info(file).key for file in files})
        return sum(file.record_count for file in files), sum(file.file_size_in_bytes for file in files)

    def count(self, outcome: DeletionOutcome) -> list[Portion]:
        self.proof.faults = outcome.faults
        head = self.table.head()[0]
        while follow(self.app, self.table, self.postgres, self.clock):
            pass
        outcome.total = self.table.totals().rows
        by_quarter: dict[Quarter, list[Day]] = defaultdict(list)
        for day in self._days(head, outcome) if head is not None else ():
            by_quarter[Quarter.of(day.key.day)].append(day)
        done, total = 0, sum(len(days) for days in by_quarter.values())
        for quarter, days in sorted(by_quarter.items()):
            with self.proof.registry.lock(quarter):
                self._quarters[quarter] = _Comparison(self, quarter, outcome).run(days)
            done += len(days)
            outcome.progress(done, total)
        return [
            Portion(str(quarter), sum(day.rows for day in going.days), sum(day.bytes for day in going.days))
            for quarter, going in self._quarters.items()
            if going.days
        ]

    def delete(self, portion: Portion, outcome: DeletionOutcome) -> None:
        quarter = Quarter.parse(portion.place)
        going = self._quarters[quarter]
        days = {day.key: day for day in going.days}
        rows = {key: day.rows for key, day in days.items()}
        with self.proof.registry.lock(quarter):
            sealed = self.proof.sealed(quarter)
            if any(sealed.get(bucket) != revision for bucket, revision in going.revisions.items()):
                outcome.hold(portion.place, portion.rows, ARCHIVED_AGAIN)
                return
            with self.postgres.connection() as connection:
                record = self.log.begin(self.deletion.entry, portion, WHY, connection)
                pruned.mark(connection, self.app, str(quarter), rows, commit_id=record.id, at=self.clock())
            gone = self.table.drop(
                {key: [file.file for file in day.files] for key, day in days.items()},
                str(record.id),
                {pruned.WRITER: pruned.RETENTION},
            )
            with self.postgres.connection() as connection:
                pruned.settle(connection, self.app, record.id, gone)
            went, size = sum(rows[key] for key in gone), sum(days[key].bytes for key in gone)
            self.log.settle(record, went, size)
        outcome.gone(went, size)
        if stayed := [key for key in days if key not in gone]:
            outcome.hold(f"{quarter}, {counted(len(stayed), 'day')}", sum(rows[key] for key in stayed), MEANWHILE)

    def _days(self, head: int, outcome: DeletionOutcome) -> Iterator[Day]:
        files: dict[PartitionKey, list[FileInfo]] = defaultdict(list)
        before = self.deletion.before
        live = self.table.files(until=before, snapshot_id=head)
        if other := [info for info in live if info.partition is None]:
            outcome.hold(f"{counted(len(other), 'file')}", sum(info.rows for info in live), OTHER_SPEC)
            return
        for info in live:
            if info.key.day < before.date():
                files[info.key].append(info)
        for key in sorted(files):
            yield Day(key, tuple(files[key]))


class _Comparison:
    """The days of one quarter compared with their archives and aggregates, under the quarter's lock."""

    def __init__(self, lake: LakeDays, quarter: Quarter, outcome: DeletionOutcome) -> None:
        self._table, self._postgres, self._proof = lake.table, lake.postgres, lake.proof
        self._quarter = quarter
        self._outcome = outcome
        self._going = _GoingDays()
        self._columns = lake_columns(lake.table.layout)
        self._app = lake.app
        self._reconciled = Reconciled(lake.app, lake.postgres, lake.clock)
        self._pruned = PRUNED.format(command=pruned.restore_command(lake.app, str(quarter)))

    def run(self, days: Sequence[Day]) -> _GoingDays:
        """The days that may go. What stays is recorded in the outcome, by organisation and reason."""
        quarter, proof = self._quarter, self._proof
        sealed = proof.sealed(quarter)
        waiting = self._reconciled.waiting(quarter.window)
        with self._postgres.connection() as connection:
            archived_only = pruned.marked(connection, self._app, str(quarter))
        by_org: dict[str, list[Day]] = defaultdict(list)
        for day in days:
            by_org[day.key.tenant].append(day)
        for org, of_org in sorted(by_org.items()):
            revision = sealed.get(bucket_of(org, None))
            staying: dict[str, list[Day]] = defaultdict(list)
            compared = []
            for day in of_org:
                why = self._pruned if day.key in archived_only else _not_archived(day, revision)
                if why := why or waiting.get(day.key.day, ""):
                    staying[why].append(day)
                else:
                    compared.append(day)
            if compared and revision is not None:
                self._compare(org, revision, compared, staying)
            for why, of_reason in staying.items():
                place = f"{quarter} of {org}, {counted(len(of_reason), 'day')}"
                self._outcome.hold(place, sum(day.rows for day in of_reason), why)
        return self._going

    def _compare(self, org: str, revision: Revision, days: Sequence[Day], staying: Mapping[str, list[Day]]) -> None:
        if not self._proof.whole(revision):
            staying[DAMAGED].extend(days)
            return
        aggregates = self._reconciled.counted(org, self._quarter.window)
        for chunk in _chunks(days):
            window = Window(day_window(chunk[0].key.day).start, day_window(chunk[-1].key.day).end)
            known = self._proof.known(revision, self._columns, window)
            for day in chunk:
                if why := self._differs(day, known, aggregates):
                    staying[why].append(day)
                else:
                    self._going.days.append(day)
                    self._going.revisions[revision.bucket] = revision

    def _differs(self, day: Day, known: KnownRows, aggregates: RolledUpCounts) -> str:
        counted = DayCount()
        try:
            for frame in file_rows(self._table, day.files):
                if not known.late(frame).is_empty():
                    return LATE
                counted.add(frame)
        except DamagedFilesError as error:
            self._outcome.faults.append(str(error))
            return UNREADABLE
        return aggregates.differs(day.key.day, counted)


def _not_archived(day: Day, revision: Revision | None) -> str:
    """Why the registry alone keeps a day; empty where it does not."""
    if revision is None:
        return UNSEALED
    if any(file.has_deletes for file in day.files):
        return DELETES
    # A day that was pruned and restored is not noted there: its rows are compared.
    noted = revision.slices.get(str(day.key.day))
    return LATE if noted is not None and day.rows > rows_of(noted) else ""


def _chunks(days: Sequence[Day]) -> Iterator[list[Day]]:
    """Days in order, cut where they hold too many rows to be compared at once."""
    chunk: list[Day] = []
    for day in sorted(days, key=lambda day: day.key):
        if chunk and sum(other.rows for other in chunk) + day.rows > ROWS_AT_ONCE:
            yield chunk
            chunk = []
        chunk.append(day)
    if chunk:
        yield chunk

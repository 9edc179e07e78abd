"""Archived rows of D1: those that lie in a sealed archive just as they are, deleted a chunk at a time.

The archive says which rows may go, not the table: an archived row is read back, and its live row goes where it equals
it in every column, as the DELETE itself sees it. So a row that came or changed late stays, at any moment. What belongs
here: comparing with archives and deleting. What does not: tables without an archive (d1_aged.py).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from assets.apps import App
from assets.archive import parts
from assets.archive.layout import bucket_folder
from assets.archive.manifest import merged
from assets.archive.quarters import Quarter
from assets.archive.registry import Revision
from assets.archive.sealed import manifest_of
from assets.archive.tables import d1_table
from assets.retention.d1_aged import COUNTED, PAGE, key_of
from assets.retention.deletion import Deletion, DeletionOutcome, Portion
from assets.retention.log import DeletionLog, DeletionRecord
from assets.retention.proof import DAMAGED, LATE, UNSEALED, ArchiveProof
from assets.retention.run import OldRows
from assets.rooms import Rooms
from assets.rows.columns import RowColumn
from assets.rows.d1 import D1Table, columns_of
from assets.rows.known import KnownRows
from assets.rows.lines import value_text
from assets.windows import Window
from resources.d1 import D1, Statement
from resources.d1.names import column_list, quoted
from resources.d1.pace import Pace
from resources.d1.ranges import between, ranges
from resources.d1.times import stamp
from resources.sql_files import read_sql

UNREAD = "not every reader has read them"
# Statements before a DELETE in its transaction, from its table and the SELECT of the keys that it deletes.
Before = Callable[[str, Statement], Sequence[Statement]]


@dataclass
class D1Sealed(OldRows):
    """The rows of an archived table, or of a time series. `page`: rows that one statement deletes at most.

    before, after: statements in the transaction of each DELETE.
    """

    d1: D1
    table: D1Table
    deletion: Deletion
    log: DeletionLog
    proof: ArchiveProof
    pace: Pace
    page: int = PAGE
    before: Before = lambda _table, _going: ()
    after: Sequence[Statement] = ()
    _unread: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, rooms: Rooms, app: App, deletion: Deletion, log: DeletionLog) -> "D1Sealed":
        """The old rows of an archived table, over the stores of the rooms."""
        d1, entry = rooms.d1(app), deletion.entry
        return cls(d1, d1_table(d1, app, entry), deletion, log, ArchiveProof.of(rooms, app, entry), Pace())

    def went(self, record: DeletionRecord) -> tuple[int, int]:
        return max(0, record.rows - self.live().get(Quarter.parse(record.place), 0)), 0

    def count(self, outcome: DeletionOutcome) -> list[Portion]:
        """At most what may go: only a deletion or a check compares rows with their archives."""
        self.proof.faults = outcome.faults
        live = self.live()
        outcome.total = sum(live.values())
        return [
            Portion(str(quarter), rows)
            for quarter, rows in sorted(live.items())
            if rows and quarter.window.end <= self.deletion.before
        ]

    def check(self, portion: Portion, outcome: DeletionOutcome) -> None:
        quarter = Quarter.parse(portion.place)
        with self.proof.registry.lock(quarter):
            rows = sum(self._counted(step) for _, step in self._steps(quarter))
        self._hold_rest(portion, rows, outcome)

    def delete(self, portion: Portion, outcome: DeletionOutcome) -> None:
        quarter, deleted = Quarter.parse(portion.place), outcome.deleted
        key = column_list(self.table.key)
        with self.proof.registry.lock(quarter), self.log.recorded(outcome, portion, self.deletion.why):
            for table, step in self._steps(quarter):
                sql = f"delete from {quoted(table)} where ({key}) in ({step.sql}) returning 1 as gone"
                first = self.before(table, step)
                batch = [*first, Statement(sql, step.params), *self.after]
                answers = self.pace.step(lambda batch=batch: self.d1.batch(batch, idempotent=True))  # type: ignore[misc]
                outcome.gone(len(answers[len(first)].rows))
        self._hold_rest(portion, outcome.deleted - deleted, outcome)

    def live(self) -> Mapping[Quarter, int]:
        """The number of rows in each quarter of their time, counted in steps."""
        name, time = self.table.name, quoted(self.table.time)
        key = key_of(self.d1, name)
        rows: dict[Quarter, int] = {}
        self._unread = {}
        for lower, upper in ranges(self.d1.query, name, key, COUNTED):
            within, params = between(key, lower, upper)
            sql = (
                f"select substr({time}, 1, 10) as day, count(*) as n, count(case when {self._read} then 1 end) as read "
                f"from {quoted(name)} as live where {within} group by 1"
            )
            for row in self.pace.step(lambda sql=sql, params=params: self.d1.query(sql, params)):  # type: ignore[misc]
                quarter = Quarter.of(date.fromisoformat(row["day"]))
                rows[quarter] = rows.get(quarter, 0) + row["n"]
                self._unread[str(quarter)] = self._unread.get(str(quarter), 0) + row["n"] - row["read"]
        return rows

    def why_not(self, portion: Portion, rows: int) -> str:
        """Why so many rows of a portion stay that are not in its archive as they are."""
        if self._unread.get(portion.place, 0) >= rows:
            return UNREAD
        sealed = self.proof.sealed(Quarter.parse(portion.place))
        if not all(self.proof.whole(revision) for revision in sealed.values()):
            return DAMAGED
        return LATE if sealed else UNSEALED

    def _hold_rest(self, portion: Portion, rows: int, outcome: DeletionOutcome) -> None:
        if rows < portion.rows:
            outcome.hold_rest(portion, rows, self.why_not(portion, portion.rows - rows))

    @property
    def _read(self) -> str:
        """The condition on `live`, a row of a log, that every reader has read it."""
        read_by = self.deletion.entry.read_by
        return f"live.{quoted(self.table.key[0])} <= ({read_sql(read_by.statement)})" if read_by else "true"

    def _counted(self, step: Statement) -> int:
        sql = f"select count(*) as n from ({step.sql})"
        return int(self.pace.step(lambda: self.d1.query(sql, step.params))[0]["n"])

    def _steps(self, quarter: Quarter) -> Iterator[tuple[str, Statement]]:
        """A table, and the SELECT of the keys of some rows in it that equal archived ones."""
        tables = [(name, window, columns_of(self.d1, name)) for name, window in self.table.over(quarter.window)]
        for revision in self.proof.sealed(quarter).values():
            if not tables or not self.proof.whole(revision):
                continue
            for frame in self._newest(revision, tables[0][2]):
                for name, window, columns in tables:
                    for rows in self._within(frame, window).iter_slices(self.page):
                        for step in self.table.equal(name, columns, window, rows, guard=self._read):
                            yield name, step

    def _newest(self, revision: Revision, columns: Sequence[RowColumn]) -> Iterator[pl.DataFrame]:
        """The archived rows of a bucket as they were last, those of its latest revision first.

        Memory: a block of rows, and the keys of the later revisions.
        """
        proof, key = self.proof, self.table.key
        folder = bucket_folder(proof.app, proof.entry.table, revision.quarter, revision.bucket)
        manifest = manifest_of(proof.store, folder, revision)
        later = KnownRows.keys([], key)
        first = min((part.revision for part in manifest.parts), default=0)
        for number in sorted({part.revision for part in manifest.parts}, reverse=True):
            known = later
            for part in (part for part in manifest.parts if part.revision == number):
                for frame in parts.read(proof.store, folder, part, merged(manifest.columns, columns)):
                    yield later.late(frame, key)
                    if number != first:
                        known = known.with_keys(frame, key)
            later = known

    def _within(self, frame: pl.DataFrame, window: Window) -> pl.DataFrame:
        time = pl.col(self.table.time)
        start, end = (value_text(stamp(at)) for at in (window.start, window.end))
        return frame.filter(time >= start, time < end)

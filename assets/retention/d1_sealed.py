"""Rows in D1 that lie in a sealed archive just as they are: counted, or deleted a chunk at a time.

What goes is told by the archive, not by the table: an archived row is read back, and its live row goes where it is
equal to it in every column, as the DELETE itself sees it. So a row that came or changed late stays, whenever it did. Of
the table nothing is held in memory, of the archive a block of rows and the keys of its later revisions.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from assets.archive import parts
from assets.archive.late import Known
from assets.archive.layout import bucket_folder
from assets.archive.lines import Column, Kind, schema, value_of, value_text
from assets.archive.manifest import merged
from assets.archive.quarters import Quarter
from assets.archive.registry import Revision
from assets.archive.sealed import manifest_of
from assets.retention.proof import Proof
from assets.windows import Window
from resources.d1 import D1, Statement, bulk
from resources.d1.names import column_list, quoted
from resources.d1.pace import Pace
from resources.d1.times import stamp

Tables = Sequence[tuple[str, Window]]
# What goes before a DELETE in its transaction, of its table and the SELECT of the keys that it takes.
Before = Callable[[str, Statement], Sequence[Statement]]


def nothing(_table: str, _going: Statement) -> Sequence[Statement]:
    """Nothing goes before a DELETE."""
    return ()


@dataclass
class SealedRows:
    """Rows of quarters of an archived table. `guard`: a condition on `live`, beside that of being equal. `page`: rows
    that one statement takes at most.
    """

    d1: D1
    proof: Proof
    pace: Pace
    page: int
    guard: str = "true"
    before: Before = nothing
    after: Sequence[Statement] = ()

    def count(self, quarter: Quarter, tables: Tables) -> int:
        """How many live rows of a quarter would go. `tables` hold them, each those of its window."""
        return sum(
            self.pace.step(lambda step=step: self.d1.query(f"select count(*) as n from ({step.sql})", step.params))[0][  # type: ignore[misc]
                "n"
            ]
            for _, step in self._steps(quarter, tables)
        )

    def delete(self, quarter: Quarter, tables: Tables) -> Iterator[int]:
        """Delete them; how many each step deleted. To be called under the registry's lock of the quarter."""
        key = column_list(self.proof.entry.key)
        for table, step in self._steps(quarter, tables):
            going = Statement(
                f"delete from {quoted(table)} where ({key}) in ({step.sql}) returning 1 as gone", step.params
            )
            first = [*self.before(table, step)]
            batch = [*first, going, *self.after]
            answers = self.pace.step(lambda batch=batch: self.d1.batch(batch, idempotent=True))  # type: ignore[misc]
            yield len(answers[len(first)].rows)

    def _steps(self, quarter: Quarter, tables: Tables) -> Iterator[tuple[str, Statement]]:
        """A table, and the SELECT of the keys of some rows in it that are equal to archived ones."""
        columns = [self._columns(table) for table, _ in tables]
        for revision in self.proof.sealed(quarter).values():
            if not columns or not self.proof.whole(revision):
                continue
            for frame in self._newest(revision, columns[0]):
                for (table, window), found in zip(tables, columns, strict=True):
                    for rows in self._within(frame, window).iter_slices(self.page):
                        yield from ((table, step) for step in self._equal(table, found, window, rows))

    def _newest(self, revision: Revision, columns: Sequence[Column]) -> Iterator[pl.DataFrame]:
        """The archived rows of a bucket as they were last, those of its latest revision first."""
        proof, key = self.proof, self.proof.entry.key
        folder = bucket_folder(proof.app, proof.entry.table, revision.quarter, revision.bucket)
        manifest = manifest_of(proof.store, folder, revision)
        later = Known.keys([], key)
        first = min(part.revision for part in manifest.parts)
        for number in sorted({part.revision for part in manifest.parts}, reverse=True):
            found = later
            for part in (p for p in manifest.parts if p.revision == number):
                for frame in parts.read(proof.store, folder, part, merged(manifest.columns, columns)):
                    yield later.late(frame, key)
                    if number != first:
                        found = found.joined_by(frame, key)
            later = found

    def _within(self, frame: pl.DataFrame, window: Window) -> pl.DataFrame:
        """The rows of a window that can be compared: one that is too long for a statement stays where it is."""
        assert self.proof.entry.time is not None  # an archived table has one
        time = pl.col(self.proof.entry.time)
        start, end = (value_text(stamp(at)) for at in (window.start, window.end))
        # A blob is carried as hex, which takes more than its base64 does.
        size = pl.sum_horizontal(
            pl.when(pl.col(name).str.starts_with("{")).then(2).otherwise(1) * (pl.col(name).str.len_bytes() + 1)
            for name in frame.columns
        )
        return frame.filter(time >= start, time < end, size < bulk.CHUNK_BYTES - len(frame.columns) * 5)

    def _equal(self, table: str, columns: Sequence[Column], window: Window, rows: pl.DataFrame) -> Iterator[Statement]:
        names, entry = list(schema(columns)), self.proof.entry
        values = ([value_of(text) for text in row] for row in rows.select(names).iter_rows())
        key = ", ".join(f"live.{quoted(name)}" for name in entry.key)
        held = f"live.{quoted(entry.time or '')} >= ?2 and live.{quoted(entry.time or '')} < ?3"
        for payload, blobs in bulk.chunks(table, names, values):
            same = " and ".join(
                f"live.{quoted(name)} {'=' if name in entry.key else 'is'} "
                f"{bulk.value(at, blob=at in blobs, row='seen.value')}"
                for at, name in enumerate(names)
            )
            # In this order of the join each row is found by its key.
            sql = (
                f"select {key} from json_each(?1) as seen cross join {quoted(table)} as live "
                f"where {same} and {held} and {self.guard}"
            )
            yield Statement(sql, [payload, stamp(window.start), stamp(window.end)])

    def _columns(self, table: str) -> list[Column]:
        found = self.d1.query(f"pragma table_info({quoted(table)})")
        return [Column(column["name"], Kind.VALUE, column["type"]) for column in found]

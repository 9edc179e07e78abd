"""Parts made again from live rows: only where these rows are, as lines, exactly those that were lost.

The checksum of lines does not depend on their order, so that it proves the rows although a store gives them in another
order than before. What belongs here: finding and counting these rows, and putting them. What does not: sealing.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain

import polars as pl

from assets.apps.lifecycle import Archive
from assets.archive import parts
from assets.archive.layout import bucket_of, split
from assets.archive.manifest import Part, instant, merged, summed
from assets.archive.parts import PART_BYTES, PartWriter
from assets.archive.quarters import Quarter
from assets.rows.columns import RowColumn, schema, text_of
from assets.rows.known import KnownRows
from assets.rows.lines import CHECKSUM_MODULUS, checksum, encode
from assets.rows.source import RowsChangedError, Source
from resources.counts import counted
from resources.r2 import ObjectStore

WORKERS = 2


class NotLiveError(LookupError):
    """The rows are not, or not all, live as they were archived; the message says why."""


@dataclass(frozen=True)
class Lost:
    """Rows of a bucket that no intact part holds: their number and checksum, and the texts between which they lie.

    columns: those of their lines. intact: the parts of the bucket that are whole. revision: the newest one that a lost
    row came with.
    """

    bucket: str
    columns: Sequence[RowColumn]
    rows: int
    checksum: str
    since: str
    until: str
    revision: int
    intact: Sequence[Part] = ()


@dataclass
class LiveRows:
    """The rows of one quarter in the live table, as its source reads them. `whole`: the bytes of an intact part."""

    source: Source
    quarter: Quarter
    policy: Archive
    store: ObjectStore
    folder: str
    whole: Callable[[Part], bytes]

    def prove(self, lost: Lost) -> None:
        """Read the live rows that no intact part holds, and compare them with what was lost.

        Raises:
            NotLiveError: they are others.
        """
        if not self.source.columns:
            raise NotLiveError("no live row of the quarter is there")
        try:
            merged(lost.columns, self.source.columns)
        except ValueError as error:
            raise NotLiveError(str(error)) from None
        if gone := sorted({c.name for c in lost.columns} - {c.name for c in self.source.columns}):
            raise NotLiveError(f"the live table has no column {', '.join(gone)}")
        rows = total = 0
        for frame, _ in self._missing(lost):
            rows += frame.height
            total += checksum(encode(frame, lost.columns))
        if rows != lost.rows:
            more = counted(rows, "live row is", "live rows are")
            raise NotLiveError(f"{more} not in the rest of the archive, where {lost.rows:,} were lost")
        if f"{total % CHECKSUM_MODULUS:032x}" != lost.checksum:
            raise NotLiveError(f"of the {rows:,} live rows some changed after they were archived")

    def put(self, lost: Lost, part_bytes: int = PART_BYTES) -> list[Part]:
        """Put the rows that were proved as parts, and read these back.

        Raises:
            RowsChangedError: they changed after they were proved.
            DamagedPartError: a part did not come back as it was put.
        """
        with ThreadPoolExecutor(WORKERS) as workers:
            writer = PartWriter(
                self.store,
                self.folder,
                lost.columns,
                revision=lost.revision,
                workers=workers,
                part_bytes=part_bytes,
                replacing=True,
            )
            for frame, window in self._missing(lost):
                writer.add(frame, window)
            made = writer.close()
        if (sum(part.rows for part in made), summed(part.checksum for part in made)) != (lost.rows, lost.checksum):
            raise RowsChangedError(f"{self.folder}: live rows changed while they were read")
        for part in made:
            for _ in parts.read(self.store, self.folder, part, lost.columns):
                pass
        return made

    def _missing(self, lost: Lost) -> Iterator[tuple[pl.DataFrame, tuple[str, str]]]:
        """The live rows of the bucket that no intact part holds, with the window that they were read of."""
        names = list(schema(lost.columns))
        archived = chain.from_iterable(
            parts.rows_of(self.whole(part), part, lost.columns, f"{self.folder}/{part.name}")
            for part in lost.intact
            if part.since < lost.until and part.until > lost.since
        )
        known = KnownRows.keys((frame.select(names) for frame in archived), names)
        column = next(c for c in self.source.columns if c.name == self.policy.bucket)
        for slice_ in self.source.slices(self.quarter.window):
            since, until = instant(slice_.window.start), instant(slice_.window.end)
            other = slice_.tenant is not None and bucket_of(slice_.tenant, self.policy.buckets) != lost.bucket
            if other or since >= lost.until or until <= lost.since:
                continue
            for frame in self.source.read(slice_):
                rows = split(frame, text_of(column), self.policy.buckets).get(lost.bucket)
                if rows is not None:
                    left = known.late(rows.select(names), names)
                    if not left.is_empty():
                        yield left, (since, until)

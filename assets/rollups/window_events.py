"""The events of a window, as a snapshot of the lake table has them: what roll-ups, sessions and attribution count.

What belongs here: reading them, and leaving out doubles. What does not: counting, and the audit's way to read.
"""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from assets.rollups.definition import COLUMNS, Grain, window_of
from assets.windows import Window
from resources.lake import FileInfo, LakeTable


@dataclass(frozen=True)
class WindowEvents:
    """The events of a window, of some organisations (None: of all), but not of those `without`.

    They are those of a snapshot, so that a window holds what its record says, and no commit that landed meanwhile. None
    is the newest snapshot.
    """

    table: LakeTable
    window: Window
    orgs: Collection[str] | None = None
    snapshot_id: int | None = None
    without: frozenset[str] = frozenset()

    def single(self, grain: Grain) -> tuple[pl.DataFrame, int]:
        """The columns that roll-ups read, without doubles within a window of the grain; and the number of doubles."""
        rows = self.collect(self.scan().select(COLUMNS))
        # As many hashes as rows are as many ids. Only where there are fewer, the ids themselves are compared.
        if rows["event_id"].hash().n_unique() == rows.height:
            return rows, 0
        # Ingest stores no doubles, and compaction drops those of other writers: this is for the time between. Doubles
        # are dropped within each window, so that an hour is the same in any range that is built.
        single = (
            rows.sort("timestamp")
            .with_columns(window_of(grain))
            .unique(["org_tag", grain.column, "event_id"], keep="first", maintain_order=True)
        )
        return single.select(COLUMNS), rows.height - single.height

    def scan(self) -> pl.LazyFrame:
        """All rows and columns, doubles among them. `collect` runs it."""
        window = self.window
        rows = self.table.read(self._files)
        rows = rows.filter(pl.col("timestamp") >= window.start, pl.col("timestamp") < window.end)
        if self.without:
            rows = rows.filter(~pl.col("org_tag").is_in(list(self.without)))
        return rows if self.orgs is None else rows.filter(pl.col("org_tag").is_in(list(self.orgs)))

    def collect(self, rows: pl.LazyFrame) -> pl.DataFrame:
        """What a query over `scan` gives; an error because of damaged or missing files names them."""
        with self.table.named(self._files):
            return rows.collect(engine="streaming")

    @cached_property
    def _files(self) -> list[FileInfo]:
        files = self.table.files(self.window.start, self.window.end, self.orgs, self.snapshot_id)
        return [info for info in files if info.partition is None or info.partition.tenant not in self.without]

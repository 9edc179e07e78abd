"""The events of a window, as a snapshot of the lake table has them: what roll-ups, sessions and attribution count.

What belongs here: reading them, and leaving out doubles. What does not: counting, and the audit's way to read.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from assets.rollups.counting import single
from assets.rollups.definition import COLUMNS, Grain
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
        rows = self.columns()
        events = single(rows, grain)
        return events, rows.height - events.height

    def columns(self) -> pl.DataFrame:
        """The columns that roll-ups read, doubles among them."""
        rows = self._read(self.scan().select(COLUMNS))
        self._refuse_other_rows(rows)
        return rows

    def scan(self) -> pl.LazyFrame:
        """All rows and columns, doubles among them. `collect` runs it."""
        window = self.window
        rows = self.table.read(self.files)
        rows = rows.filter(pl.col("timestamp") >= window.start, pl.col("timestamp") < window.end)
        if self.without:
            rows = rows.filter(~pl.col("org_tag").is_in(list(self.without)))
        return rows if self.orgs is None else rows.filter(pl.col("org_tag").is_in(list(self.orgs)))

    def collect(self, rows: pl.LazyFrame) -> pl.DataFrame:
        """What a query over `scan` gives; an error because of damaged or missing files names them."""
        assert self._has_its_rows
        return self._read(rows)

    def _read(self, rows: pl.LazyFrame) -> pl.DataFrame:
        with self.table.named(self.files):
            return rows.collect(engine="streaming")

    @cached_property
    def _has_its_rows(self) -> bool:
        self._refuse_other_rows(self._read(self.scan().select("org_tag")))
        return True

    def _refuse_other_rows(self, rows: pl.DataFrame) -> None:
        """Look whether the files hold rows of their organisations in the window, as many as the manifests say.

        A file that was overwritten by one of another day with as many rows would count as none otherwise.

        Raises:
            DamagedFilesError: some files do not hold the rows that were written to them.
        """
        counts = Counter(dict(rows["org_tag"].value_counts().iter_rows()))
        least, most = Counter[str](), Counter[str]()
        for info in self.files:
            if info.partition is None:
                return  # another engine's file with rows of anybody
            most[info.partition.tenant] += info.rows
            if not info.has_deletes and self._holds(info):
                least[info.partition.tenant] += info.rows
        wrong = {org for org in counts | most if not least[org] <= counts[org] <= most[org]}
        self.table.refuse_damaged(info for info in self.files if wrong - most.keys() or info.key.tenant in wrong)

    def _holds(self, info: FileInfo) -> bool:
        """Whether the window holds all rows of a file."""
        if info.lowest is None or info.highest is None:
            return False
        return self.window.start <= info.lowest and info.highest < self.window.end

    @cached_property
    def files(self) -> list[FileInfo]:
        """The files that may hold some of them."""
        files = self.table.files(self.window.start, self.window.end, self.orgs, self.snapshot_id)
        return [info for info in files if info.partition is None or info.partition.tenant not in self.without]

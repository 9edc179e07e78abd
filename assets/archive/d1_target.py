"""Restoring into a table of D1, row by row in batches, by its key."""

from collections.abc import Callable, Iterable, Sequence

import polars as pl

from assets.archive.lines import Column, value_of
from assets.archive.targets import Into
from resources.d1 import D1, Statement
from resources.d1.names import column_list, quoted

Place = Callable[[str], str]
Tell = Callable[[Sequence[str]], None]


def untold(_times: Sequence[str]) -> None:
    """Nobody is told of rows that came."""


class D1Target:
    """A table beside the live one, whose name ends in `_restored`, made on first use; or the live one.

    In the side table no column has a type, so that SQLite changes no value. `place` says which live table holds rows of
    a time: its own name for all, or that of a partition. `tell` is told of the times of rows once they are live, those
    that were there before included: a restore that was killed between the two is run again.
    """

    def __init__(
        self, d1: D1, table: str, into: Into, time: str, key: Sequence[str], place: Place, tell: Tell = untold
    ) -> None:
        self._d1 = d1
        self.into: Into = into
        self._tell: Tell = tell if into == "live" else untold
        self._key = list(key)
        self._time = time
        self._place: Place = place if into == "live" else lambda _: f"{table}_restored"
        self.name = table if into == "live" else f"{table}_restored"

    def put(self, frames: Iterable[pl.DataFrame], columns: Sequence[Column]) -> int:
        """Rows become readable as they are written; those of erased people never come here."""
        names = [c.name for c in columns]
        if self.into == "side":
            self._make(names)
        added = 0
        for frame in frames:
            for table, rows in self._placed(frame).items():
                added += self._added(table, names, rows)
            self._tell([str(value_of(text)) for text in frame[self._time]])
        return added

    def _added(self, table: str, names: Sequence[str], rows: pl.DataFrame) -> int:
        values = ([value_of(text) for text in row] for row in rows.select(names).iter_rows())
        before = self._count(table)
        # Triggers count as changes too, so what was added is counted.
        self._d1.upsert(table, names, values, self._key, update=())
        return self._count(table) - before

    def _count(self, table: str) -> int:
        return int(self._d1.query(f"select count(*) as n from {quoted(table)}")[0]["n"])

    def _placed(self, frame: pl.DataFrame) -> dict[str, pl.DataFrame]:
        places = [self._place(str(value_of(text))) for text in frame[self._time]]
        if len(set(places)) <= 1:
            return dict.fromkeys(places, frame)
        parts = frame.with_columns(pl.Series("\0place", places)).partition_by(
            "\0place", as_dict=True, include_key=False
        )
        return {str(place): part for (place,), part in parts.items()}

    def _make(self, names: Sequence[str]) -> None:
        marked = ", ".join(quoted(n) for n in names)
        keys = column_list(self._key)
        # NOT NULL is no part of it: a key of SQLite's own tables may lack it.
        self._d1.batch(
            [Statement(f"create table if not exists {quoted(self.name)} ({marked}, primary key ({keys}))")],
            idempotent=True,
        )

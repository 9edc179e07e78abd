"""Reading a quarter of D1 tables page by page, each value with SQLite's own type for it.

A column of SQLite may hold values of any type, and JSON, by which D1 answers, does not tell 1 from 1.0. So every page
asks for the types too, in one text a row.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import polars as pl

from assets.archive.lines import Column, Kind, schema, value_text
from assets.archive.sources import ChangedMeanwhileError, Slice
from assets.windows import Window
from resources.d1 import D1
from resources.d1.names import quoted

PAGE_ROWS = 1_000
TYPES = "\u2044types"
Tables = Callable[[Window], Sequence[tuple[str, Window]]]


class D1Source:
    """One table, or the partitions of a family: `tables` gives names with the windows that they answer for.

    `time` is a text column in which UTC times sort as they pass; `stamp` writes a bound as it has them. Rows are paged
    by their key.
    """

    def __init__(
        self, d1: D1, tables: Tables, time: str, key: Sequence[str], stamp: Callable[[Any], str], window: Window
    ) -> None:
        self._d1 = d1
        self._tables = list(tables(window))
        self._time = time
        self._key = list(key)
        self._stamp = stamp
        self.snapshot = d1.bookmark()
        found = d1.query(f"pragma table_info({quoted(self._tables[0][0])})") if self._tables else []
        self.columns: Sequence[Column] = tuple(Column(c["name"], Kind.VALUE, c["type"]) for c in found)

    def slices(self, window: Window) -> list[Slice]:
        """One slice a table; only reading tells whether its rows are the same."""
        found = []
        for name, held in self._tables:
            part = held.clipped(window)
            if part is not None and (rows := self._count(name, part)):
                found.append(Slice(name, part, expected=rows))
        return found

    def read(self, slice_: Slice) -> Iterator[pl.DataFrame]:
        names = [c.name for c in self.columns]
        types = " || ".join(f"substr(typeof({quoted(n)}), 1, 1)" for n in names)
        source = (
            f"select {', '.join(map(quoted, names))}, {types} as {quoted(TYPES)} from {quoted(slice_.name)} "
            f"where {quoted(self._time)} >= ?1 and {quoted(self._time)} < ?2"
        )
        count = 0
        # By the key, which always has an index; a window is about all that a partition holds.
        for rows in self._d1.stream(source, self._key, page=PAGE_ROWS, params=self._bounds(slice_.window)):
            count += len(rows)
            yield pl.DataFrame([_texts(row, names) for row in rows], schema=schema(self.columns), orient="row")
        if count != slice_.expected or count != self._count(slice_.name, slice_.window):
            raise ChangedMeanwhileError(f"{slice_.name}: rows came or went while {count} of them were read")

    def close(self) -> None:
        """Nothing is kept open."""

    def _count(self, table: str, window: Window) -> int:
        time = quoted(self._time)
        sql = f"select count(*) as n from {quoted(table)} where {time} >= ? and {time} < ?"
        return int(self._d1.query(sql, self._bounds(window))[0]["n"])

    def _bounds(self, window: Window) -> list[str]:
        return [self._stamp(window.start), self._stamp(window.end)]


def _texts(row: dict[str, Any], names: Sequence[str]) -> list[str | None]:
    texts = []
    for name, type_ in zip(names, row[TYPES], strict=True):
        value = row[name]
        if type_ == "r" and value is not None:
            value = float(value)
        elif type_ == "r":
            raise ValueError(f"column {name}: an infinite number, which D1's API cannot carry")
        texts.append(value_text(value))
    return texts

"""Rows of D1: read page by page, each value with SQLite's own type for it, and written in batches.

A column of SQLite may hold values of any type, and JSON, which D1 answers in, does not distinguish 1 from 1.0. So every
page asks for the types too, in one text a row.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from assets.rows.columns import ColumnKind, RowColumn, schema
from assets.rows.lines import value_of, value_text
from assets.rows.source import RowsChangedError, RowSlice
from assets.rows.target import Into
from assets.windows import Window
from resources.d1 import D1, Statement, bulk
from resources.d1.names import balanced, column_list, quoted
from resources.d1.times import stamp

PAGE_ROWS = 1_000
TYPES = "\u2044types"
Parts = Sequence[tuple[str, Window]]
"""Tables, each with the window that it holds rows of."""


def columns_of(d1: D1, table: str) -> tuple[RowColumn, ...]:
    """The columns of a table."""
    rows = d1.query(f"pragma table_info({quoted(table)})")
    return tuple(RowColumn(row["name"], ColumnKind.VALUE, row["type"]) for row in rows)


@dataclass(frozen=True)
class D1Table:
    """A table, or a time series that lies in several tables.

    key: the columns that identify a row. time: a text column in which UTC times sort in order of time. parts: the
    tables that hold the rows of a window; None for the table of this name alone. part_of: the table that holds the rows
    of a time.
    """

    name: str
    key: tuple[str, ...]
    time: str
    parts: Callable[[Window], Parts] | None = None
    part_of: Callable[[str], str] | None = None

    def over(self, window: Window) -> Parts:
        """The tables that hold rows of a window."""
        return self.parts(window) if self.parts else [(self.name, window)]

    def split(self, frame: pl.DataFrame) -> Mapping[str, pl.DataFrame]:
        """The rows of a frame by the table that holds them."""
        if self.part_of is None:
            return {self.name: frame}
        names = pl.Series("\0table", [self.part_of(str(value_of(text))) for text in frame[self.time]])
        parts = frame.with_columns(names).partition_by("\0table", as_dict=True, include_key=False)
        return {str(name): part for (name,), part in parts.items()}

    def equal(
        self, table: str, columns: Sequence[RowColumn], window: Window, rows: pl.DataFrame, *, guard: str = "true"
    ) -> Iterator[Statement]:
        """SELECTs of the keys of live rows in `table` that equal a row of the frame in every column.

        `guard` is one more condition on `live`. A row that is too long for a statement is left out.
        """
        names = list(schema(columns))
        values = ([value_of(text) for text in row] for row in _short(rows.select(names)).iter_rows())
        key = ", ".join(f"live.{quoted(name)}" for name in self.key)
        time = f"live.{quoted(self.time)}"
        for payload, blobs in bulk.chunks(table, names, values):
            equal = [
                f"live.{quoted(name)} {'=' if name in self.key else 'is'} "
                f"{bulk.value(position, blob=position in blobs, row='seen.value')}"
                for position, name in enumerate(names)
            ]
            # The key stays outside of the brackets: SQLite looks for an index there.
            rest = [term for name, term in zip(names, equal, strict=True) if name not in self.key]
            same = " and ".join(term for name, term in zip(names, equal, strict=True) if name in self.key)
            same += f" and ({balanced(rest, 'and')})" if rest else ""
            # In this order of the join each live row is found by its key.
            sql = (
                f"select {key} from json_each(?1) as seen cross join {quoted(table)} as live "
                f"where {same} and {time} >= ?2 and {time} < ?3 and {guard}"
            )
            yield Statement(sql, [payload, stamp(window.start), stamp(window.end)])


class D1Source:
    """A table as it is while it is read; D1 has no transaction over several requests. Rows are paged by their key."""

    def __init__(self, d1: D1, table: D1Table, window: Window) -> None:
        self._d1 = d1
        self._table = table
        self._parts = table.over(window)
        self.snapshot = d1.bookmark()
        self.columns: Sequence[RowColumn] = columns_of(d1, self._parts[0][0]) if self._parts else ()

    def slices(self, window: Window) -> list[RowSlice]:
        """One slice a table; only reading shows whether its rows are the same."""
        slices = []
        for name, whole in self._parts:
            part = whole.clipped(window)
            if part is not None and (rows := self._count(name, part)):
                slices.append(RowSlice(name, part, expected=rows))
        return slices

    def read(self, slice_: RowSlice) -> Iterator[pl.DataFrame]:
        names = [column.name for column in self.columns]
        types = balanced([f"substr(typeof({quoted(name)}), 1, 1)" for name in names], "||")
        query = (
            f"select {column_list(names)}, {types} as {quoted(TYPES)} from {quoted(slice_.name)} "
            f"where {quoted(self._table.time)} >= ?1 and {quoted(self._table.time)} < ?2"
        )
        count = 0
        # By the key, which always has an index; a window is about all that a partition holds.
        for rows in self._d1.stream(query, self._table.key, page=PAGE_ROWS, params=_bounds(slice_.window)):
            count += len(rows)
            yield pl.DataFrame([_texts(row, names) for row in rows], schema=schema(self.columns), orient="row")
        if count != slice_.expected or count != self._count(slice_.name, slice_.window):
            raise RowsChangedError(f"{slice_.name}: rows came or went while {count} of them were read")

    def close(self) -> None:
        """Nothing is kept open."""

    def _count(self, table: str, window: Window) -> int:
        time = quoted(self._table.time)
        sql = f"select count(*) as n from {quoted(table)} where {time} >= ? and {time} < ?"
        return int(self._d1.query(sql, _bounds(window))[0]["n"])


class D1Target:
    """The live table, or one beside it whose name ends in `_restored`. Rows become readable as they are written.

    Columns of the side table have no type, so that SQLite changes no value. `written` is called with the times of rows
    that were put, those that were there before too, because a killed run is run again.
    """

    def __init__(
        self, d1: D1, table: D1Table, into: Into, written: Callable[[Sequence[str]], object] | None = None
    ) -> None:
        self._d1 = d1
        self._written = written
        self._table = table if into == "live" else D1Table(f"{table.name}_restored", table.key, table.time)
        self.into: Into = into
        self.name = self._table.name

    def put(self, frames: Iterable[pl.DataFrame], columns: Sequence[RowColumn]) -> int:
        names = [column.name for column in columns]
        if self.into == "side":
            self._make(names)
        added = 0
        for frame in frames:
            added += sum(self._added(table, names, rows) for table, rows in self._table.split(frame).items())
            if self._written is not None:
                self._written([str(value_of(text)) for text in frame[self._table.time]])
        return added

    def patch(self, frames: Iterable[pl.DataFrame], columns: Sequence[RowColumn]) -> int:
        names = [column.name for column in columns]

        def update(table: str, values: Mapping[str, str]) -> str:
            changes = ", ".join(f"{quoted(name)} = {values[name]}" for name in names if name not in self._table.key)
            same = " and ".join(f"live.{quoted(name)} = {values[name]}" for name in self._table.key)
            return f"update {quoted(table)} as live set {changes} from json_each(?1) as seen where {same}"

        return self._changed((frame.select(names) for frame in frames), update)

    def delete(self, frames: Iterable[pl.DataFrame]) -> int:
        def delete(table: str, values: Mapping[str, str]) -> str:
            keys = ", ".join(values[name] for name in self._table.key)
            return (
                f"delete from {quoted(table)} where ({column_list(self._table.key)}) in "
                f"(select {keys} from json_each(?1) as seen)"
            )

        return self._changed(frames, delete)

    def _changed(self, frames: Iterable[pl.DataFrame], statement: Callable[[str, Mapping[str, str]], str]) -> int:
        """Run, chunk by chunk of the rows, a statement over a table and the SQL of each value by its column."""
        changed = 0
        for table, rows in ((name, part) for frame in frames for name, part in self._table.split(frame).items()):
            for payload, blobs in bulk.chunks(table, rows.columns, _values(rows, rows.columns)):
                values = {
                    name: bulk.value(position, blob=position in blobs, row="seen.value")
                    for position, name in enumerate(rows.columns)
                }
                step = Statement(statement(table, values) + " returning 1 as changed", [payload])
                changed += len(self._d1.batch([step], idempotent=True)[0].rows)
        return changed

    def _added(self, table: str, names: Sequence[str], rows: pl.DataFrame) -> int:
        before = self._count(table)
        # Triggers count as changes too, so the rows are counted.
        self._d1.upsert(table, names, _values(rows, names), self._table.key, update=())
        return self._count(table) - before

    def _count(self, table: str) -> int:
        return int(self._d1.query(f"select count(*) as n from {quoted(table)}")[0]["n"])

    def _make(self, names: Sequence[str]) -> None:
        # The columns are not NOT NULL, because a key of SQLite's own tables may be null.
        columns = f"{column_list(names)}, primary key ({column_list(self._table.key)})"
        self._d1.batch([Statement(f"create table if not exists {quoted(self.name)} ({columns})")], idempotent=True)


def _values(rows: pl.DataFrame, names: Sequence[str]) -> Iterator[list[Any]]:
    return ([value_of(text) for text in row] for row in rows.select(names).iter_rows())


def _short(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows that fit into one statement."""
    # A blob is carried as hex, which is longer than its base64.
    size = pl.sum_horizontal(
        pl.when(pl.col(name).str.starts_with("{")).then(2).otherwise(1) * (pl.col(name).str.len_bytes() + 1)
        for name in rows.columns
    )
    return rows.filter(size < bulk.CHUNK_BYTES - len(rows.columns) * 5)


def _bounds(window: Window) -> list[str]:
    return [stamp(window.start), stamp(window.end)]


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
